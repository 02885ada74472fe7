"""Alembic's entry: runs on the connection that `trajectories/schema.py` hands over."""

from alembic import context
from sqlmodel import SQLModel

from trajectories import tables  # noqa: F401  (fills the metadata)

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
