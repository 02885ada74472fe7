"""What several of these tests need: a suite of others' making, a port, and to wait for what the command does."""

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TASK = """schema_version = "1.1"
[task]
name = "tests/hello-{number}"
[verifier]
timeout_sec = 60.0
[agent]
timeout_sec = 120.0
[environment]
workdir = "/workspace"
cpus = 1
memory_mb = 512
"""
TEST = """#!/bin/sh
mkdir -p /logs/verifier
if [ "$(cat /workspace/hello.txt)" = hello ]; then echo 1; else echo 0; fi > /logs/verifier/reward.txt
"""


def make_suite(folder: Path, tasks: int) -> Path:
    """Tasks that ask for one file, as somebody else would write them."""
    for number in range(tasks):
        task = folder / f"hello-{number}"
        for name in ("environment", "tests", "solution"):
            (task / name).mkdir(parents=True)
        (task / "task.toml").write_text(TASK.format(number=number))
        (task / "instruction.md").write_text("Write `hello` into /workspace/hello.txt.\n")
        (task / "tests" / "test.sh").write_text(TEST)
        (task / "solution" / "solve.sh").write_text("#!/bin/sh\necho hello > /workspace/hello.txt\n")
    return folder


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
