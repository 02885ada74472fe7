"""The Docker daemon is restarted, or killed, while rollouts run in its containers: one of our own."""

import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Done
from tests.e2e.faults.conftest import Model, Start, each_once, rows_of
from tests.e2e.faults.dockerd import Dockerd
from tests.e2e.helpers import wait_for
from tests.hello_suite import make_suite

ROLLOUT = ("rollout", "suite", "--agent", "react", "--model", "hello", "--backend", "docker", "-j", "2", "--json")
TASKS = 8


@pytest.fixture
def dockerd() -> Iterator[Dockerd]:
    daemon = Dockerd(Path("/tmp") / f"gm-{uuid.uuid4().hex[:8]}")
    yield daemon
    daemon.remove()


def nobody_failed(tmp_path: Path) -> int:
    """No lost sandbox has become a reward of 0; returns how many outcomes are known."""
    rows = rows_of(tmp_path / "store" / "gristmill.db")
    assert all(row[3] == 1.0 for row in rows if not row[4]), rows
    return sum(not row[4] for row in rows)


def goes_on(tmp_path: Path, start: Start, dockerd: Dockerd) -> Done:
    """The same command with the daemon back: the rest is done, and no container is left."""
    known = nobody_failed(tmp_path)
    done = start(*ROLLOUT, env={"GRISTMILL_DOCKER_HOST": dockerd.host}).ended(timeout=200)
    assert done.code == 0, done.stderr
    assert done.json["already_there"] == known
    each_once(rows_of(tmp_path / "store" / "gristmill.db"), TASKS)
    assert nobody_failed(tmp_path) == TASKS
    wait_for("the end of the containers", lambda: dockerd.containers() == [], 10)
    return done


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["restarted", "crashed"])
def test_a_daemon_that_comes_back_is_waited_for(
    number: signal.Signals, tmp_path: Path, model: Model, start: Start, dockerd: Dockerd
) -> None:
    make_suite(tmp_path / "suite", TASKS)
    model.up(prompt=100, seconds=1.0)
    command = start(*ROLLOUT, env={"GRISTMILL_DOCKER_HOST": dockerd.host})
    wait_for("two rollouts", lambda: len(rows_of(tmp_path / "store" / "gristmill.db")) >= 2, 200)
    dockerd.stop(number)
    time.sleep(3.0)
    dockerd.start()
    done = command.ended(timeout=300)
    assert done.code == 0, done.stderr  # those that were under way were run again in fresh sandboxes
    assert (done.json["solved"], done.json["unknown"]) == (TASKS, 0)
    assert "Traceback" not in done.stderr
    goes_on(tmp_path, start, dockerd)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_daemon_that_stays_away_ends_the_command(
    tmp_path: Path, model: Model, start: Start, dockerd: Dockerd
) -> None:
    make_suite(tmp_path / "suite", TASKS)
    model.up(prompt=100, seconds=1.0)
    command = start(*ROLLOUT, env={"GRISTMILL_DOCKER_HOST": dockerd.host})
    wait_for("two rollouts", lambda: len(rows_of(tmp_path / "store" / "gristmill.db")) >= 2, 200)
    dockerd.stop(signal.SIGKILL)
    done = command.ended(timeout=200)
    assert done.code == 1, done.stderr
    assert "no Docker daemon answer" in done.stderr and "Traceback" not in done.stderr
    dockerd.start()
    goes_on(tmp_path, start, dockerd)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_sigterm_leaves_no_container(tmp_path: Path, model: Model, start: Start, dockerd: Dockerd) -> None:
    make_suite(tmp_path / "suite", tasks=4)
    model.up(prompt=0)
    command = start(*ROLLOUT, env={"GRISTMILL_DOCKER_HOST": dockerd.host, "GRISTMILL_GRACE_SEC": "0.5"})
    wait_for("two rollouts that wait for the model", lambda: model.log.count("held") == 2, 200)
    assert len(dockerd.containers()) == 1  # kept, for the sandboxes of both
    command.send(signal.SIGTERM)
    done = command.ended(timeout=30)
    assert done.code == 143, done.stderr
    wait_for("the end of the container", lambda: dockerd.containers() == [], 10)
