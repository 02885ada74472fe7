"""Counts of what filters ask for, from indexes alone"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

OUTCOME = ["reward", "ending", "is_unknown", "is_privileged", "attempts"]


def upgrade() -> None:
    _replace("rollouts_by_cell", ["agent", "model", "family", "started_at", "id", *OUTCOME])
    _replace("rollouts_by_outcome", OUTCOME)
    _replace("rollouts_by_attempts", ["attempts", *OUTCOME[:-1], "id"])


def downgrade() -> None:
    _replace("rollouts_by_cell", ["agent", "model", "family", "started_at", "id"])
    _replace("rollouts_by_outcome", ["reward", "ending"])
    _replace("rollouts_by_attempts", ["attempts", "id"])


def _replace(index: str, columns: list[str]) -> None:
    op.drop_index(index, "rollouts")
    op.create_index(index, "rollouts", columns)
