"""Disks that are full: told with the path and how much is free, so that the person who must act knows where."""

import errno
import os
from pathlib import Path

from trajectories.errors import StoreFault, StoreFull

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
SCANTY_BYTES = 1 << 20
"""With less than this left, an error that says nothing of the disk is taken to come from it: SQLite, which cannot make
its shared memory, speaks of an I/O error."""


def free_bytes(path: Path | str) -> int:
    """Free bytes for us on the disk of `path`, or of the nearest folder above it that is there."""
    place = Path(path).absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize


def no_room(what: str, path: Path | str) -> StoreFull:
    """The error of a store whose disk is full."""
    return StoreFull(
        f"{what} cannot be written to {path}: the disk is full ({free_bytes(path)} bytes free); "
        "make room there, and the same command goes on where it was"
    )


def cannot_write(what: str, path: Path | str, error: OSError) -> StoreFault:
    """What an OSError means, in a person's words."""
    if error.errno in NO_ROOM:
        return no_room(what, path)
    return StoreFault(f"{what} cannot be written to {path}: {error.strerror}")
