"""Waits for what comes in by several descriptors, and for processes that end."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import posix
import select
import time

from agents.tools._inside.processes import SIGCHLD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK = 65536
CHUNKS_AT_ONCE = 64  # of one descriptor: what runs on may write for ever


class Pump:
    """`on_end` is told of each process of ours that has ended: its id, and its exit code or 128 + signal."""

    def __init__(self, on_end: Callable[[int, int], None]) -> None:
        self.on_end = on_end
        self.handlers: dict[int, Callable[[bytes], None]] = {}
        self.poller = select.poll()
        woken, write = posix.pipe()  # a signal that comes just before `poll` must end it
        for fd in (woken, write):
            posix.set_blocking(fd, False)
        _signal.set_wakeup_fd(write)
        _signal.signal(SIGCHLD, lambda *_: None)
        self.watch(woken, lambda data: None)

    def watch(self, fd: int, handler: Callable[[bytes], None]) -> None:
        posix.set_blocking(fd, False)
        self.handlers[fd] = handler
        self.poller.register(fd, select.POLLIN)

    def unwatch(self, fd: int) -> None:
        """Closes it, too."""
        if self.handlers.pop(fd, None) is not None:
            self.poller.unregister(fd)
            posix.close(fd)

    def until(self, is_done: Callable[[], bool], seconds: float | None) -> bool:
        """Take what comes in until it is done (True) or time is over."""
        end = time.monotonic() + seconds if seconds is not None else None
        while not is_done():
            left = None if end is None else (end - time.monotonic()) * 1000
            if left is not None and left < 0:
                return False
            for fd, _ in self.poller.poll(left):
                self.take(fd)
            self.reap()
        return True

    def take(self, fd: int) -> bool:
        """Whether something was there. The end of standard input ends the program."""
        if fd not in self.handlers:
            return False
        try:
            data = posix.read(fd, CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if data:
            self.handlers[fd](data)
        elif fd == 0:
            raise SystemExit(0)
        else:
            self.unwatch(fd)
        return bool(data)

    def drain(self) -> None:
        """What ended processes have written is in the pipes by now."""
        for fd in list(self.handlers):
            if fd != 0:
                for _ in range(CHUNKS_AT_ONCE):
                    if not self.take(fd):
                        break

    def reap(self) -> None:
        while True:
            try:
                pid, status = posix.waitpid(-1, posix.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            self.on_end(pid, posix.WEXITSTATUS(status) if posix.WIFEXITED(status) else 128 + posix.WTERMSIG(status))
