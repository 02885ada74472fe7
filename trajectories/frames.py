"""A body as it lies in a segment: a zstandard frame of its own, named by the sha256 of what it holds."""

import hashlib
import threading
from collections.abc import Sequence

import zstandard

from trajectories.errors import CorruptBlob

LEVEL = 3
"""Level 6 takes twice the time for 5 % less; 1 saves a third of the time for 4 % more (20 steps, 43 kB of JSON)."""


def pack(body: bytes) -> bytes:
    """A body as it lies in a segment."""
    return _compressor().compress(body + b"\n")


def pack_lines(lines: Sequence[bytes]) -> list[bytes]:
    """The same of bodies that have their line's end, without holding up other threads of Python."""
    if "multi_compress_to_buffer" not in zstandard.backend_features:  # of zstandard for CPython alone
        return [_compressor().compress(line) for line in lines]
    found = _compressor().multi_compress_to_buffer(list(lines), threads=1)
    return [found[number].tobytes() for number in range(len(found))]


def name_of(body: bytes | memoryview) -> str:
    """What a body is called, wherever it lies: the sha256 of its contents."""
    return hashlib.sha256(body).hexdigest()


_local = threading.local()


def _compressor() -> zstandard.ZstdCompressor:
    """Of this thread: one may not be used by two at once, and making one costs as much as a small body."""
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=LEVEL)
    compressor: zstandard.ZstdCompressor = _local.compressor
    return compressor


def _decompressor() -> zstandard.ZstdDecompressor:
    """The same for reading."""
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor()
    decompressor: zstandard.ZstdDecompressor = _local.decompressor
    return decompressor


def unpack(frame: bytes, name: str, *, wanted_by: str, path: str) -> bytes:
    """The body in a frame. Raises CorruptBlob if it is not the one of that name."""
    try:
        body = _decompressor().decompress(frame)[:-1]
    except zstandard.ZstdError as error:
        raise CorruptBlob(f"{wanted_by}: its body cannot be unpacked: {path}: {error}") from error
    if name_of(body) != name:
        raise CorruptBlob(f"{wanted_by}: its body is not what was written: {path}")
    return body


def unpack_lines(frames: Sequence[bytes]) -> list[bytes]:
    """The bodies in frames, not compared with their names, without holding up other threads of Python.

    Raises zstandard.ZstdError or ValueError for bytes that are no frames.
    """
    if "multi_decompress_to_buffer" not in zstandard.backend_features:  # of zstandard for CPython alone
        return [_decompressor().decompress(frame)[:-1] for frame in frames]
    found = _decompressor().multi_decompress_to_buffer(list(frames), threads=1)
    return [found[number].tobytes()[:-1] for number in range(len(found))]
