"""Alembic migrations of the store; `trajectories/schema.py` runs them."""
