"""SIGTERM as an exception, so that what is open is closed, and the exit code says what happened. Imports no Prefect."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

EXIT_TERMINATED = 128 + signal.SIGTERM  # 143, what a shell says of a command that SIGTERM has ended
EXIT_INTERRUPTED = 128 + signal.SIGINT  # 130


class Terminated(BaseException):
    """SIGTERM has come. No Exception: nothing that tries again may catch it."""


def _raise(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated


@contextmanager
def sigterm_raises() -> Iterator[None]:
    """In the block SIGTERM raises Terminated in the main thread; in other threads this does nothing.

    While a flow runs, Prefect's own handler is in place; it hands the signal on to this one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
