"""Processes below another one, signals to them, and what bash is started and spoken to with."""

# ruff: noqa: UP031, SIM105  bash's own braces and escapes read better with %; contextlib is an import that costs time
from __future__ import annotations

import posix

SIGINT, SIGKILL, SIGPIPE, SIGTERM, SIGCHLD = 2, 9, 13, 15, 17
PR_SET_CHILD_SUBREAPER = 36


def descendants(pid: int) -> list[int]:
    """Process ids below `pid`."""
    children: dict[int, list[int]] = {}
    for name in posix.listdir("/proc"):
        if name.isdigit():
            try:
                parent = int(read("/proc/%s/stat" % name).rpartition(b")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            children.setdefault(parent, []).append(int(name))
    found: list[int] = []
    pending = [pid]
    while pending:
        below = children.get(pending.pop(), [])
        found += below
        pending += below
    return found


def with_variable(pids: list[int], variable: bytes) -> set[int]:
    """Those that were started with this `NAME=VALUE`."""
    found = set()
    for pid in pids:
        try:
            if variable in read("/proc/%d/environ" % pid).split(b"\0"):
                found.add(pid)
        except OSError:
            pass
    return found


def read(path: str) -> bytes:
    """All of a file of the kernel's."""
    fd = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        data = part = posix.read(fd, 65536)
        while part:
            part = posix.read(fd, 65536)
            data += part
        return data
    finally:
        posix.close(fd)


def send(pid: int, number: int) -> None:
    try:
        posix.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def adopt_orphans() -> None:
    """So that no process leaves our tree (prctl(2)); where Python cannot call it, some may."""
    try:
        try:
            import _ctypes  # without the package around it, whose import takes 3 ms

            call = _ctypes.dlsym(_ctypes.dlopen(None, 0), "prctl")  # type: ignore[arg-type]
            _ctypes.call_function(call, (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
        except (ImportError, AttributeError, TypeError):
            import ctypes

            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (OSError, AttributeError, ImportError):
        pass


def run_bash() -> None:
    """Become a bash that has no terminal and shows no prompt. Returns where there is none."""
    variables = {name: value for name, value in posix.environ.items() if name not in (b"PROMPT_COMMAND",)}
    variables.update({b"PS1": b"", b"PS2": b"", b"TERM": variables.get(b"TERM", b"dumb")})
    for folder in variables.get(b"PATH", b"/usr/local/bin:/usr/bin:/bin").split(b":"):
        try:
            posix.execve(folder + b"/bash", ["bash", "--norc", "--noprofile", "--noediting", "-i", "+m"], variables)
        except OSError:
            continue


def quoted(text: str) -> str:
    """In one line, as bash's $'...'; what bash cannot hold (NUL) is left out."""
    for this, that in (("\0", ""), ("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(this, that)
    return "$'%s'" % text
