"""An orderly end: nothing new begins, and what is under way has a while (the grace) to end by itself.

Asked for by SIGTERM or Ctrl-C, and begun too where a part of the work has failed for good: then the rest is not worth
waiting for. Prefect's SIGTERM handler stays as it is, and with it the way in which a worker cancels a run: the
signal comes as an exception in the main thread, which waits while others work.
"""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for_futures
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from flows.ending import read_ending
from flows.errors import FlowFault
from flows.terminated import EXIT_INTERRUPTED, EXIT_TERMINATED, Terminated

T = TypeVar("T")

GRACE_SEC = 10.0  # with STOP_SEC below what `down`, Docker and Kubernetes wait before they kill
STOP_SEC = 8.0  # taking sandboxes away on a busy machine
POLL_SEC = 0.1
SAME_SIGNAL_SEC = 1.0
"""Signals within this time are one: `timeout` and process managers send theirs to the process and to its group."""


def _wait_for_it(work: "Future[Any]", seconds: float) -> None:
    wait_for_futures([work], timeout=seconds)


class Drained(FlowFault):
    """Work was left undone because the command was asked to end; the same command goes on."""


class Drain:
    """Whether the end has been asked for, and whether the grace is over. For all threads and event loops of a flow."""

    def __init__(self, grace_sec: float = GRACE_SEC, *, ending: Path | None = None) -> None:
        """`ending`: where `gristmill down` says how long the grace is, if it is `down` that asks."""
        self.grace_sec, self._ending = grace_sec, ending
        self._lock = threading.Lock()
        self._over_at: float | None = None  # monotonic: no jump of the clock makes it longer or shorter

    def begin(self, grace_sec: float | None = None) -> None:
        """Let nothing new begin. The grace runs from the first call on; `grace_sec`: not the one that was set."""
        with self._lock:
            if self._over_at is None:
                if grace_sec is not None:
                    self.grace_sec = grace_sec
                elif order := read_ending(self._ending):
                    self.grace_sec = order.grace_sec
                self._over_at = time.monotonic() + self.grace_sec

    @property
    def is_begun(self) -> bool:
        return self._over_at is not None

    @property
    def is_over(self) -> bool:
        return self._over_at is not None and time.monotonic() >= self._over_at

    def check(self) -> None:
        """Raises Drained where nothing new may begin."""
        if self.is_begun:
            raise Drained("the command was asked to end; the same command goes on where it was")

    async def stop_when_over(self, running: set[asyncio.Task[Any]]) -> None:
        """Cancel what still runs when the grace is over. It watches for ever: cancel it."""
        told = set[asyncio.Task[Any]]()
        while True:
            if self.is_over:
                for task in running - told:  # once each: a second time would cut short how its sandbox is taken away
                    told.add(task)
                    task.cancel()
            await asyncio.sleep(POLL_SEC)

    async def within(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, which is cancelled when the grace is over. Raises Drained then."""
        task = asyncio.ensure_future(work)
        watch = asyncio.ensure_future(self.stop_when_over({task}))
        try:
            return await task
        except asyncio.CancelledError:
            if self.is_over:
                self.check()
            raise
        finally:
            watch.cancel()

    @contextmanager
    def guarding(self, what: str, wait: Callable[[float], object]) -> Iterator[None]:
        """For the main thread, around waiting for others: however the block is left early, they end in order.

        `wait` waits for them, at most so many seconds; `what`: they, as a person calls them. A second signal ends the
        process at once: what it leaves is what a kill leaves.
        """
        signals = _signals()
        try:
            yield
        except BaseException as why:
            is_asked = isinstance(why, signals)
            with _noted(after_one=is_asked) as came:
                self.begin()
                if is_asked:
                    _tell(f"{_name_of(why)}: no new {what} begin; those under way have {self.grace_sec:g} s to end")
                wait(self.grace_sec + STOP_SEC)
            if came and not is_asked:
                signal.raise_signal(came[0])
            raise

    def run(self, what: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """`asyncio.run` apart from the main thread."""
        return self.apart(what, lambda: asyncio.run(self.within(work())))

    def apart(
        self, what: str, work: Callable[[], T], *, end: Callable[["Future[T]", float], object] = _wait_for_it
    ) -> T:
        """What `work` returns, done in a thread: a signal finds the main thread waiting, not amid a loop or a library.

        `end`: when that was asked for: waits for the work, at most so many seconds. It must return soon after that.
        """
        futures: list[Future[T]] = []
        with (
            ThreadPoolExecutor(1, thread_name_prefix="draining") as pool,
            self.guarding(what, lambda seconds: [end(each, seconds) for each in futures]),
        ):
            asked = {signal.SIGTERM, signal.SIGINT}
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, asked)  # none comes before the future is there to wait for

            def begun() -> T:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)  # commands that it starts take over the mask
                return work()

            try:
                futures.append(pool.submit(copy_context().run, begun))
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            return futures[0].result()


@contextmanager
def _noted(*, after_one: bool) -> Iterator[list[signal.Signals]]:
    """In the block signals raise nothing: those that come are kept, and the second one (see `guarding`) ends all."""
    first = time.monotonic() if after_one else None
    came: list[signal.Signals] = []

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal first
        now = time.monotonic()
        if first is not None and now - first > SAME_SIGNAL_SEC:
            _tell(f"{'interrupted' if number == signal.SIGINT else 'SIGTERM'} again: ended at once")
            os._exit(EXIT_INTERRUPTED if number == signal.SIGINT else EXIT_TERMINATED)
        first = first or now
        came.append(signal.Signals(number))

    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    asking = [each for each in (signal.SIGTERM, signal.SIGINT) if signal.getsignal(each) is not signal.SIG_IGN]
    before = {number: signal.signal(number, note) for number in asking}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _signals() -> tuple[type[BaseException], ...]:
    """What a signal is in the main thread, in a flow and outside of one."""
    from prefect.exceptions import TerminationSignal

    return (TerminationSignal, KeyboardInterrupt, Terminated)


def _name_of(error: BaseException) -> str:
    return "interrupted" if isinstance(error, KeyboardInterrupt) else "SIGTERM"


def _tell(text: str) -> None:
    """Past Python's buffer, which a signal handler may not enter twice."""
    os.write(2, f"gristmill: {text}\n".encode())
