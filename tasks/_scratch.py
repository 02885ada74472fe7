"""Folders for half-made things: gone at the end of a block, and after kill -9 at the next use of the same place.

Each carries its owner's mark in its name, so that a sweep takes only what dead processes left.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from environments._owner import is_alive, owner_mark

_PREFIX = ".new-"


@contextmanager
def scratch_in(place: Path, prefix: str = _PREFIX) -> Iterator[Path]:
    """A new folder in `place` (made if need be), on its file system: what is finished can be renamed out of it."""
    place.mkdir(parents=True, exist_ok=True)
    sweep(place, prefix)
    # what a container's user wrote may not be ours to remove
    with tempfile.TemporaryDirectory(
        prefix=f"{prefix}{owner_mark()}.", dir=place, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def write_at_once(file: Path, content: bytes) -> None:
    """Write a file in one step: readers see the old content or the new one."""
    with scratch_in(file.parent) as scratch:
        new = scratch / file.name
        new.write_bytes(content)
        new.replace(file)


def sweep(place: Path, prefix: str = _PREFIX) -> int:
    """Remove what dead processes left in `place`; returns how many."""
    names = [name for name in os.listdir(place) if name.startswith(prefix)]  # noqa: PTH208  much quicker in a full /tmp
    dead = [place / name for name in names if not is_alive(name.removeprefix(prefix).partition(".")[0])]
    for path in dead:
        shutil.rmtree(path, ignore_errors=True)
    return len(dead)
