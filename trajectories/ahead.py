"""Bodies that are unpacked on another thread while those before them are worked on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import zstandard

from trajectories.errors import CorruptBlob
from trajectories.frames import name_of, unpack_lines
from trajectories.packing import one_ahead
from trajectories.reading import StoreReader
from trajectories.tables import RolloutRow

BLOCK_BYTES = 8 << 20
"""Of JSON, unpacked together; two blocks are in memory. What of a task is beyond them is read when it is asked for."""
BLOCK_ROWS = 250


@dataclass
class _Block:
    """Groups of rows, the frames of their bodies by the rows' ids, and the names of these bodies in the same order."""

    groups: list[list[RolloutRow]] = field(default_factory=list)
    rows: int = 0
    size: int = 0
    frames: dict[str, bytes] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)

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
        started = ((block, self._beside.submit(_unpacked, block.frames, block.names)) for block in self._blocks(groups))
        for block, texts in one_ahead(started):
            self._texts = texts.result()
            yield from block.groups

    def text(self, row: RolloutRow) -> bytes:
        """The whole rollout as JSON. Raises CorruptBlob."""
        # What is not there was not what it should be: reading it again tells, or finds it where it is by now.
        return self._texts.pop(row.id, b"") or self._store.body_text(row)

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
            block.names.append(row.body)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._beside.shutdown(cancel_futures=True)


def _unpacked(frames: Mapping[str, bytes], names: Sequence[str]) -> dict[str, bytes]:
    """Those that are what their names say; none where a frame is broken: then each is read by itself."""
    try:
        texts = unpack_lines(list(frames.values())) if frames else []
    except (zstandard.ZstdError, ValueError):
        return {}
    return {
        row_id: text for row_id, text, name in zip(frames, texts, names, strict=True) if text and name_of(text) == name
    }
