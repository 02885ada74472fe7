"""A store copied away and back. A backup appears whole or not at all; it is a folder that opens as a store."""

import json
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy
from sqlalchemy import func, select
from sqlmodel import SQLModel, col

from environments._owner import boot_id, is_alive, owner_mark
from trajectories.compaction import usage
from trajectories.engine import reading
from trajectories.errors import BadBackup
from trajectories.retrying import retrying
from trajectories.segments import copy_segment
from trajectories.store import Store, open_store
from trajectories.tables import RolloutRow

PAGE = 500
_NOTE = "backup.json"


@dataclass(frozen=True)
class Copied:
    """What a backup or restore holds; `blobs`: bodies."""

    rollouts: int
    blobs: int


def backup(store: Store, folder: Path) -> Copied:
    """Copy the store to a new folder (which opens as a store): whole, or not at all. Raises BadBackup, CorruptBlob.

    Writers may go on: the copy is the store of one moment (SQLite's backup interface; elsewhere, one transaction).
    """
    folder = folder.absolute()
    if folder.exists():
        raise BadBackup(f"backup {folder}: is there already; choose a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    partial = folder.parent / f".{folder.name}.{boot_id()}.{owner_mark()}.partial"
    try:
        with open_store(partial) as copy:
            if store.engine.dialect.name == "sqlite":
                _copy_sqlite(store, copy)
            else:
                _copy_rows(store, copy)
            copied = _copy_bodies(store, copy)
        (partial / _NOTE).write_text(json.dumps({"made_at": datetime.now(UTC).isoformat(), **vars(copied)}))
        _sync(partial)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _sync_one(folder.parent)
    return copied


def restore(folder: Path, store: Store) -> Copied:
    """Copy a backup into an empty store: bodies first, then all rows in one transaction; a killed one can be repeated.

    Raises BadBackup if the store is not empty or the folder no whole backup.
    """
    try:
        note = json.loads((folder / _NOTE).read_text())
    except (OSError, ValueError) as error:
        raise BadBackup(f"restore {folder}: is no backup ({_NOTE}: {error})") from error
    with store.reading() as session:
        if any(session.scalar(select(func.count()).select_from(table)) for table in SQLModel.metadata.sorted_tables):
            raise BadBackup(f"restore {folder}: the store is not empty; give a new --store")
    with open_store(folder) as source:
        copied = _copy_bodies(source, store)
        if copied != Copied(rollouts=note["rollouts"], blobs=note["blobs"]):
            raise BadBackup(f"restore {folder}: holds {copied}, but {_NOTE} says {note}; take another backup")
        _copy_rows(source, store)
    return copied


def _copy_sqlite(store: Store, copy: Store) -> None:
    source, target = store.engine.raw_connection(), copy.engine.raw_connection()
    try:
        source.driver_connection.backup(target.driver_connection)  # type: ignore[union-attr]
    finally:
        source.close()
        target.close()


@retrying
def _copy_rows(source: Store, target: Store) -> None:
    """All rows of an older or the same moment, in one transaction on either side."""
    consistent = {"isolation_level": "REPEATABLE READ"} if source.engine.dialect.name == "postgresql" else {}
    with reading(source.engine).execution_options(**consistent).connect() as old, target.engine.begin() as new:
        for table in SQLModel.metadata.sorted_tables:
            for rows in old.execute(select(table).execution_options(yield_per=PAGE)).mappings().partitions():
                new.execute(table.insert(), [dict(row) for row in rows])
        if target.engine.dialect.name == "postgresql":
            last = "setval(pg_get_serial_sequence('exports', 'id'), coalesce(max(id), 0) + 1, false)"
            new.execute(sqlalchemy.text(f"SELECT {last} FROM exports"))


def _copy_bodies(source: Store, target: Store) -> Copied:
    """Copy the bodies of the rows that `target` has, or else those of `source`, each compared with its name.

    Segments are copied as they are, up to the last body that a row points at.
    """
    with target.reading() as session:
        has_rows = session.scalar(select(col(RolloutRow.id)).limit(1)) is not None
    told = target if has_rows else source
    for segment, use in usage(told).items():
        copy_segment(source.segments, target.segments, segment, use.end)
    rollouts, names = 0, set[bytes]()
    for row in told.rollouts():
        rollouts += 1
        if row.body_segment:
            target.segments.get(row.place, row.body, wanted_by=f"rollout {row.id}")
        else:
            target.blobs.put(source.blobs.get(row.body, wanted_by=f"rollout {row.id}"))
        names.add(bytes.fromhex(row.body))
    return Copied(rollouts=rollouts, blobs=len(names))


def _sweep(folder: Path) -> None:
    """Remove what killed backups to the same folder left beside it."""
    for path in folder.parent.glob(f".{folder.name}.*.partial"):
        boot, _, mark = path.name.removeprefix(f".{folder.name}.").removesuffix(".partial").partition(".")
        if boot == boot_id() and not is_alive(mark):
            shutil.rmtree(path, ignore_errors=True)


def _sync(folder: Path) -> None:
    """Make all of a folder durable (its blobs are already)."""
    for path in folder.iterdir():
        _sync_one(path)
    _sync_one(folder)


def _sync_one(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
