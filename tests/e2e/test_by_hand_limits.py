"""Rollouts that a person starts take part in a model's limit: beside a scheduled run, and alone by `--model-limit`."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import GRISTMILL, Run
from tests.e2e.helpers import wait_for
from tests.e2e.test_up_flows import ended, started
from tests.hello_suite import suite_of_its_own
from tests.quick_server import known, quick_server

LIMIT, TASKS, STEPS = 3, 6, 3
ASKS = {"agent": "react", "model": "quick"}


@contextmanager
def limit_held(url: str, name: str) -> Iterator[None]:
    """One slot, by somebody else."""
    asked = {"names": [name], "slots": 1, "mode": "concurrency", "lease_duration": 300}
    limits = f"{url}/v2/concurrency_limits"
    lease = httpx.post(f"{limits}/increment-with-lease", json=asked, timeout=30).raise_for_status().json()["lease_id"]
    yield
    httpx.post(f"{limits}/decrement-with-lease", json={"lease_id": lease}, timeout=30).raise_for_status()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_by_hand_and_a_scheduled_one_share_a_models_limit(
    up: Run, tmp_path: Path, environment: dict[str, str], bubblewrap: object
) -> None:
    for name in ("nightly", "mine"):
        suite_of_its_own(tmp_path / name, tasks=TASKS)
    deployments = {"nightly": {"flow": "rollout", "request": {"suite": "nightly", "agents": [ASKS]}, "jobs": 2}}
    with quick_server(0.8, STEPS) as server:
        known(server, tmp_path)
        url = started(up, tmp_path, {"limits": {"models": {"quick": LIMIT}}, "deployments": deployments})
        with limit_held(url, "gristmill-model-quick"):  # room for the scheduled run, none for ours
            command = [GRISTMILL, "rollout", "mine", "--agent", "react", "--model", "quick", "-j", "6"]
            with (tmp_path / "said").open("wb") as said:
                mine = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=said, stderr=said)
            words = f"waiting for 3 of the 3 slots of gristmill-model-quick, which other runs hold on {url}"
            wait_for("word that it waits", lambda: words in (tmp_path / "said").read_text(), timeout=120)
            assert server.counted() == (0, 0)
            run = up("schedules", "run", "nightly", "--json").json["id"]
            wait_for("scheduled rollouts", lambda: server.counted()[0], timeout=120)
        assert mine.wait(timeout=120) == 0, (tmp_path / "said").read_text()
        assert ended(url, run)() is not None, "two slots were the scheduled run's, and three are asked for"
        assert server.counted() == (2 * TASKS * STEPS, LIMIT)
        limit = httpx.get(f"{url}/v2/concurrency_limits/gristmill-model-quick", timeout=30).json()
        assert limit["active_slots"] == 0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_without_a_server_the_command_says_how_much_may_be_asked(
    gristmill: Run, tmp_path: Path, bubblewrap: object
) -> None:
    suite_of_its_own(tmp_path / "mine", tasks=TASKS)
    with quick_server(0.1, STEPS) as server:
        known(server, tmp_path)
        done = gristmill("rollout", "mine", "--agent", "react", "--model", "quick", "-j", "6", "--model-limit", "2")
        assert done.code == 0, done.stderr
        assert server.counted() == (TASKS * STEPS, 2)
