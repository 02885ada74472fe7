"""Ctrl-C at a terminal, which every process of the group gets, while rollouts run on its own Dask or Ray.

test_cluster_ended.py has SIGTERM to the command alone; tests/flows/test_starting.py the time in which a cluster starts.
"""

import signal
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import Run
from tests.e2e.faults.conftest import Leftovers, Model, Start, each_once, rows_of
from tests.e2e.helpers import wait_for
from tests.hello_suite import make_suite

TASKS = 4
ROLLOUT = ("rollout", "suite", "--agent", "react", "--model", "hello", "-j", "2", "--json")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("engine", ["dask", "ray"])
def test_ctrl_c_on_a_cluster_keeps_what_ends_and_the_same_command_does_the_rest(
    tmp_path: Path, model: Model, start: Start, gristmill: Run, leftovers: Leftovers, engine: str
) -> None:
    pytest.importorskip(f"prefect_{engine}", reason=f"pip install 'gristmill[{engine}]'")
    make_suite(tmp_path / "suite", tasks=TASKS)
    database = tmp_path / "store" / "gristmill.db"
    model.up(prompt=100, seconds=3)
    command = start(*ROLLOUT, "--engine", engine, env={"GRISTMILL_GRACE_SEC": "20"}, new_group=True)
    wait_for("two rollouts that wait for the model", lambda: model.log.count("second") >= 2, 120)
    command.send_to_group(signal.SIGINT)
    asked = time.monotonic()
    done = command.ended(timeout=40)
    assert time.monotonic() - asked < 20 + 8
    assert done.code == 130, done.stderr
    assert "interrupted: no new rollouts begin; those under way have 20 s to end" in done.stderr
    assert done.stderr.endswith("interrupted; the same command goes on where it was\n")
    assert "Traceback" not in done.stderr
    begun = model.log.count("first")
    assert begun < TASKS, "not midway"
    each_once(rows_of(database), begun)

    model.kill()
    leftovers.none()
    model.up(prompt=100)
    again = gristmill(*ROLLOUT)
    assert (again.code, again.json["already_there"], again.json["solved"]) == (0, begun, TASKS - begun)
    each_once(rows_of(database), TASKS)
