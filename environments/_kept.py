"""Holders that wait for their next sandbox, each in its control group: to fork one and to make a group costs as much as
a command does.

A holder is never in the hands of what runs in its sandboxes. It is kept only where all that ran has ended, its mounts
are gone with their namespace, and the kernel names it as the one process of its group.
"""

import os
import socket
import threading
import time
import weakref
from dataclasses import dataclass

from environments.cgroups import Cgroup
from environments.spec import Limits

_MOST = 8  # at a time
_MOST_USES = 200
_END_SEC = 5.0


@dataclass(frozen=True)
class Kept:
    control: socket.socket
    cgroup: Cgroup | None
    limits: Limits
    uses: int = 0


class KeptHolders:
    """Those of one backend. They end with it, and with this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: list[Kept] = []
        self._pid = os.getpid()
        weakref.finalize(self, _end, self._kept, self._pid)

    def take(self, limits: Limits) -> Kept | None:
        """One whose group has these limits."""
        with self._lock:
            if self._pid != os.getpid():  # forked: they are our parent's
                self._kept, self._pid = [], os.getpid()
                weakref.finalize(self, _end, self._kept, self._pid)
            for at in range(len(self._kept) - 1, -1, -1):
                if _held_of(self._kept[at].limits) == _held_of(limits):
                    return self._kept.pop(at)
        return None

    def put(self, kept: Kept) -> None:
        """The oldest goes where there are too many."""
        with self._lock:
            gone = []
            if kept.uses >= _MOST_USES or self._pid != os.getpid():
                gone.append(kept)
            else:
                self._kept.append(kept)
                if len(self._kept) > _MOST:
                    gone.append(self._kept.pop(0))
        _end(gone, self._pid)

    def end(self, kept: Kept) -> None:
        """One that is of no more use."""
        _end([kept], self._pid)

    def close(self) -> None:
        with self._lock:
            gone, self._kept[:] = list(self._kept), []
        _end(gone, self._pid)


def _held_of(limits: Limits) -> tuple[float, ...]:
    """What a control group holds of them, and the holder's own limit of a file; the others are asked of it anew."""
    return limits.memory_mb, limits.cpus, limits.pids, limits.disk_mb


def _end(kept: list[Kept], pid: int) -> None:
    if pid != os.getpid():
        return
    for each in kept:
        each.control.close()
    until = time.monotonic() + _END_SEC
    for each in kept:
        while each.cgroup is not None and not each.cgroup.remove() and time.monotonic() < until:
            time.sleep(0.002)
