"""A cluster of our own starts undisturbed: a signal that comes meanwhile is raised when it is up, and so is ended well.

Half a Ray that is left behind crashes the process at its end (SIGSEGV), half a Dask cannot be closed, and its workers,
whom a terminal sends Ctrl-C too, say so with tracebacks.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType

ASKING = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def undisturbed() -> Iterator[None]:
    """In the block a first signal is kept, and raised at its end; a second one does what it does.

    What they do is ours again after the block: Ray's client takes SIGTERM for itself, and would end at once. Threads
    and processes that are begun in the block have SIGINT blocked (see dask_worker.py). In other threads than the main
    one signals come as ever.
    """
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        if len(came) > 1:
            restore()
            signal.raise_signal(signal.Signals(number))
        name = "interrupted" if number == signal.SIGINT else "SIGTERM"
        os.write(2, f"gristmill: {name}: ends when the cluster has started; a second one ends it at once\n".encode())

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    resource_tracker.ensure_running()  # else the first process of multiprocessing's starts it, and unblocks SIGINT
    is_main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in ASKING}
    # What is ignored stays so; None: not set from Python, and not to be set again by it.
    before = {number: kept for number, kept in handlers.items() if is_main and kept not in (None, signal.SIG_IGN)}
    for number in before:
        signal.signal(number, note)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if is_main and signal.SIGINT in signal.sigpending():
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)  # it comes now, to `note`
        restore()
        if came:  # what it did to the start does not matter any more
            signal.raise_signal(signal.Signals(came[0]))
