"""Counts by attempts without ids: these come in the order of chance, and each wrote another page of the index"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COLUMNS = ["attempts", "reward", "ending", "is_unknown", "is_privileged"]


def upgrade() -> None:
    _replace(COLUMNS)


def downgrade() -> None:
    _replace([*COLUMNS, "id"])


def _replace(columns: list[str]) -> None:
    op.drop_index("rollouts_by_attempts", "rollouts")
    op.create_index("rollouts_by_attempts", "rollouts", columns)
