"""Seeds have 32 bits without a sign: PostgreSQL's INTEGER has no room for half of them. SQLite's has"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _change(sa.BigInteger())


def downgrade() -> None:
    _change(sa.Integer())


def _change(kind: "sa.types.TypeEngine[int]") -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("rollouts", "seed", type_=kind)
