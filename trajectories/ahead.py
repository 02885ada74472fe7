"""Bodies that are unpacked on another thread while those before them are worked on."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import zstandard

from trajectories.errors import CorruptBlob
from trajectories.packing import one_ahead
from trajectories.reading import StoreReader
from trajectories.segments import name_of, unpack_lines
from trajectories.tables import RolloutRow

BLOCK_BYTES = 4 << 20
"""Of JSON, unpacked together; two blocks are in memory. What of a task is beyond them is read when it is asked for."""
BLOCK_ROWS = 250


@dataclass
class _Block:
    """Groups of rows, and the frames of their bodies, by the rows' ids."""

    groups: list[list[RolloutRow]] = field(default_factory=list)
    rows: int = 0
    size: int = 0
    frames: dict[str, bytes] = field(default_factory=dict)

    @property
    def is_full(self) -> bool:
        return self.size >= BLOCK_BYTES or self.rows >= BLOCK_ROWS


class Ahead:
    """Reads the bodies of rows that pass by in groups. Use as a context manager; for one thread."""

    def __init__(self, store: StoreReader) -> None:
        self._store = store
        self._texts: dict[str, bytes] = {}
        self._beside = ThreadPoolExecutor(1, "reading")

    def groups(self, groups: Iterable[list[RolloutRow]]) -> Iterator[list[RolloutRow]]:
        """The same groups; the bodies of one are there when it comes."""
        started = ((block, self._beside.submit(_unpacked, block.frames)) for block in self._blocks(groups))
        for block, texts in one_ahead(started):
            self._texts = texts.result()
            yield from block.groups

    def text(self, row: RolloutRow) -> bytes:
        """The whole rollout as JSON. Raises CorruptBlob."""
        text = self._texts.pop(row.id, b"")
        if text and name_of(text) == row.body:
            return text
        return self._store.body_text(row)  # says what is wrong, or finds it where it is by now

    def _blocks(self, groups: Iterable[list[RolloutRow]]) -> Iterator[_Block]:
        block = _Block()
        for of_task in groups:
            block.groups.append(of_task)
            for row in of_task:
                self._add(row, block)
            if block.is_full:
                yield block
                block = _Block()
        if block.groups:
            yield block

    def _add(self, row: RolloutRow, block: _Block) -> None:
        block.rows += 1
        if block.is_full or not row.body_segment:
            return
        with suppress(CorruptBlob, zstandard.ZstdError):  # `text` reads it again, and tells
            frame = self._store.segments.frame(row.place, wanted_by=row.id)
            block.size += zstandard.frame_content_size(frame)
            block.frames[row.id] = frame

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._beside.shutdown(cancel_futures=True)


def _unpacked(frames: Mapping[str, bytes]) -> dict[str, bytes]:
    """Nothing where one of them is broken: then each is read by itself."""
    try:
        return dict(zip(frames, unpack_lines(list(frames.values())), strict=True)) if frames else {}
    except (zstandard.ZstdError, ValueError):
        return {}
