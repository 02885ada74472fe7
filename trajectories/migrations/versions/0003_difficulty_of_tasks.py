"""Difficulty of tasks, as it was measured when they were made

Tasks that were registered before were not measured: theirs stays empty.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COLUMNS = ("difficulty_files", "difficulty_lines", "difficulty_tests", "difficulty_distance")


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("tasks", sa.Column(name, sa.Integer(), nullable=True))


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column("tasks", name)
