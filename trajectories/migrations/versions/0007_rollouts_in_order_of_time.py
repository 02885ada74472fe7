"""Rollouts in order of time: lists that show the newest first"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("rollouts_by_time", "rollouts", ["started_at", "id"])
    op.create_index("rollouts_by_cell", "rollouts", ["agent", "model", "family", "started_at", "id"])
    op.drop_index("rollouts_by_agent", "rollouts")  # the cell's index begins with the same columns


def downgrade() -> None:
    op.create_index("rollouts_by_agent", "rollouts", ["agent", "model", "family"])
    op.drop_index("rollouts_by_cell", "rollouts")
    op.drop_index("rollouts_by_time", "rollouts")
