"""Database connections: SQLite in WAL mode by default, PostgreSQL by URL."""

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from trajectories.errors import StoreFault

BUSY_TIMEOUT_MS = 60_000
CACHE_KB = 32 << 10  # at most, of one connection; 2 MB by default
WAL_PAGES = 8000  # of 4 kB: 32 MB, 4 by default
PATIENCE = "patience_sec"  # an engine's execution option


CONNECT_TIMEOUT_SEC = 10
SIGNS_OF_LIFE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
"""A server whose machine is gone says nothing: TCP keepalives find out in a minute, the kernel alone in two hours."""


def make_engine(url: str, *, patience_sec: float = 0.0) -> Engine:
    """An engine whose transactions take the write lock at their start, so that waiting ends in success.

    A deferred SQLite transaction that becomes a writer late fails at once with `database is locked`,
    whatever the time limit; BEGIN IMMEDIATE waits its turn. synchronous=FULL: what was committed
    survives a power cut, not only a killed process.

    `patience_sec`: how long a database server that is away is waited for (retrying.py).
    """
    try:
        engine = create_engine(
            url, pool_pre_ping=True, connect_args=_connect_args(url), execution_options={PATIENCE: patience_sec}
        )
    except (ArgumentError, ModuleNotFoundError) as error:
        raise StoreFault(
            f"store {url!r}: {error}. Give a folder, sqlite:///FILE, or postgresql+psycopg://USER@HOST/DATABASE "
            "(pip install 'gristmill[postgresql]')"
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _connect_args(url: str) -> dict[str, Any]:
    """What the URL itself does not say."""
    parsed = make_url(url)
    if not parsed.drivername.startswith("postgresql+psycopg"):
        return {}
    given = {"connect_timeout": CONNECT_TIMEOUT_SEC, **SIGNS_OF_LIFE}
    return {name: value for name, value in given.items() if name not in parsed.query}


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
    # Rows go into their indexes at any place: what is looked at again and again stays in memory, and is written once.
    cursor.execute(f"PRAGMA cache_size = -{CACHE_KB}")
    cursor.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()
