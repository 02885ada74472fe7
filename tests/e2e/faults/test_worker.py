"""`gristmill down` while a scheduled run works: rollouts under way end and are recorded, and nothing is left behind."""

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.conftest import Done, Run
from tests.e2e.faults.conftest import Leftovers, Model, each_once, rows_of
from tests.e2e.helpers import wait_for
from tests.hello_suite import make_suite

TASKS = 6
DEPLOYMENTS = """
limits: {sandboxes: 2}
deployments:
  once:
    flow: rollout
    request: {suite: suite, agents: [{agent: react, model: hello}]}
    jobs: 2
"""


@pytest.fixture
def up(gristmill: Run, tmp_path: Path) -> Iterator[Run]:
    make_suite(tmp_path / "suite", tasks=TASKS)
    (tmp_path / "deployments.yaml").write_text(DEPLOYMENTS)
    yield gristmill
    gristmill("down")


def begun(up: Run, tmp_path: Path, environment: dict[str, str], model: Model) -> None:
    """The deployment runs, and two of its rollouts wait for the model."""
    done = up("up", "deployments.yaml", "--json", timeout=300)
    assert done.code == 0, done.stderr
    state = json.loads((tmp_path / "store" / "up" / "state.json").read_text())
    run = [sys.executable, "-m", "prefect", "deployment", "run", "rollout/once"]
    before = model.log.count("second")
    subprocess.run(run, env={**environment, "PREFECT_API_URL": state["url"]}, check=True, cwd=tmp_path, timeout=120)
    wait_for("two rollouts that wait for the model", lambda: model.log.count("second") - before == 2, 120)


def states_of_runs(tmp_path: Path) -> list[str]:
    """As the server has kept them."""
    with closing(sqlite3.connect(f"file:{tmp_path}/store/up/prefect.db?mode=ro", uri=True)) as database:
        rows = database.execute("select state_name from flow_run where work_queue_id is not null order by created")
        return [row[0] for row in rows]


def is_down(down: Done, tmp_path: Path) -> None:
    """Nothing had to be killed, and nothing is in the way of the next `up`."""
    assert down.code == 0, down.stderr
    assert (down.json["runs"], down.json["killed"]) == (1, 0)
    assert "1 run under way" in down.stderr
    assert json.loads((tmp_path / "store" / "up" / "state.json").read_text())["held"] == []
    assert not (tmp_path / "store" / "up" / "ending.json").exists()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_rollouts_under_way_end_and_are_recorded_and_the_next_run_does_the_rest(
    tmp_path: Path, model: Model, environment: dict[str, str], up: Run, leftovers: Leftovers
) -> None:
    model.up(prompt=100, seconds=15)
    begun(up, tmp_path, environment, model)
    is_down(up("down", "--grace", "60", "--json"), tmp_path)
    rows = rows_of(tmp_path / "store" / "gristmill.db")
    assert 2 <= len(rows) < TASKS, "those under way, and no other"
    each_once(rows, len(rows))
    assert {(row[3], row[4]) for row in rows} == {(1.0, 0)}, "solved and known, as if nobody had asked"
    assert states_of_runs(tmp_path) == ["Cancelled"]

    model.kill()
    model.up(prompt=100, seconds=0.5)
    begun(up, tmp_path, environment, model)
    wait_for("the rest", lambda: len(rows_of(tmp_path / "store" / "gristmill.db")) == TASKS, 120)
    each_once(rows_of(tmp_path / "store" / "gristmill.db"), TASKS)
    assert up("down").code == 0
    model.kill()
    leftovers.none()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_does_not_end_within_the_grace_is_stopped_and_leaves_nothing_behind(
    tmp_path: Path, model: Model, environment: dict[str, str], up: Run, leftovers: Leftovers
) -> None:
    model.up(prompt=100, seconds=120)
    begun(up, tmp_path, environment, model)
    started = time.monotonic()
    is_down(up("down", "--grace", "1", "--json"), tmp_path)
    assert time.monotonic() - started < 60
    assert rows_of(tmp_path / "store" / "gristmill.db") == [], "none had ended; none is there in part"
    assert states_of_runs(tmp_path) == ["Cancelled"]
    model.kill()
    leftovers.none()
