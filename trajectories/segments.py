"""Bodies in append-only segments: files of many bodies, each a zstandard frame of its own.

A segment is `URL/segments/NAME.jsonl.zst`: a line of JSON a body, so that `zstd -dc` reads it, too. Where a body lies
(segment, first byte, length) stands in its rollout's row; there is no other index. What no row points at is room that
compaction gives back.

Each process appends to a segment of its own, so writers never wait for each other, and holds a lock on it until the
rows are committed: who cleans up leaves locked ones alone. Object stores cannot append, nor lock: there each batch is
a segment, uploaded whole, and only its age tells that no row is about to be written.
"""

import fcntl
import os
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import fsspec

from trajectories.disk import cannot_write
from trajectories.durable import sync_file, sync_folder
from trajectories.errors import CorruptBlob
from trajectories.frames import unpack

SEGMENT_BYTES = 256 << 20
IDLE_SEC = 900.0
"""A segment that was not written for this long is appended to no more: what is older may be compacted and removed."""
CHUNK = 8 << 20
SUFFIX = ".jsonl.zst"


class Place(NamedTuple):
    """Where a body lies: `length` bytes of a segment from `start` on."""

    segment: str
    start: int
    length: int


class SegmentFile(NamedTuple):
    """`changed`: when it was last written, seconds since 1970."""

    name: str
    size: int
    changed: float


