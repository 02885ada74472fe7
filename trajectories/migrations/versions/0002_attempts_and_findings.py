"""Attempts of rollouts, findings of tasks

Rollouts that were written before are not labelled: they have no attempts.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Plain ADD COLUMN, which both databases do in place; rebuilding a large table would copy it, and its cascades
    # would take the steps along.
    op.add_column("tasks", sa.Column("audited_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("rollouts", sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("rollouts_by_attempts", "rollouts", ["attempts", "id"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("rollout_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["rollout_id"], ["rollouts.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("rollout_id", "number"),
    )
    op.create_index(op.f("ix_attempts_kind"), "attempts", ["kind"], unique=False)
    op.create_table(
        "findings",
        sa.Column("suite_hash", sa.String(), nullable=False),
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["suite_hash", "task_id"], ["tasks.suite_hash", "tasks.id"]),
        sa.PrimaryKeyConstraint("suite_hash", "task_id", "number"),
    )


def downgrade() -> None:
    op.drop_table("findings")
    op.drop_index(op.f("ix_attempts_kind"), table_name="attempts")
    op.drop_table("attempts")
    op.drop_index("rollouts_by_attempts", table_name="rollouts")
    op.drop_column("rollouts", "attempts")
    op.drop_column("tasks", "audited_at")
