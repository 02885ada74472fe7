"""Rollouts as what is written of them: JSON without secrets, its name, its frame in a segment, and the rows.

Of many at once, what needs no Python (looking for secrets, compressing) is done beside what does, on other threads.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from trajectories.dumping import json_line
from trajectories.frames import name_of, pack_lines
from trajectories.redaction import redact
from trajectories.rollout import Rollout
from trajectories.rows import Rows, rows_of
from trajectories.screening import suspects
from trajectories.uncollected import uncollected

FEW = 8
"""Up to so many are looked through one by one: getting RE2 ready takes as long."""

T = TypeVar("T")
R = TypeVar("R")


class Packed(NamedTuple):
    """What is written of one rollout."""

    name: str
    frame: bytes
    rows: Rows


class Line(NamedTuple):
    """A rollout with its JSON, which has a line's end, the name of its body and its rows."""

    rollout: Rollout
    text: bytes
    name: str
    rows: Rows


class Packing:
    """Rollouts that are being packed, in their order; `result` waits for it."""

    def __init__(self, lines: Sequence[Line], secrets: Mapping[str, str] | None, beside: ThreadPoolExecutor) -> None:
        """secrets: values to take out beside what has a known shape; None: nothing is taken out."""
        self._lines, self._secrets = lines, secrets
        texts = [line.text for line in lines]
        self._frames = beside.submit(pack_lines, texts)
        self._suspects = beside.submit(suspects, texts, secrets) if secrets is not None else None

    def result(self) -> list[Packed]:
        frames = self._frames.result()
        packed = [Packed(line.name, frame, line.rows) for line, frame in zip(self._lines, frames, strict=True)]
        for at, is_suspect in enumerate(self._suspects.result() if self._suspects else ()):
            if is_suspect:
                packed[at] = pack_one(self._lines[at].rollout, self._secrets)
        return packed


def pack_one(rollout: Rollout, secrets: Mapping[str, str] | None) -> Packed:
    """One rollout, its texts looked through one by one."""
    if secrets is not None:
        rollout = redact(rollout, secrets)
    line = _line(rollout)
    (frame,) = pack_lines([line.text])
    return Packed(line.name, frame, line.rows)


def pack_all(rollouts: Sequence[Rollout], secrets: Mapping[str, str] | None) -> list[Packed]:
    """Rollouts in their order."""
    if len(rollouts) <= FEW:
        return [pack_one(rollout, secrets) for rollout in rollouts]
    with ThreadPoolExecutor(2, "packing") as beside:
        return Packing(list(map(_line, rollouts)), secrets, beside).result()


def batched(rollouts: Iterable[Rollout], most: int, most_bytes: int) -> Iterator[list[Line]]:
    """In their order, at most `most` at once, and no more once their texts have `most_bytes` together."""
    batch, size = list[Line](), 0
    for rollout in rollouts:
        with uncollected():
            line = _line(rollout)
        batch.append(line)
        size += len(line.text)
        if len(batch) >= most or size >= most_bytes:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _line(rollout: Rollout) -> Line:
    """All that needs Python, one rollout after the other: what was just read of it is still in the processor's cache.

    Hashing lets go of the interpreter's lock, so that the other threads are given it a few thousand times a second;
    where it has to be taken by force, each waits 5 ms.
    """
    text = json_line(rollout)
    return Line(rollout, text, name_of(memoryview(text)[:-1]), rows_of(rollout))


def behind(work: Callable[[T], R], items: Iterable[T], most: int) -> Iterator[R]:
    """What `work` makes of each, in order, on one thread beside the one that makes the items; at most `most` wait.

    Where making an item fails, what is there is done first; where `work` fails, what waits is not begun.
    """
    coming, waiting = iter(items), deque[Future[R]]()
    with ThreadPoolExecutor(1, "behind") as beside:
        try:
            while True:
                try:
                    item = next(coming)
                except StopIteration:
                    break
                except Exception:
                    yield from (each.result() for each in waiting)
                    raise
                waiting.append(beside.submit(work, item))
                del item
                while len(waiting) > most:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            beside.shutdown(wait=True, cancel_futures=True)


def one_ahead(items: Iterable[T]) -> Iterator[T]:
    """Each when the next one has been asked for. Where that fails, what is there is given first."""
    coming, waiting = iter(items), list[T]()
    while True:
        try:
            item = next(coming)
        except StopIteration:
            break
        except Exception:
            yield from waiting
            raise
        yield from waiting
        waiting = [item]
    yield from waiting
