"""Killing real processes at random moments of their work (SIGKILL), for the tests that look at what is left."""

import os
import signal
import time
from collections.abc import Callable


def killed_after(work: Callable[[], object], seconds: float) -> bool:
    """Whether `work`, in a forked process, was still at it when it was killed. Raises RuntimeError if it failed.

    A fork has everything imported, so that the moments are those of the work itself.
    """
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return _was_killed(status)
        time.sleep(min(0.001, seconds / 10))
    os.kill(child, signal.SIGKILL)
    return _was_killed(os.waitpid(child, 0)[1])


def _was_killed(status: int) -> bool:
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) == signal.SIGKILL
    if os.WEXITSTATUS(status):
        raise RuntimeError("the work failed by itself; see above")
    return False
