"""Prefect's API of our own: comes up, serves a flow, and dies with its parent even on SIGKILL."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PROGRAM = """
import os, sys
from pathlib import Path
from flows.api import prefect_api

with prefect_api(Path(sys.argv[1]), cache=Path(sys.argv[1]).parent) as url:
    import httpx
    import prefect

    @prefect.task(persist_result=True)
    def double(number: int) -> int:
        return 2 * number

    @prefect.flow
    def twice(number: int) -> int:
        return double(double(number))

    print(twice(3), flush=True)
    server = [line.split()[0] for line in os.popen(f"ps -o pid=,args= --ppid {os.getpid()}") if "_api_process" in line]
    print(*server, flush=True)
    sys.stdin.readline()
"""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_flow_runs_and_the_server_dies_with_a_killed_parent(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "prefect")],
        env={**environment, "HOME": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip() == "12"
        server = int(process.stdout.readline())
        assert is_alive(server)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
        deadline = time.monotonic() + 10
        while is_alive(server) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not is_alive(server)
    finally:
        process.kill()
        process.wait()
