"""The schema's version in a database: made or migrated at the first opening, safely by several at once."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from trajectories.errors import NewerSchema

ADVISORY_LOCK = 0x6772697374  # any number that nobody else locks: 'grist'


def migrate(engine: Engine) -> None:
    """Bring the database to this version's schema. Raises NewerSchema for one of a later version."""
    config = Config()
    config.set_main_option("script_location", str(files("trajectories") / "migrations"))
    head = ScriptDirectory.from_config(config).get_current_head()
    with engine.connect() as connection:
        if _version(connection) == head:
            return
        connection.rollback()
        _lock(connection)
        version = _version(connection)  # another process may have been first
        if version != head:
            known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
            if version is not None and version not in known:
                raise NewerSchema(
                    f"the store at {engine.url} has schema {version}, this Gristmill knows up to {head}: "
                    "upgrade Gristmill, or open another store"
                )
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        connection.commit()


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _lock(connection: Connection) -> None:
    """One migrating process at a time; held until commit."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    # SQLite: every transaction of the store starts by BEGIN IMMEDIATE (engine.py), which is the lock.
    else:
        connection.execute(text("SELECT 1"))
