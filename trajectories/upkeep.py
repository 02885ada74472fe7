"""Upkeep of a store: find and mend what is broken, remove what nothing needs.

A kill at any moment leaves a store without faults: rows go before the bodies that they point at.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import ValidationError
from sqlalchemy import select
from sqlmodel import SQLModel, col

from trajectories.blobs import Blobs
from trajectories.compaction import cut_tails, remove_unused, usage
from trajectories.errors import CorruptBlob
from trajectories.filter import parse_filter
from trajectories.recording import insert_rows, remove_rollouts
from trajectories.retrying import retrying
from trajectories.rows import Rows, rows_of
from trajectories.store import Store
from trajectories.tables import AttemptRow, DatasetItemRow, RolloutRow, StepsRow, VerdictRow

PAGE = 500
YOUNG_SEC = 3600.0
"""A body is written before its row: one that is younger may be waiting for it."""

FaultKind = Literal["lost-body", "wrong-rows", "corrupt-blob"]


@dataclass(frozen=True)
class Fault:
    """`repair`: what mends it."""

    kind: FaultKind
    where: str
    detail: str
    repair: str


@dataclass
class Checked:
    """What fsck saw. No faults, only room: `orphans` (blobs of no row), `partial` (half-written blobs), and `slack`,
    the bytes of segments that no row points at. `removed`: blobs and segments of no row. `cut`: bytes of torn tails.
    """

    rollouts: int = 0
    segments: int = 0
    slack: int = 0
    blobs: int = 0
    orphans: int = 0
    partial: int = 0
    faults: list[Fault] = field(default_factory=list)
    repaired: int = 0
    removed: int = 0
    cut: int = 0


@dataclass(frozen=True)
class Collected:
    """What gc removed."""

    rollouts: int
    blobs: int
    segments: int
    bytes: int


def fsck(store: Store, *, is_repairing: bool = False, young_sec: float = YOUNG_SEC) -> Checked:
    """Read every body and compare it with its name and its rows.

    Repairing removes a rollout whose body is lost (so that it is done again), writes the rows of steps, verdict and
    attempts anew from the body, and removes corrupt blobs. It gives back what killed writers left, where it is older
    than `young_sec`: blobs and segments of no row, and what lies behind the last body of a segment.
    Memory: 100 bytes a blob.
    """
    found = Checked(partial=_partial_files(store.blobs))
    _put_back(store)
    names = {bytes.fromhex(name) for name, _ in store.blobs.names()}
    found.blobs = len(names)
    needed = set[bytes]()
    for row in store.rollouts():
        found.rollouts += 1
        if not row.body_segment:
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
        found.removed = _collect(store, young_sec)[0] + remove_unused(store, young_sec)[0]
        found.cut = cut_tails(store, young_sec)
    used = usage(store)
    for file in store.segments.files():
        found.segments += 1
        found.slack += max(0, file.size - (used[file.name].bytes if file.name in used else 0))
    return found


def gc(store: Store, *, keep_days: float | None = None, where: str = "", young_sec: float = YOUNG_SEC) -> Collected:
    """Remove blobs and segments that nothing points at and that are older than `young_sec`.

    keep_days: first remove rollouts that the filter `where` accepts, that are older than that, and in no dataset.
    Of an object store, gc must run while nobody writes (there is no atomic rename to guard a blob's second use).
    Raises BadFilter.
    """
    removed = 0
    if keep_days is not None:
        removed = retire(store, keep_days, where)
    _put_back(store)
    blobs, size = _collect(store, young_sec)
    segments, more = remove_unused(store, young_sec)
    return Collected(rollouts=removed, blobs=blobs, segments=segments, bytes=size + more)


# ---------------------------------------------------------------------- fsck


def _check(store: Store, row: RolloutRow) -> Fault | None:
    where = f"rollout {row.id}"
    try:
        rollout = store.body(row)
    except CorruptBlob as error:
        return Fault("lost-body", where, str(error), "the rollout is removed: roll out again")
    except ValidationError as error:
        return Fault("lost-body", where, f"its body is no rollout: {error.errors()[0]}", "the rollout is removed")
    wanted = rows_of(rollout)
    if _parts_of(store, row.id) == _comparable(wanted):
        return None
    detail = "the rows of steps, verdict and attempts are not what its body says"
    return Fault("wrong-rows", where, detail, "they are written anew from the body")


def _is_another(store: Store, row: RolloutRow) -> bool:
    """The rollout was replaced or removed while it was read: no fault."""
    with store.reading() as session:
        now = session.get(RolloutRow, row.id)
    return now is None or (now.body, now.place) != (row.body, row.place)


def _comparable(rows: Rows) -> list[tuple[Any, ...]]:
    return [tuple(values.values()) for values in (rows.verdict, rows.steps, *rows.attempts)]


def _parts_of(store: Store, rollout_id: str) -> list[tuple[Any, ...]]:
    """The same of what the tables hold."""
    found = list[tuple[Any, ...]]()
    with store.reading() as session:
        for table in (VerdictRow, StepsRow, AttemptRow):
            columns = SQLModel.metadata.tables[str(table.__tablename__)].columns
            chosen = select(*columns).where(columns["rollout_id"] == rollout_id)
            found += map(tuple, session.execute(chosen.order_by(columns.get("number", columns["rollout_id"]))))
    return found


@retrying
def _mend(store: Store, row: RolloutRow, fault: Fault) -> int:
    """1 if the fault was mended, 0 if the rollout is another one by now."""
    with store.writing() as session:
        now = session.get(RolloutRow, row.id, with_for_update=True)
        if now is None or (now.body, now.place) != (row.body, row.place):
            return 0
        remove_rollouts(session, [row.id], only_parts=fault.kind == "wrong-rows")
        if fault.kind == "wrong-rows":
            insert_rows(session, [rows_of(store.body(row))], with_rollouts=False)
        session.commit()
    if fault.kind == "lost-body" and not row.body_segment:
        store.blobs.remove(row.body)  # what is left of it would be taken for whole by the next writer of the same
    return 1


def _partial_files(blobs: Blobs) -> int:
    """Half-written files; those of dead writers go at every opening of the store."""
    local = blobs.local_path("00")
    folder = local.parent.parent / "partial" if local else None
    return sum(1 for _ in folder.iterdir()) if folder and folder.is_dir() else 0


# ------------------------------------------------------------------------ gc


def retire(store: Store, keep_days: float, where: str = "") -> int:
    """Remove rollouts that started longer ago than that, and that no dataset holds; a page a transaction.

    Suites and tasks stay, with licence and provenance. Raises BadFilter.
    """
    before, removed = datetime.now(UTC) - timedelta(days=keep_days), 0
    while (gone := _retire_page(store, before, where)) > 0:
        removed += gone
    return removed


@retrying
def _retire_page(store: Store, before: datetime, where: str) -> int:
    kept = select(col(DatasetItemRow.rollout_id))
    chosen = (
        select(col(RolloutRow.id))
        .where(parse_filter(where), col(RolloutRow.started_at) < before, col(RolloutRow.id).not_in(kept))
        .limit(PAGE)
    )
    with store.writing() as session:
        ids = list(session.scalars(chosen))
        remove_rollouts(session, ids)
        session.commit()
    return len(ids)


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
        found = select(col(RolloutRow.id)).where(col(RolloutRow.body) == name, col(RolloutRow.body_segment) == "")
        return session.scalar(found.limit(1)) is not None


def _needed(store: Store) -> Iterator[str]:
    """Names of the blobs that rows point at."""
    query = select(col(RolloutRow.body)).where(col(RolloutRow.body_segment) == "").execution_options(yield_per=PAGE)
    with store.reading() as session:
        yield from session.scalars(query)
