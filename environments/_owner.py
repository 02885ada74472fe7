"""Who a sandbox belongs to: a process, told apart from a later one with the same pid by its start time."""

import os
from pathlib import Path


def owner_mark() -> str:
    """`PID-STARTTIME` of this process."""
    return f"{os.getpid()}-{_start_time(os.getpid())}"


def boot_id() -> str:
    """Names this boot of this machine; pids and start times mean nothing on another."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def is_alive(mark: str) -> bool:
    """Whether the process of a mark still runs (True for a name that is no mark of ours: not ours to remove)."""
    pid, _, start = mark.partition("-")
    if not (pid.isdigit() and start.isdigit()):
        return True
    return _start_time(int(pid)) == start


def _start_time(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    fields = stat.rpartition(")")[2].split()  # the name in parentheses may hold anything
    return "" if fields[0] in "ZX" else fields[19]
