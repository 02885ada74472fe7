"""A model's limit on a real server of Prefect's, over runs that work at the same time: the model's server counts."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.conftest import Run
from tests.e2e.helpers import wait_for
from tests.e2e.test_up_flows import ended, started
from tests.hello_suite import suite_of_its_own
from tests.quick_server import known, quick_server

LIMIT, TASKS, STEPS = 3, 6, 4
JOBS = {"narrow": 1, "wide": 2, "wider-than-the-limit": 6}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_never_more_requests_than_the_limit_over_all_runs(up: Run, tmp_path: Path, bubblewrap: object) -> None:
    deployments = {}
    for name, jobs in JOBS.items():
        suite_of_its_own(tmp_path / name, tasks=TASKS)
        request = {"suite": name, "agents": [{"agent": "react", "model": "quick"}]}
        deployments[name] = {"flow": "rollout", "request": request, "jobs": jobs}
    with quick_server(1.0, STEPS) as server:
        known(server, tmp_path)
        url = started(up, tmp_path, {"limits": {"models": {"quick": LIMIT}}, "deployments": deployments})
        begun = [up("schedules", "run", name, "--json").json["id"] for name in deployments]
        for run in begun:
            state = wait_for("the ends", ended(url, run), timeout=240, pause=1.0)
            assert state["state_name"] == "Completed", state["state"]["message"]
        assert server.counted() == (len(JOBS) * TASKS * STEPS, LIMIT)
    with closing(sqlite3.connect(tmp_path / "store" / "gristmill.db")) as database:
        rows = database.execute("select ending, count(*) from rollouts group by ending").fetchall()
    assert rows == [("submitted", len(JOBS) * TASKS)]
