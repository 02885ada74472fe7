"""Processes below another one, signals to them, and what bash is started and spoken to with."""

# ruff: noqa: UP031  bash's own braces and escapes read better with %
from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable


def descendants(pid: int) -> list[int]:
    """Process ids below `pid`."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, "rb") as file:
                    parent = int(file.read().rpartition(b")")[2].split()[1])
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


def with_variable(pids: Iterable[int], variable: bytes) -> set[int]:
    """Those that were started with this `NAME=VALUE`."""
    found = set()
    for pid in pids:
        with contextlib.suppress(OSError), open("/proc/%d/environ" % pid, "rb") as file:
            if variable in file.read().split(b"\0"):
                found.add(pid)
    return found


def send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def environment() -> dict[str, str]:
    """Ours, for a bash that shows no prompt."""
    found = {name: value for name, value in os.environ.items() if name not in ("PS1", "PS2", "PROMPT_COMMAND")}
    return dict(found, PS1="", PS2="", TERM=found.get("TERM", "dumb"))


def quoted(text: str) -> str:
    """In one line, as bash's $'...'; what bash cannot hold (NUL) is left out."""
    for this, that in (("\0", ""), ("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(this, that)
    return "$'%s'" % text
