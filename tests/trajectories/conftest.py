"""Rollouts to store, and the stores to put them in: SQLite in a folder, and a real PostgreSQL of our own."""

import json
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.verdict import Check, Verdict
from trajectories.atif import (
    AgentInfo,
    Metrics,
    Observation,
    ObservationResult,
    Step,
    ToolCall,
    Trajectory,
)
from trajectories.rollout import Rollout, RolloutKey
from trajectories.store import Store, open_store

BASH = {
    "type": "function",
    "function": {
        "name": "bash",
        "description": "Run a command",
        "parameters": {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]},
    },
}


def make_trajectory(session: str = "s", steps: int = 2) -> Trajectory:
    """A user's message and `steps` calls of bash, each answered."""
    calls = [
        Step(
            step_id=number + 2,
            timestamp="2026-01-01T00:00:00Z",
            source="agent",
            message=f"I look at {number}",
            tool_calls=(ToolCall(tool_call_id=f"c{number}", function_name="bash", arguments={"command": "ls"}),),
            observation=Observation(results=(ObservationResult(source_call_id=f"c{number}", content="a.py"),)),
            metrics=Metrics(prompt_tokens=10, completion_tokens=5),
        )
        for number in range(steps)
    ]
    return Trajectory(
        session_id=session,
        agent=AgentInfo(name="react", version="1", model_name="m", tool_definitions=(BASH,)),
        steps=(Step(step_id=1, source="user", message="Mend it."), *calls),
    )


def make_rollout(task: str = "t1", *, reward: float = 1.0, error: str | None = None, **changes: Any) -> Rollout:
    """A finished rollout of one task."""
    key = {"suite_hash": "suite", "task_id": task, "agent": "react", "model": "m", "backend": "bubblewrap"}
    key |= {name: changes.pop(name) for name in ("agent", "model", "backend", "attempt") if name in changes}
    fields: dict[str, Any] = {
        "key": RolloutKey.model_validate(key),
        "seed": 1,
        "ending": "infrastructure_error" if error else "submitted",
        "verdict": Verdict(reward=reward, checks=(Check(name="t", passed=reward >= 1),), error=error),
        "trajectory": make_trajectory(task),
        "started_at": "2026-01-01T00:00:00+00:00",
        "agent_sec": 1.0,
        "verifier_sec": 1.0,
        "total_sec": 2.0,
        "prompt_tokens": 20,
        "completion_tokens": 10,
        "provenance": {"repository": "sqlparse", "license": "BSD-3-Clause"},
    }
    return Rollout.model_validate(fields | changes)


def lines(file: Path) -> list[Any]:
    """The rows of a JSONL file."""
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """URL prefix of a server that runs for the tests alone, on a socket in its own folder."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed: apt-get install -y postgresql")
    pytest.importorskip("psycopg", reason="pip install 'gristmill[postgresql]'")
    # Not below pytest's folder: each pytest that starts closes that one to other users.
    binaries, folder = found[-1].parent, Path(tempfile.mkdtemp(prefix="gristmill-pg-"))
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        owner = pwd.getpwnam("nobody")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"

    def run(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, cwd="/", stdout=subprocess.DEVNULL)

    run(str(binaries / "initdb"), "-D", str(folder / "data"), "-U", "gristmill", "-A", "trust")
    run(str(binaries / "pg_ctl"), "-D", str(folder / "data"), "-l", str(folder / "log"), "-o", options, "-w", "start")
    try:
        yield f"postgresql+psycopg://gristmill@/{{database}}?host={folder}"
    finally:
        run(str(binaries / "pg_ctl"), "-D", str(folder / "data"), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def empty_database(request: pytest.FixtureRequest, folder: Path) -> str:
    """URL of an empty database of the kind that the fixture's parameter names."""
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'gristmill.db'}"
    import psycopg

    url: str = request.getfixturevalue("postgresql")
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(url.format(database="postgres").replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    return url.format(database=name)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    return empty_database(request, tmp_path)


@pytest.fixture
def reopen(store_url: str, tmp_path: Path) -> Callable[[], Store]:
    """Open the same store again, as another process would."""
    return lambda: open_store(store_url, blobs=str(tmp_path / "blobs"))


@pytest.fixture
def store(reopen: Callable[[], Store]) -> Iterator[Store]:
    with reopen() as opened:
        yield opened
