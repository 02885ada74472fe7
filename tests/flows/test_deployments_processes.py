"""Processes that outlive their command are found by the mark they carry and stopped whole, children too."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.deployments.processes import Daemon, State, end, is_alive, marked, read_state, start, tail, write_state
from flows.errors import FlowFault

SLEEPS = "import time; print('ready', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"
WITH_A_CHILD_OF_ITS_OWN_SESSION = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", {SLEEPS!r}], start_new_session=True)
{SLEEPS}
"""


def started(folder: Path, program: str, count: int = 1) -> Daemon:
    daemon = start("sleeper", [sys.executable, "-c", program], folder=folder, env=dict(os.environ), cwd=folder)
    deadline = time.monotonic() + 20
    while tail(daemon).count("ready") < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return daemon


def test_a_daemon_is_alive_until_it_is_ended(tmp_path: Path) -> None:
    daemon = started(tmp_path, SLEEPS)
    assert is_alive(daemon)
    assert marked(tmp_path) == {daemon.pid}
    assert end([daemon.pid], grace_sec=10) == set()
    assert not is_alive(daemon)


def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    daemon = started(tmp_path, STUBBORN)
    assert end([daemon.pid], grace_sec=0.2) == {daemon.pid}
    assert marked(tmp_path) == set()


def test_children_are_found_even_in_a_session_of_their_own(tmp_path: Path) -> None:
    daemon = started(tmp_path, WITH_A_CHILD_OF_ITS_OWN_SESSION, count=2)
    end([daemon.pid], grace_sec=10)
    left = marked(tmp_path)
    assert len(left) == 1, "the child outlived its parent"
    end(left, grace_sec=10)
    assert marked(tmp_path) == set()


def test_another_process_with_the_same_id_is_never_taken_for_it(tmp_path: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", SLEEPS])
    try:
        assert not is_alive(Daemon(name="worker", pid=stranger.pid, started=1, log=tmp_path / "log"))
    finally:
        stranger.kill()
        stranger.wait()


def test_the_state_is_read_back(tmp_path: Path) -> None:
    assert read_state(tmp_path) is None
    state = State(url="http://127.0.0.1:1/api", is_own=True, port=1)
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(FlowFault, match=r"state\.json cannot be read"):
        read_state(tmp_path)
