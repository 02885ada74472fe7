"""Every flow that a deployments file may name, run by a real worker; and what a person is told when one goes wrong."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.e2e.conftest import Run
from tests.e2e.helpers import wait_for
from tests.hello_suite import make_suite

GENERATE = {"n": 2, "seed": 1, "generators": ["flip_comparison", "change_operator"]}
ORACLE = {"agent": "oracle"}


def flows(source: Path) -> dict[str, Any]:
    """In an order in which each finds what it needs."""
    return {
        "tasks": {"flow": "generate", "request": {"source": str(source), "out": "suites/tiny-{date}", **GENERATE}},
        "holds": {"flow": "validate", "request": {"suite": "suites/tiny-{newest}"}},
        "cheats": {"flow": "audit", "request": {"suite": "suites/tiny-{newest}"}},
        "rollouts": {"flow": "rollout", "request": {"suite": "suites/tiny-{newest}", "agents": [ORACLE]}},
        "rows": {"flow": "export", "request": {"to": "trl", "out": "exports/{date}", "include_privileged": True}},
        "whole": {
            "flow": "pipeline",
            "request": {
                "generate": {"source": str(source), "out": "whole", **GENERATE},
                "rollout": [ORACLE],
                "export": [{"to": "ms-swift", "out": "export", "include_privileged": True}],
            },
        },
    }


def started(up: Run, tmp_path: Path, file: dict[str, Any]) -> str:
    (tmp_path / "deployments.yaml").write_text(yaml.safe_dump(file))
    done = up("up", "--json")
    assert done.code == 0, done.stderr
    url: str = done.json["url"]
    return url


def runs(url: str) -> list[dict[str, Any]]:
    """Of deployments, not what runs inside of them."""
    asked = {"flow_runs": {"deployment_id": {"is_null_": False}}, "sort": "START_TIME_ASC"}
    found: list[dict[str, Any]] = httpx.post(f"{url}/flow_runs/filter", json=asked, timeout=30).json()
    return found


def ended(url: str, run_id: str) -> Callable[[], dict[str, Any] | None]:
    final = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
    return lambda: next((run for run in runs(url) if run["id"] == run_id and run["state_type"] in final), None)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_flow_runs_and_low_yield_and_a_full_disk_are_told(
    up: Run, tmp_path: Path, tiny_folder: Path, webhook: tuple[str, list[dict[str, Any]]], bubblewrap: object
) -> None:
    address, told = webhook
    then = {"webhook": address}
    automations = {
        "low-yield": {"when": "yield", "below": 1.0, "least": 1, "deployments": ["tasks"], "then": then},
        "disk": {"when": "disk", "free_gb": 1e9, "deployments": ["rows"], "then": then},
    }
    deployments = flows(tiny_folder)
    url = started(up, tmp_path, {"deployments": deployments, "automations": automations})
    for name in deployments:
        run = up("schedules", "run", name, "--json").json["id"]
        state = wait_for(f"end of {name}", ended(url, run), timeout=150, pause=1.0)
        assert state["state_name"] == "Completed", (name, state["state"]["message"])
    assert len(list((tmp_path / "suites").glob("tiny-20??-??-??"))) == 1, "the day that the run was due"
    assert list((tmp_path / "exports").glob("20??-??-??/*.jsonl")) and (tmp_path / "export").is_dir()
    rows = up("show", "rollouts", "--json").json
    assert [row["reward"] for row in rows] == [1.0] * 2, "the pipeline's suite is the same tasks: nothing twice"

    wait_for("both alerts", lambda: len(told) >= 2, timeout=60, pause=0.5)
    by_event = {each["event"]: each for each in told}
    assert by_event.keys() == {"gristmill.yield", "gristmill.disk"}
    assert 0 < by_event["gristmill.yield"]["payload"]["rate"] < 1
    assert by_event["gristmill.disk"]["payload"]["free_gb"] > 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_runs_that_need_all_sandboxes_wait_for_each_other(up: Run, tmp_path: Path, bubblewrap: object) -> None:
    make_suite(tmp_path / "suite", tasks=2)
    deployments = {
        agent: {
            "flow": "rollout",
            "request": {"suite": "suite", "agents": [{"agent": agent, "attempts": 30}]},
            "jobs": 2,
        }
        for agent in ("oracle", "nop")
    }
    url = started(up, tmp_path, {"limits": {"sandboxes": 2}, "deployments": deployments})
    begun = [up("schedules", "run", name, "--json").json["id"] for name in deployments]
    for run in begun:
        state = wait_for("both ends", ended(url, run), timeout=200, pause=1.0)
        assert state["state_name"] == "Completed", state["state"]["message"]
    times: dict[str, list[tuple[datetime, datetime]]] = {"oracle": [], "nop": []}
    with closing(sqlite3.connect(tmp_path / "store" / "gristmill.db")) as database:
        for agent, start, seconds in database.execute("select agent, started_at, total_sec from rollouts"):
            at = datetime.fromisoformat(start)
            times[agent].append((at, at + timedelta(seconds=seconds)))
    assert {name: len(spans) for name, spans in times.items()} == {"oracle": 60, "nop": 60}
    first, second = sorted(times.values(), key=min)
    assert max(end for _, end in first) <= min(start for start, _ in second), "never more than two sandboxes at a time"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_is_retried_and_one_over_its_time_ends_in_order_and_both_are_told(
    up: Run, tmp_path: Path, webhook: tuple[str, list[dict[str, Any]]], bubblewrap: object
) -> None:
    address, told = webhook
    make_suite(tmp_path / "suite", tasks=2)
    deployments = {
        "broken": {
            "flow": "rollout",
            "request": {"suite": "nowhere", "agents": [ORACLE]},
            "retries": 1,
            "retry_delay": 1,
        },
        "endless": {
            "flow": "rollout",
            "request": {"suite": "suite", "agents": [{"agent": "nop", "attempts": 5000}]},
            "timeout": 15,
        },
    }
    automations = {"wrong": {"when": "failed", "then": {"webhook": address}}}
    url = started(up, tmp_path, {"deployments": deployments, "automations": automations})

    run = up("schedules", "run", "broken", "--json").json["id"]
    state = wait_for("end of broken", ended(url, run), timeout=150, pause=1.0)
    assert (state["state_name"], state["run_count"]) == ("Failed", 2)
    assert "nowhere" in state["state"]["message"]
    wait_for("an alert", lambda: told, timeout=60, pause=0.5)
    assert told[0]["event"] == "prefect.flow-run.Failed"

    run = up("schedules", "run", "endless", "--json").json["id"]
    state = wait_for("end of endless", ended(url, run), timeout=200, pause=1.0)
    assert state["state_type"] == "CANCELLED"
    wait_for("a second alert", lambda: len(told) > 1, timeout=60, pause=0.5)
    assert told[1]["automation"].endswith("wrong: endless took too long")
    recorded = up("show", "rollouts", "--json").json
    assert recorded and {row["ending"] for row in recorded} == {"submitted"}, "none in part"
    assert up("store", "fsck").code == 0
