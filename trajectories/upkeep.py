"""Upkeep of a store: find and mend what is broken, remove what nothing needs.

A kill at any moment leaves a store without faults: rows go before the blobs that they point at.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import ValidationError
from sqlalchemy import delete, select
from sqlmodel import SQLModel, col

from trajectories.blobs import Blobs
from trajectories.errors import CorruptBlob
from trajectories.filter import parse_filter
from trajectories.store import Store, _retrying, _rows
from trajectories.tables import AttemptRow, DatasetItemRow, RolloutRow, StepRow, VerdictRow

PAGE = 500
YOUNG_SEC = 3600.0
"""A blob is written before its row: one that is younger may be waiting for it."""

FaultKind = Literal["lost-body", "wrong-rows", "corrupt-blob"]
_PARTS = (StepRow, VerdictRow, AttemptRow)


@dataclass(frozen=True)
class Fault:
    """`repair`: what mends it."""

    kind: FaultKind
    where: str
    detail: str
    repair: str


@dataclass
class Checked:
    """What fsck saw. `orphans` (blobs of no row) and `partial` (half-written files) are no faults: only room."""

    rollouts: int = 0
    blobs: int = 0
    orphans: int = 0
    partial: int = 0
    faults: list[Fault] = field(default_factory=list)
    repaired: int = 0
    removed: int = 0


@dataclass(frozen=True)
class Collected:
    """What gc removed."""

    rollouts: int
    blobs: int
    bytes: int


def fsck(store: Store, *, is_repairing: bool = False, young_sec: float = YOUNG_SEC) -> Checked:
    """Read every body and compare it with its name and its rows.

    Repairing removes a rollout whose body is lost (so that it is done again), writes the rows of steps, verdict and
    attempts anew from the body, and removes corrupt blobs, and those of no row that are older than `young_sec`.
    Memory: 100 bytes a rollout.
    """
    found = Checked(partial=_partial_files(store.blobs))
    _put_back(store)
    names = {bytes.fromhex(name) for name, _ in store.blobs.names()}
    found.blobs = len(names)
    needed = set[bytes]()
    for row in store.rollouts():
        found.rollouts += 1
        needed.add(bytes.fromhex(row.body) if len(row.body) == 64 else row.body.encode())
        fault = _check(store, row)
        if fault is None or _is_another(store, row):
            continue
        found.faults.append(fault)
        if is_repairing:
            found.repaired += _mend(store, row, fault)
    for name in names - needed:
        try:
            store.blobs.get(name.hex(), wanted_by="fsck")
        except CorruptBlob as error:
            if "missing" in str(error):  # collected meanwhile
                continue
            found.faults.append(Fault("corrupt-blob", name.hex(), str(error), "the blob is removed"))
            if is_repairing:
                store.blobs.remove(name.hex())
                found.repaired += 1
        else:
            found.orphans += 1
    if is_repairing:
        found.removed = _collect(store, young_sec)[0]
    return found


def gc(store: Store, *, keep_days: float | None = None, where: str = "", young_sec: float = YOUNG_SEC) -> Collected:
    """Remove blobs that nothing points at and that are older than `young_sec`.

    keep_days: first remove rollouts that the filter `where` accepts, that are older than that, and in no dataset.
    Of an object store, gc must run while nobody writes (there is no atomic rename to guard a blob's second use).
    Raises BadFilter.
    """
    removed = 0
    if keep_days is not None:
        removed = _retire(store, datetime.now(UTC) - timedelta(days=keep_days), where)
    _put_back(store)
    blobs, size = _collect(store, young_sec)
    return Collected(rollouts=removed, blobs=blobs, bytes=size)


# ---------------------------------------------------------------------- fsck


def _check(store: Store, row: RolloutRow) -> Fault | None:
    where = f"rollout {row.id}"
    try:
        rollout = store.body(row)
    except CorruptBlob as error:
        return Fault("lost-body", where, str(error), "the rollout is removed: roll out again")
    except ValidationError as error:
        return Fault("lost-body", where, f"its body is no rollout: {error.errors()[0]}", "the rollout is removed")
    _, parts = _rows(rollout, row.body)
    wanted = sorted((type(part).__name__, _values(part)) for part in parts)
    with store.reading() as session:
        rows = [each for table in _PARTS for each in session.scalars(_parts_of(table, row.id))]
        there = sorted((type(part).__name__, _values(part)) for part in rows)
    if there == wanted:
        return None
    detail = f"{len(there)} rows of steps, verdict and attempts; its body says {len(wanted)}, or others"
    return Fault("wrong-rows", where, detail, "they are written anew from the body")


def _is_another(store: Store, row: RolloutRow) -> bool:
    """The rollout was replaced or removed while it was read: no fault."""
    with store.reading() as session:
        now = session.get(RolloutRow, row.id)
    return now is None or now.body != row.body


def _values(row: SQLModel) -> str:
    columns = SQLModel.metadata.tables[str(row.__tablename__)].columns
    return repr([getattr(row, column.name) for column in columns])


def _parts_of(table: Any, rollout_id: str) -> Any:
    return select(table).where(col(table.rollout_id) == rollout_id)


@_retrying
def _mend(store: Store, row: RolloutRow, fault: Fault) -> int:
    """1 if the fault was mended, 0 if the rollout is another one by now."""
    with store.writing() as session:
        now = session.get(RolloutRow, row.id, with_for_update=True)
        if now is None or now.body != row.body:
            return 0
        for table in _PARTS:
            session.execute(delete(table).where(col(table.rollout_id) == row.id))
        if fault.kind == "wrong-rows":
            session.add_all(_rows(store.body(row), row.body)[1])
        else:
            session.execute(delete(RolloutRow).where(col(RolloutRow.id) == row.id))
        session.commit()
    if fault.kind == "lost-body":
        store.blobs.remove(row.body)  # what is left of it would be taken for whole by the next writer of the same
    return 1


def _partial_files(blobs: Blobs) -> int:
    """Half-written files; those of dead writers go at every opening of the store."""
    local = blobs.local_path("00")
    folder = local.parent.parent / "partial" if local else None
    return sum(1 for _ in folder.iterdir()) if folder and folder.is_dir() else 0


# ------------------------------------------------------------------------ gc


@_retrying
def _retire(store: Store, before: datetime, where: str) -> int:
    """Remove rollouts started before a time; a page a transaction."""
    kept = select(col(DatasetItemRow.rollout_id))
    chosen = (
        select(col(RolloutRow.id))
        .where(parse_filter(where), col(RolloutRow.started_at) < before, col(RolloutRow.id).not_in(kept))
        .limit(PAGE)
    )
    removed = 0
    while True:
        with store.writing() as session:
            ids = list(session.scalars(chosen))
            for table in _PARTS:
                session.execute(delete(table).where(col(table.rollout_id).in_(ids)))
            session.execute(delete(RolloutRow).where(col(RolloutRow.id).in_(ids)))
            session.commit()
        removed += len(ids)
        if len(ids) < PAGE:
            return removed


def _collect(store: Store, young_sec: float) -> tuple[int, int]:
    """Number and bytes of the blobs removed: old, and pointed at by no row."""
    old = {name for name, changed in store.blobs.names() if changed < time.time() - young_sec}
    old -= set(_needed(store))
    removed, size = 0, 0
    for name in sorted(old):
        gone = _remove(store, name, young_sec)
        removed, size = removed + (gone is not None), size + (gone or 0)
    return removed, size


def _remove(store: Store, name: str, young_sec: float) -> int | None:
    """Bytes of the blob that was removed; None if it turned out to be needed.

    Moved aside first: a writer of the same contents either finds it before the move, and makes it young (Blobs.put),
    so that it is seen here and put back; or finds nothing and writes it anew.
    """
    path = store.blobs.local_path(name)
    if path is None:
        if not _is_needed(store, name):
            store.blobs.remove(name)
            return 0
        return None
    aside = path.with_suffix(".removing")
    with suppress(FileNotFoundError):
        path.rename(aside)
        status = aside.stat()
        if status.st_mtime < time.time() - young_sec:
            aside.unlink()
            return status.st_size
        aside.rename(path)
    return None


def _put_back(store: Store) -> None:
    """What a killed gc had moved aside is whole, and may have become needed since."""
    local = store.blobs.local_path("00")
    for aside in local.parent.parent.glob("??/*.removing") if local else ():
        with suppress(FileNotFoundError):
            aside.rename(aside.with_suffix(".zst"))


def _is_needed(store: Store, name: str) -> bool:
    with store.reading() as session:
        return session.scalar(select(col(RolloutRow.id)).where(col(RolloutRow.body) == name).limit(1)) is not None


def _needed(store: Store) -> Iterator[str]:
    for row in store.rollouts():
        yield row.body
