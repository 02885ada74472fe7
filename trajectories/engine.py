"""Database connections: SQLite in WAL mode by default, PostgreSQL by URL."""

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import ArgumentError

from trajectories.errors import StoreFault

BUSY_TIMEOUT_MS = 60_000


def make_engine(url: str) -> Engine:
    """An engine whose transactions take the write lock at their start, so that waiting ends in success.

    A deferred SQLite transaction that becomes a writer late fails at once with `database is locked`,
    whatever the time limit; BEGIN IMMEDIATE waits its turn. synchronous=FULL: what was committed
    survives a power cut, not only a killed process.
    """
    try:
        engine = create_engine(url, pool_pre_ping=True)
    except (ArgumentError, ModuleNotFoundError) as error:
        raise StoreFault(
            f"store {url!r}: {error}. Give a folder, sqlite:///FILE, or postgresql+psycopg://USER@HOST/DATABASE "
            "(pip install 'gristmill[postgresql]')"
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def reading(engine: Engine) -> Engine:
    """The same engine for transactions that only read: they neither wait for writers nor hold them up."""
    return engine.execution_options(reads_only=True)


def _begin_sqlite(connection: Connection) -> None:
    is_reading = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if is_reading else "BEGIN IMMEDIATE")


def _configure_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()