class Segments:
    """The segments below an fsspec URL. Safe for many threads; a forked child starts a segment of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._fs, root = fsspec.core.url_to_fs(url)
        self._root = f"{root}/segments"
        self.is_local = self._fs.protocol in ("file", ("file", "local"))
        self._lock = threading.Lock()
        self._open: _Open | None = None

    # ------------------------------------------------------------------ writing

    @contextmanager
    def appended(self, frames: Sequence[bytes]) -> Iterator[list[Place]]:
        """Write what `pack` made, together; durable when the block begins, which must commit the rows.

        Raises StoreFault where it cannot be written.
        """
        if not self.is_local:
            yield self._upload(frames)
            return
        with self._lock:
            opened: _Open | None = None
            try:
                opened = self._current()
                start = opened.write(b"".join(frames))
            except OSError as error:
                self._open = None  # what was written of it is room
                raise cannot_write("bodies", self._root, error) from error
        try:
            os.fsync(opened.handle)
        except OSError as error:  # some file systems find room only now
            self.close()
            raise cannot_write("bodies", self._root, error) from error
        yield _places(opened.name, start, frames)
        opened.is_there()  # held until here, and with it the lock

    def _upload(self, frames: Sequence[bytes]) -> list[Place]:
        name = _new_name()
        self._fs.makedirs(self._root, exist_ok=True)
        self._fs.pipe_file(self.path(name), b"".join(frames))  # whole or not at all
        return _places(name, 0, frames)

    def close(self) -> None:
        """Append no more to the segment of this process."""
        with self._lock:
            self._open = None

    def _current(self) -> "_Open":
        if self._open is not None and not self._open.is_fit():
            self._open = None  # its handle is closed when the last thread that still uses it is done
        if self._open is None:
            self._fs.makedirs(self._root, exist_ok=True)
            name = _new_name()
            self._open = _Open(name, self.path(name))
            sync_folder(self._root)
            sync_folder(str(PurePosixPath(self._root).parent))
        return self._open

    # ------------------------------------------------------------------ reading

    def get(self, place: Place, name: str, *, wanted_by: str) -> bytes:
        """A body, compared with its name. Raises CorruptBlob naming `wanted_by` and the path."""
        return unpack(self.frame(place, wanted_by=wanted_by), name, wanted_by=wanted_by, path=self.path(place.segment))

    def frame(self, place: Place, *, wanted_by: str) -> bytes:
        """The bytes at a place. Raises CorruptBlob where the segment is missing."""
        path = self.path(place.segment)
        try:
            if not self.is_local:
                found: bytes = self._fs.cat_file(path, start=place.start, end=place.start + place.length)
                return found
            handle = os.open(path, os.O_RDONLY)
        except FileNotFoundError as error:
            raise CorruptBlob(f"{wanted_by}: its body is missing: {path}") from error
        try:
            return os.pread(handle, place.length, place.start)
        finally:
            os.close(handle)

    def path(self, segment: str) -> str:
        return f"{self._root}/{segment}{SUFFIX}"

    def local_path(self, segment: str) -> Path | None:
        """Where a segment lies on this machine; None in an object store."""
        return Path(self.path(segment)) if self.is_local else None

    # ------------------------------------------------------------------- upkeep

    def files(self) -> Iterator[SegmentFile]:
        """All segments, the oldest first."""
        self._fs.invalidate_cache()
        if not self._fs.exists(self._root):
            return
        for path, entry in sorted(self._fs.find(self._root, detail=True).items()):
            file = PurePosixPath(path).name
            if file.endswith(SUFFIX):
                changed = entry.get("mtime", entry.get("LastModified", entry.get("created", 0.0)))
                seconds = changed.timestamp() if isinstance(changed, datetime) else float(changed)
                yield SegmentFile(file.removesuffix(SUFFIX), int(entry["size"]), seconds)

    def chunks(self, segment: str, size: int) -> Iterator[bytes]:
        """The first `size` bytes. Raises CorruptBlob where the segment is missing."""
        try:
            with self._fs.open(self.path(segment), "rb") as file:
                while size > 0 and (chunk := file.read(min(CHUNK, size))):
                    size -= len(chunk)
                    yield chunk
        except FileNotFoundError as error:
            raise CorruptBlob(
                f"segment {segment} is missing: {self.path(segment)}; if the store was compacted meanwhile, try again"
            ) from error

    def write_whole(self, segment: str, chunks: Iterator[bytes]) -> None:
        """A segment of a given name, in place of what is there under it; durable when this returns."""
        self._fs.makedirs(self._root, exist_ok=True)
        with self._fs.open(self.path(segment), "wb") as file:
            for chunk in chunks:
                file.write(chunk)
        if self.is_local:
            sync_file(self.path(segment))
            sync_folder(self._root)

    @contextmanager
    def claimed(self, segment: str) -> Iterator[bool]:
        """Whether nobody appends to it, nor will: held for the block. Of an object store always true."""
        if not self.is_local:
            yield True
            return
        try:
            handle = os.open(self.path(segment), os.O_RDONLY)
        except FileNotFoundError:
            yield False
            return
        try:
            yield _lock(handle, fcntl.LOCK_EX)
        finally:
            os.close(handle)

    def remove(self, segment: str) -> None:
        """Remove a segment; of one that is gone already, nothing."""
        try:
            self._fs.rm_file(self.path(segment))
        except FileNotFoundError:
            return

    def cut(self, segment: str, size: int) -> None:
        """Leave the first `size` bytes of a segment; local ones only."""
        os.truncate(self.path(segment), size)
        sync_file(self.path(segment))


def copy_segment(source: Segments, target: Segments, segment: str, size: int) -> None:
    """The first `size` bytes of a segment under the same name, durable. Raises CorruptBlob where it is missing."""
    target.write_whole(segment, source.chunks(segment, size))


class _Open:
    """A segment that this process appends to."""

    def __init__(self, name: str, path: str) -> None:
        self.name = name
        self.handle = -1
        self.handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o644)
        _lock(self.handle, fcntl.LOCK_SH)
        self._process = os.getpid()
        self._size = 0
        self._written = time.monotonic()

    def is_fit(self) -> bool:
        """Ours (not that of the process that we were forked from), not full, not idle for long, and still there."""
        return (
            self._process == os.getpid()
            and self._size < SEGMENT_BYTES
            and time.monotonic() - self._written < IDLE_SEC
            and self.is_there()
        )

    def is_there(self) -> bool:
        return os.fstat(self.handle).st_nlink > 0

    def write(self, data: bytes) -> int:
        """Returns where it starts."""
        start, view = self._size, memoryview(data)
        while view:
            view = view[os.write(self.handle, view) :]
        self._size += len(data)
        self._written = time.monotonic()
        return start

    def __del__(self) -> None:
        if self.handle >= 0:
            os.close(self.handle)


def _lock(handle: int, kind: int) -> bool:
    """Whether it is held now; the kernel lets go of it when the process ends, however that is."""
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _new_name() -> str:
    """By the time, so that those of one batch of work lie together."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:12]}"


def _places(name: str, start: int, frames: Sequence[bytes]) -> list[Place]:
    places = []
    for frame in frames:
        places.append(Place(name, start, len(frame)))
        start += len(frame)
    return places
