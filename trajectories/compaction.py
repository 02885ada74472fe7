"""Compaction: bodies of small and half-empty segments, and of old blobs, moved together into new segments.

A moved body is durable in its new place before its row says so, and its old file goes after that: a kill leaves at
most bytes that no row points at, which the next compaction removes. Readers that hold an old row look again
(reading.py).
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import func, select, update
from sqlmodel import col

from trajectories.errors import CorruptBlob
from trajectories.frames import pack, unpack
from trajectories.retrying import retrying
from trajectories.segments import Place, Segments
from trajectories.store import Store
from trajectories.tables import RolloutRow

PAGE = 500
BATCH_BYTES = 64 << 20
SMALL_BYTES = 64 << 20
MIN_LIVE = 0.8
"""A segment of which less than this share is pointed at is written anew."""


class Use(NamedTuple):
    """What rows point at in a segment: bodies, their bytes, and where the last one ends."""

    bodies: int
    bytes: int
    end: int


@dataclass
class Compacted:
    """`segments`: how many were drained or unused and removed. `bytes`: how much smaller the store is now."""

    moved: int = 0
    segments: int = 0
    blobs: int = 0
    bytes: int = 0
    corrupt: int = 0


class _Move(NamedTuple):
    row: RolloutRow
    frame: bytes


def usage(store: Store) -> dict[str, Use]:
    """Segment -> what rows point at in it."""
    columns = func.count(), func.sum(RolloutRow.body_length), func.max(RolloutRow.body_start + RolloutRow.body_length)
    query = select(col(RolloutRow.body_segment), *columns).where(col(RolloutRow.body_segment) != "")
    with store.reading() as session:
        found = session.execute(query.group_by(col(RolloutRow.body_segment)))
        return {segment: Use(bodies, int(size), int(end)) for segment, bodies, size, end in found}


def is_used(store: Store, segment: str) -> bool:
    """Whether a row points into it."""
    with store.reading() as session:
        found = select(col(RolloutRow.id)).where(col(RolloutRow.body_segment) == segment).limit(1)
        return session.scalar(found) is not None


def remove_unused(store: Store, young_sec: float) -> tuple[int, int]:
    """Number and bytes of the segments removed: pointed at by no row, appended to by nobody, older than that."""
    removed, size = 0, 0
    used = usage(store)
    for file in list(store.segments.files()):
        if file.name in used or file.changed > time.time() - young_sec:
            continue
        with store.segments.claimed(file.name) as is_ours:
            if is_ours and not is_used(store, file.name):
                store.segments.remove(file.name)
                removed, size = removed + 1, size + file.size
    return removed, size


def cut_tails(store: Store, young_sec: float) -> int:
    """Bytes that writers left behind the last body of a segment that nobody appends to; local segments only."""
    cut = 0
    for file in list(store.segments.files()) if store.segments.is_local else ():
        if file.changed > time.time() - young_sec:
            continue
        with store.segments.claimed(file.name) as is_ours:
            end = usage(store).get(file.name, Use(0, 0, 0)).end if is_ours else file.size
            if 0 < end < file.size:
                store.segments.cut(file.name, end)
                cut += file.size - end
    return cut


def compact(store: Store, *, young_sec: float, min_live: float = MIN_LIVE, small_bytes: int = SMALL_BYTES) -> Compacted:
    """Merge small segments, write half-empty ones anew, move blobs of earlier versions into segments.

    Segments that were written less than `young_sec` ago stay, and those that a process appends to. A body that is not
    what was written stays where it is (`fsck` tells). Memory: 64 MB of bodies. Run by several at once it does no harm.
    """
    done = Compacted()
    removed, size = remove_unused(store, young_sec)
    done.segments, done.bytes = removed, size
    writer = Segments(store.segments.url)  # apart from what this process records
    try:
        with ExitStack() as claims:
            chosen = _chosen(store, claims, young_sec, min_live, small_bytes)
            _move_all(store, writer, _segment_rows(store, sorted(chosen)), done)
            for name in sorted(chosen):
                if not is_used(store, name):
                    store.segments.remove(name)
                    done.segments += 1
                    done.bytes += chosen[name]
        _move_all(store, writer, _blob_rows(store), done)
    finally:
        writer.close()
    return done


def _chosen(store: Store, claims: ExitStack, young_sec: float, min_live: float, small_bytes: int) -> dict[str, int]:
    """Name -> size of the segments to be drained, each claimed."""
    used = usage(store)
    found: dict[str, int] = {}
    small: dict[str, int] = {}
    for file in list(store.segments.files()):
        if file.name not in used or file.changed > time.time() - young_sec:
            continue
        is_sparse = used[file.name].bytes < min_live * file.size
        if (is_sparse or file.size < small_bytes) and claims.enter_context(store.segments.claimed(file.name)):
            (found if is_sparse else small)[file.name] = file.size
    return found | small if found or len(small) > 1 else {}


def _segment_rows(store: Store, segments: Sequence[str]) -> Iterator[RolloutRow]:
    for segment in segments:
        last = -1
        while True:
            order = col(RolloutRow.body_start)
            query = select(RolloutRow).where(col(RolloutRow.body_segment) == segment, order > last)
            with store.reading() as session:
                rows = session.scalars(query.order_by(order).limit(PAGE)).all()
            yield from rows
            if len(rows) < PAGE:
                break
            last = rows[-1].body_start


def _blob_rows(store: Store) -> Iterator[RolloutRow]:
    last = ""
    while True:
        query = select(RolloutRow).where(col(RolloutRow.body_segment) == "", col(RolloutRow.id) > last)
        with store.reading() as session:
            rows = session.scalars(query.order_by(col(RolloutRow.id)).limit(PAGE)).all()
        yield from rows
        if len(rows) < PAGE:
            return
        last = rows[-1].id


def _move_all(store: Store, writer: Segments, rows: Iterator[RolloutRow], done: Compacted) -> None:
    batch, size = list[_Move](), 0
    for row in rows:
        try:
            frame = _frame(store, row)
        except CorruptBlob:
            done.corrupt += 1
            continue
        batch.append(_Move(row, frame))
        size += len(frame)
        if size >= BATCH_BYTES or len(batch) >= 10 * PAGE:
            _move(store, writer, batch, done)
            batch, size = [], 0
    if batch:
        _move(store, writer, batch, done)


def _frame(store: Store, row: RolloutRow) -> bytes:
    """As it will lie in the new segment. Raises CorruptBlob if it is not what was written."""
    wanted_by = f"rollout {row.id}"
    if not row.body_segment:
        return pack(store.blobs.get(row.body, wanted_by=wanted_by))
    frame = store.segments.frame(row.place, wanted_by=wanted_by)
    unpack(frame, row.body, wanted_by=wanted_by, path=store.segments.path(row.body_segment))
    return frame


def _move(store: Store, writer: Segments, batch: Sequence[_Move], done: Compacted) -> None:
    with writer.appended([move.frame for move in batch]) as places:
        moved = _point(store, [move.row for move in batch], places)
    done.moved += sum(moved)
    done.bytes -= sum(len(move.frame) for move in batch)
    for (row, _), has_moved in zip(batch, moved, strict=True):
        if has_moved and not row.body_segment:  # a body holds its rollout's key: no other row has the same
            done.bytes += _blob_size(store, row.body)
            store.blobs.remove(row.body)
            done.blobs += 1


@retrying
def _point(store: Store, rows: Sequence[RolloutRow], places: Sequence[Place]) -> list[bool]:
    """Let rows say where their bodies lie now; whether each did (not one that was replaced meanwhile)."""
    moved = []
    with store.writing() as session:
        for row, place in zip(rows, places, strict=True):
            changed: Any = session.execute(
                update(RolloutRow)
                .where(
                    col(RolloutRow.id) == row.id,
                    col(RolloutRow.body) == row.body,
                    col(RolloutRow.body_segment) == row.body_segment,
                    col(RolloutRow.body_start) == row.body_start,
                )
                .values(body_segment=place.segment, body_start=place.start, body_length=place.length)
                .execution_options(synchronize_session=False)
            )
            moved.append(changed.rowcount == 1)
        session.commit()
    return moved


def _blob_size(store: Store, body: str) -> int:
    path = store.blobs.local_path(body)
    return path.stat().st_size if path is not None and path.exists() else 0
