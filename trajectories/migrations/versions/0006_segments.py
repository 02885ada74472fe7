"""Bodies in segments; the summaries of a rollout's steps in one row, in place of a row each"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

PAGE = 500

steps = sa.table(
    "steps",
    sa.column("rollout_id", sa.String),
    sa.column("step", sa.Integer),
    sa.column("source", sa.String),
    sa.column("tool", sa.String),
    sa.column("characters", sa.Integer),
    sa.column("prompt_tokens", sa.Integer),
    sa.column("completion_tokens", sa.Integer),
    sa.column("is_error", sa.Boolean),
)


def upgrade() -> None:
    # By ALTER TABLE: a batch would copy the whole table on SQLite.
    op.add_column("rollouts", sa.Column("body_segment", sa.String(), nullable=False, server_default=""))
    op.add_column("rollouts", sa.Column("body_start", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("rollouts", sa.Column("body_length", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index("rollouts_by_place", "rollouts", ["body_segment", "body_start"])
    op.drop_index("rollouts_by_task", "rollouts")  # the unique constraint begins with the same columns
    packed = op.create_table(
        "step_summaries",
        sa.Column("rollout_id", sa.String(), primary_key=True),
        sa.Column("packed", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["rollout_id"], ["rollouts.id"], ondelete="CASCADE"),
    )
    last = ""
    while rows := _page(last):
        op.get_bind().execute(packed.insert(), rows)
        last = rows[-1]["rollout_id"]
    op.drop_table("steps")


def _page(last: str) -> list[dict[str, str]]:
    """Of the next rollouts by id, their steps packed."""
    ids = sa.select(steps.c.rollout_id).where(steps.c.rollout_id > last).distinct()
    page = list(op.get_bind().scalars(ids.order_by(steps.c.rollout_id).limit(PAGE)))
    found: dict[str, list[list[Any]]] = {rollout_id: [] for rollout_id in page}
    chosen = sa.select(steps).where(steps.c.rollout_id.in_(page)).order_by(steps.c.rollout_id, steps.c.step)
    for rollout_id, *values in op.get_bind().execute(chosen):
        found[rollout_id].append(values)
    return [{"rollout_id": each, "packed": json.dumps(found[each], separators=(",", ":"))} for each in page]


def downgrade() -> None:
    raise NotImplementedError("bodies that lie in segments cannot be found by an older version: restore a backup")
