"""Bodies by content, a file each: how stores of earlier versions hold them, until compaction moves them (segments.py).

Compressed, named by the sha256 of what they hold, in a folder or an object store (fsspec).
"""

import hashlib
import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path, PurePosixPath

import fsspec
import zstandard

from environments._owner import boot_id, is_alive, owner_mark
from trajectories.durable import sync_folder
from trajectories.errors import CorruptBlob

_NAME = re.compile("[0-9a-f]{64}")


class Blobs:
    """A folder of blobs: `URL/ab/abcdef….zst`. Any fsspec URL; a plain path is a local folder."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._fs, self._root = fsspec.core.url_to_fs(url)
        # Apart from the blobs, so that sweeping lists a few files and never the whole store.
        self._partial = f"{self._root}/partial"
        self._is_local = self._fs.protocol in ("file", ("file", "local"))

    def put(self, data: bytes) -> str:
        """Write and return the name; durable when this returns. The same contents are written once."""
        name = hashlib.sha256(data).hexdigest()
        path = self._path(name)
        if self._is_there(path):
            return name
        packed = zstandard.ZstdCompressor(level=6).compress(data)
        self._fs.makedirs(str(PurePosixPath(path).parent), exist_ok=True)
        if not self._is_local:
            self._fs.pipe_file(path, packed)  # object stores put whole or not at all
            return name
        partial = f"{self._partial}/{boot_id()}.{owner_mark()}.{uuid.uuid4().hex}.tmp"
        self._fs.makedirs(self._partial, exist_ok=True)
        with open(partial, "wb") as file:
            file.write(packed)
            file.flush()
            os.fsync(file.fileno())
        Path(partial).replace(path)
        sync_folder(str(PurePosixPath(path).parent))
        sync_folder(self._root)  # the folder `ab` may be new itself
        return name

    def get(self, name: str, *, wanted_by: str) -> bytes:
        """Contents of a blob. Raises CorruptBlob naming `wanted_by` and the path."""
        path = self._path(name)
        try:
            data = zstandard.ZstdDecompressor().decompress(self._fs.cat_file(path))
        except FileNotFoundError as error:
            raise CorruptBlob(f"{wanted_by}: its body is missing: {path}") from error
        except zstandard.ZstdError as error:
            raise CorruptBlob(f"{wanted_by}: its body cannot be unpacked: {path}: {error}") from error
        if hashlib.sha256(data).hexdigest() != name:
            raise CorruptBlob(f"{wanted_by}: its body is not what was written: {path}")
        return data

    def sweep(self) -> int:
        """Remove what killed writers left half written (those of other machines: an hour ago); returns how many."""
        if not self._is_local or not self._fs.exists(self._partial):
            return 0
        stale = [
            path
            for path, entry in self._fs.find(self._partial, detail=True).items()
            if _is_dead(path) or time.time() - float(entry["mtime"]) > 3600
        ]
        for path in stale:
            with suppress(FileNotFoundError):  # another opener swept it at the same moment
                self._fs.rm_file(path)
        return len(stale)

    def _is_there(self, path: str) -> bool:
        """Also makes a local blob young again: garbage collection (upkeep.py) then leaves it to its new row."""
        if not self._is_local:
            return bool(self._fs.exists(path))
        try:
            os.utime(path)
        except FileNotFoundError:
            return False
        return True

    def names(self) -> Iterator[tuple[str, float]]:
        """Names of all blobs with the time (seconds since 1970) when they were last written."""
        for path, entry in self._fs.find(self._root, detail=True).items():
            name = PurePosixPath(path).name.removesuffix(".zst")
            if _NAME.fullmatch(name) and path == self._path(name):
                changed = entry.get("mtime", entry.get("LastModified", entry.get("created", 0.0)))
                yield name, changed.timestamp() if isinstance(changed, datetime) else float(changed)

    def remove(self, name: str) -> None:
        """Remove a blob; of one that is gone already, nothing."""
        with suppress(FileNotFoundError):
            self._fs.rm_file(self._path(name))

    def local_path(self, name: str) -> Path | None:
        """Where a blob lies on this machine; None in an object store."""
        return Path(self._path(name)) if self._is_local else None

    def _path(self, name: str) -> str:
        return f"{self._root}/{name[:2]}/{name}.zst"


def _is_dead(path: str) -> bool:
    """Written by a process of this boot of this machine that is gone; of another machine, only age can tell."""
    boot, _, rest = PurePosixPath(path).name.partition(".")
    return boot == boot_id() and not is_alive(rest.partition(".")[0])
