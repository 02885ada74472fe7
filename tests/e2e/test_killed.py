"""SIGKILL at random moments of the whole pipeline, then the same command again: each rollout once, nothing left."""

import ctypes
import json
import random
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import GRISTMILL
from tests.e2e.helpers import children, wait_for

PR_SET_CHILD_SUBREAPER = 36

PIPELINE = """
generate: {{source: {source}, out: suite, n: 4, seed: 1}}
rollout: [{{agent: oracle, attempts: 3}}, {{agent: nop, attempts: 3}}]
export: [{{to: trl, out: export, include_privileged: true, overwrite: true}}]
"""


@pytest.fixture
def adopts_orphans() -> Iterator[None]:
    """What a killed command leaves behind becomes our child, so that it can be seen."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    yield
    libc.prctl(PR_SET_CHILD_SUBREAPER, 0)


def mounts() -> int:
    return sum("gristmill" in line for line in Path("/proc/self/mounts").read_text().splitlines())


def containers() -> set[str]:
    done = subprocess.run(
        ["docker", "ps", "-aq", "--filter", "label=gristmill.owner"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def wait_until_no_more_than(before: set[int], seconds: float = 10) -> set[int]:
    deadline = time.monotonic() + seconds
    while (left := children() - before) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def kill_and_resume(
    tmp_path: Path, environment: dict[str, str], source: Path, backend: str, kills: int, span_sec: float
) -> None:
    """`kills` times: start, SIGKILL after up to `span_sec` seconds; then run to the end and count."""
    (tmp_path / "pipeline.yaml").write_text(PIPELINE.format(source=source))
    command = [str(GRISTMILL), "run", "pipeline.yaml", "--backend", backend, "--json"]
    chance = random.Random(backend + str(kills))
    processes, mounted = children(), mounts()
    for _ in range(kills):
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(timeout=chance.uniform(0.5, span_sec))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert not wait_until_no_more_than(processes), "processes outlived the killed command"
        assert mounts() == mounted
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert not wait_until_no_more_than(processes)
    assert mounts() == mounted

    summary = json.loads(done.stdout)["rolled_out"]
    assert summary["asked"] == 24
    with sqlite3.connect(tmp_path / "store" / "gristmill.db") as database:
        rows = database.execute("select task_id, agent, attempt, reward from rollouts").fetchall()
    assert len(rows) == 24
    assert set(Counter(row[:3] for row in rows).values()) == {1}
    assert {row[1]: row[3] for row in rows} == {"oracle": 1.0, "nop": 0.0}
    exported = (tmp_path / "export" / "train.jsonl").read_text().splitlines()
    assert len(exported) == 12
    leftovers = [path for path in tmp_path.rglob("*") if ".tmp" in path.name or path.name.startswith("tmp")]
    assert not leftovers


@pytest.mark.timeout(600)
def test_killed_three_times_on_bubblewrap(
    tmp_path: Path, environment: dict[str, str], tiny_folder: Path, adopts_orphans: None
) -> None:
    kill_and_resume(tmp_path, environment, tiny_folder, "bubblewrap", kills=3, span_sec=15)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("backend", ["bubblewrap", "docker"])
def test_killed_twenty_times(
    tmp_path: Path,
    environment: dict[str, str],
    tiny_folder: Path,
    adopts_orphans: None,
    docker_ready: None,
    backend: str,
) -> None:
    before = containers()
    kill_and_resume(tmp_path, environment, tiny_folder, backend, kills=20, span_sec=25)
    if backend == "docker":
        wait_for("the end of the containers", lambda: containers() <= before, 10)
