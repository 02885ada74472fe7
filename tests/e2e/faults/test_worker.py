"""`gristmill down` while a scheduled run works: its worker ends the run at once, and nothing is left behind."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Run
from tests.e2e.faults.conftest import Leftovers, Model, rows_of
from tests.e2e.helpers import make_suite, wait_for

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
    yield gristmill
    gristmill("down")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_worker_that_is_stopped_leaves_nothing_behind(
    tmp_path: Path, model: Model, environment: dict[str, str], up: Run, leftovers: Leftovers
) -> None:
    make_suite(tmp_path / "suite", tasks=6)
    (tmp_path / "deployments.yaml").write_text(DEPLOYMENTS)
    environment["GRISTMILL_GRACE_SEC"] = "10"
    model.up(prompt=100, seconds=4)
    done = up("up", "deployments.yaml", "--json", timeout=300)
    assert done.code == 0, done.stderr
    state = json.loads((tmp_path / "store" / "up" / "state.json").read_text())
    run = [sys.executable, "-m", "prefect", "deployment", "run", "rollout/once"]
    subprocess.run(run, env={**environment, "PREFECT_API_URL": state["url"]}, check=True, cwd=tmp_path, timeout=120)
    wait_for("two rollouts that wait for the model", lambda: model.log.count("second") == 2, 120)
    down = up("down", "--json")
    assert down.code == 0, down.stderr
    assert down.json["killed"] == 0
    model.kill()
    leftovers.none()
    assert rows_of(tmp_path / "store" / "gristmill.db") == []  # none had ended; none is there in part
