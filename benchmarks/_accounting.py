"""Processor seconds of this process and of all that it starts, whatever else the machine does."""

import os
from contextlib import suppress
from pathlib import Path


class Accounting:
    """A control group of its own (cpuacct, version 1). Where there is none, `is_there` is False.

    By what a process waited for, the end of a sandbox's holder would be counted by nobody.
    """

    def __init__(self) -> None:
        self._group = Path(f"/sys/fs/cgroup/cpuacct/gristmill-bench-{os.getpid()}")
        try:
            self._group.mkdir()
            (self._group / "cgroup.procs").write_text(str(os.getpid()))
            self.is_there = True
        except OSError:
            self.is_there = False

    def total_sec(self) -> float:
        return int((self._group / "cpuacct.usage").read_text()) / 1e9 if self.is_there else 0.0

    def close(self) -> None:
        if self.is_there:
            for pid in (self._group / "cgroup.procs").read_text().split():
                with suppress(OSError):  # it has ended
                    (self._group.parent / "cgroup.procs").write_text(pid)
            with suppress(OSError):  # the launcher's last child is still ending
                self._group.rmdir()
