"""`gristmill serve-environment` as a process: it serves, and SIGTERM ends it in good order with a client under way."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from environments import Backend
from tasks.suite import Suite

PROGRAM = """
import typer
from flows.cli import environment
app = typer.Typer()
app.callback()(lambda: None)
environment.add_to(app)
app()
"""


def test_it_serves_until_it_is_told_to_stop(tiny_suite: Suite, bubblewrap: Backend, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        PROGRAM,
        "serve-environment",
        str(tiny_suite.folder),
        "--port",
        "0",
        "--steps",
        "1",
    ]
    environment = {"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
    environment["GRISTMILL_CACHE"] = str(tiny_suite.cache)
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        told = []
        for line in process.stderr:
            told.append(line)
            if found := re.search(r"running on (http://\S+)", line):
                break
        else:
            raise AssertionError("".join(told))
        assert any("1 tasks, up to 4 sessions" in line for line in told)
        with httpx.Client(base_url=found[1], trust_env=False, timeout=60) as client:
            session = client.post("/reset", json={"seed": 1}).json()["session_id"]
            action = {"tool_name": "bash", "arguments": {"command": "ls"}}
            last = client.post("/step", json={"session_id": session, "action": action}).json()
            assert (last["done"], last["reward"], last["metadata"]["ending"]) == (True, 0.0, "step_limit")
            client.post("/reset", json={"seed": 2})
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) in (0, -signal.SIGTERM)
        rest = process.stderr.read()
        assert "Application shutdown complete" in rest and "Traceback" not in rest
    finally:
        process.kill()
        process.wait()
