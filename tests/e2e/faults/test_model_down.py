"""The model's server is killed while rollouts run: no failures come of it, only unknown outcomes, done again."""

import sqlite3
import time
from pathlib import Path

import pytest

from tests.e2e.faults.conftest import Model, Start, each_once, rows_of
from tests.e2e.helpers import wait_for
from tests.hello_suite import make_suite

ROLLOUT = ("rollout", "suite", "--agent", "react", "--model", "hello", "-j", "2", "--json")
TASKS = 8


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_server_that_stays_away_leaves_unknown_outcomes_and_a_second_run_does_only_these(
    tmp_path: Path, model: Model, start: Start
) -> None:
    make_suite(tmp_path / "suite", TASKS)
    database = tmp_path / "store" / "gristmill.db"
    model.up(prompt=100, seconds=0.5)
    command = start(*ROLLOUT)
    wait_for("three rollouts", lambda: len(rows_of(database)) >= 3, 120)
    model.kill()
    done = command.ended(timeout=120)
    assert done.code == 1, done.stderr
    rows = rows_of(database)
    each_once(rows, TASKS)
    known = {row[0] for row in rows if not row[4]}
    assert 3 <= len(known) < TASKS
    assert all(row[3] == 1.0 for row in rows if not row[4])  # nobody failed because the model was away
    assert "ended in infrastructure trouble; the same command tries them again" in done.stderr
    with sqlite3.connect(database) as opened:
        details = opened.execute("select ending, ending_detail from rollouts where is_unknown").fetchall()
    assert {ending for ending, _ in details} == {"infrastructure_error"}
    assert all(model.url in detail for _, detail in details)

    model.up(prompt=100)
    again = start(*ROLLOUT).ended(timeout=120)
    assert again.code == 0, again.stderr
    assert (again.json["already_there"], again.json["solved"]) == (len(known), TASKS - len(known))
    each_once(rows_of(database), TASKS)
    with sqlite3.connect(database) as opened:
        tries = dict(opened.execute("select task_id, tries from rollouts").fetchall())
    assert {task for task, count in tries.items() if count == 1} == known


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_server_that_comes_back_in_time_is_waited_for(tmp_path: Path, model: Model, start: Start) -> None:
    make_suite(tmp_path / "suite", TASKS)
    database = tmp_path / "store" / "gristmill.db"
    model.up(prompt=100, seconds=0.5)
    command = start(*ROLLOUT)
    wait_for("three rollouts", lambda: len(rows_of(database)) >= 3, 120)
    model.kill()
    time.sleep(2.0)
    model.up(prompt=100)
    done = command.ended(timeout=120)
    assert done.code == 0, done.stderr
    assert (done.json["solved"], done.json["unknown"]) == (TASKS, 0)
    each_once(rows_of(database), TASKS)
