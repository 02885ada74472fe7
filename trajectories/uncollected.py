"""Python's search for cycles put off while much is made that has none.

Each 700 new objects it looks through what is young, and now and then through everything: of reading a body of 10,000
steps it takes five sixths of the time, and finds nothing, since what JSON becomes has no cycles.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_lock = Lock()
_within = 0


@contextmanager
def uncollected() -> Iterator[None]:
    """No search while any thread is in such a block; for blocks of seconds at the most."""
    global _within
    with _lock:
        if _within or gc.isenabled():  # else somebody else has switched it off
            _within += 1
            gc.disable()
            is_ours = True
        else:
            is_ours = False
    try:
        yield
    finally:
        if is_ours:
            with _lock:
                _within -= 1
                if not _within:
                    gc.enable()
