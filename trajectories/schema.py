"""The schema's version in a database: made or migrated at the first opening, safely by several at once."""

from importlib.resources import files

from sqlalchemy import Connection, Engine, inspect, text

from trajectories.errors import NewerSchema

HEAD = "0010"
"""The newest migration. Known here, so that Alembic is loaded only by a process that migrates."""

ADVISORY_LOCK = 0x6772697374  # any number that nobody else locks: 'grist'


def migrate(engine: Engine) -> None:
    """Bring the database to this version's schema. Raises NewerSchema for one of a later version."""
    with engine.connect() as connection:
        if _version(connection) == HEAD:
            return
        connection.rollback()
        _lock(connection)
        if _version(connection) != HEAD:  # else another process was first
            _upgrade(connection)
        connection.commit()


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(files("trajectories") / "migrations"))
    version = _version(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise NewerSchema(
            f"the store at {connection.engine.url!r} has schema {version}, this Gristmill knows up to {HEAD}: "
            "upgrade Gristmill, or open another store"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _lock(connection: Connection) -> None:
    """One migrating process at a time; held until commit."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    # SQLite: every transaction of the store starts by BEGIN IMMEDIATE (engine.py), which is the lock.
    else:
        connection.execute(text("SELECT 1"))
