"""One writer of a suite at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.errors import BadTaskFolder


@contextmanager
def only_writer(out: Path) -> Iterator[None]:
    """Hold the folder (made if need be) for the block; the lock goes with the process and leaves no file.

    Raises BadTaskFolder at once where another process holds it.
    """
    if out.exists() and not out.is_dir():
        raise BadTaskFolder(f"{out}: is a file; give a folder for --out")
    out.mkdir(parents=True, exist_ok=True)
    folder = os.open(out, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise BadTaskFolder(
            f"{out}: another run is writing this suite; wait for it to end, or give another --out"
        ) from error
    else:
        yield
    finally:
        os.close(folder)
