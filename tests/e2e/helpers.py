"""What several of these tests need: a port, and to wait for what the command does."""

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def wait_for(what: str, found: Callable[[], Any], timeout: float, pause: float = 0.1) -> Any:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(pause)
    raise AssertionError(f"no {what} in {timeout:.0f} s")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def children() -> set[int]:
    """Living children of this process, and what was left to it by those that have died."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z":
            found.add(int(folder.name))
    return found
