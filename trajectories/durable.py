"""Making files, and a folder's new names, survive a power cut."""

import os


def sync_file(path: str) -> None:
    """Make what was written to a file durable."""
    _sync(path, os.O_RDONLY)


def sync_folder(folder: str) -> None:
    """Make what was created, renamed or removed in `folder` durable."""
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: str, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
