"""`gristmill up` for real: schedules start runs, a second `up` changes nothing, `down` leaves nothing."""

import asyncio
import html
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

import flows
from dashboard.prefect_runs import Prefect
from environments import get_backend
from flows.deployments.processes import marked, read_state, write_state
from tests.e2e.conftest import Done
from tests.e2e.helpers import free_port, wait_for
from tests.hello_suite import make_suite

# The commands under their names, also where the application does not list them yet.
COMMAND = "import flows.cli as c; from flows.cli import up, down, schedules; "
COMMAND += "[m.add_to(c.app) for m in (up, down, schedules)]; c.main()"

DEPLOYMENTS = """
server: {{heartbeat: 30s, missed_heartbeats: 2}}
limits: {{sandboxes: 2}}
deployments:
  often:
    flow: rollout
    request: {{suite: suite, agents: [{{agent: oracle}}, {{agent: nop, attempts: {attempts}}}]}}
    schedule: {{interval: {interval}}}
"""

COMPLETED = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}, "sort": "END_TIME_DESC"}

Gristmill = Callable[..., Done]


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    return make_suite(tmp_path / "suite", tasks=2)


@pytest.fixture
def gristmill(tmp_path: Path, environment: dict[str, str], suite: Path) -> Iterator[Gristmill]:
    """The command in tmp_path; whatever a failed test left up is taken down."""

    def run(*arguments: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-P", "-c", COMMAND, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=280,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    yield run
    run("down")


def is_shown(url: str, token: str, *, run: str, prefect: str) -> None:
    """The dashboard lists this run as the last one that ended, with the link to it in Prefect's UI, which answers."""
    page = httpx.get(url, headers={"authorization": f"Bearer {token}"}, timeout=30, trust_env=False)
    assert page.status_code == 200
    found = re.search(rf'completed">Completed</span>\s*<a href="([^"]*/{run})"[^>]*>([^<]+)', page.text)
    assert found, page.text
    assert found[1] == f"{prefect}/runs/flow-run/{run}"
    assert found[2].startswith("rollout")
    assert "does not answer" not in page.text
    assert re.search(r"Sandboxes held: \d of 2<", page.text)
    as_browser = {"accept": "text/html"}  # other requests get no page for a path of the UI's own
    there = httpx.get(html.unescape(found[1]), headers=as_browser, timeout=30, trust_env=False, follow_redirects=True)
    assert there.status_code == 200 and "<html" in there.text


def leave_as_a_killed_down_does(url: str, folder: Path) -> None:
    """It had paused the pool and told the runs, and came no further."""
    httpx.patch(f"{url}/work_pools/gristmill", json={"is_paused": True}, timeout=30).raise_for_status()
    state = read_state(folder)
    assert state is not None
    write_state(folder, state.model_copy(update={"held": ("gristmill",)}))
    (folder / "ending.json").write_text('{"grace_sec": 60}')


def has_run(url: str, state: str) -> Callable[[], bool]:
    """Whether the server knows a run in this state."""
    only = {"flow_runs": {"state": {"type": {"any_": [state]}}}}
    return lambda: bool(httpx.post(f"{url}/flow_runs/filter", json=only, timeout=30).json())


def test_up_runs_on_schedule_and_down_leaves_nothing(gristmill: Gristmill, tmp_path: Path, bubblewrap: object) -> None:
    dashboard = f"dashboard: {{port: {free_port()}}}\n"
    (tmp_path / "deployments.yaml").write_text(dashboard + DEPLOYMENTS.format(attempts=1, interval="5s"))
    first = gristmill("up", "--json")
    assert first.code == 0, first.stderr
    assert first.json["started"] == ["server", "worker-gristmill", "dashboard"]
    made = {(change["what"], change["did"]) for change in first.json["changes"]}
    assert made == {(what, "made") for what in ("pool", "limit", "deployment", "automation")}

    wait_for("completed run", has_run(first.json["url"], "COMPLETED"), timeout=120, pause=1.0)
    rows = gristmill("show", "rollouts", "--json").json
    assert sorted((row["agent"], row["reward"]) for row in rows) == [
        *[("nop", 0.0)] * 2,
        *[("oracle", 1.0)] * 2,
    ]

    assert gristmill("schedules", "pause", "often").code == 0
    leave_as_a_killed_down_does(first.json["url"], tmp_path / "store" / "up")
    again = gristmill("up", "--json")
    assert (again.json["changes"], again.json["started"]) == ([], []), "nothing has changed"
    assert not httpx.get(f"{first.json['url']}/work_pools/gristmill", timeout=30).json()["is_paused"]
    assert not (tmp_path / "store" / "up" / "ending.json").exists()
    ended = httpx.post(f"{first.json['url']}/flow_runs/filter", json=COMPLETED, timeout=30).json()
    token = (tmp_path / "store" / "dashboard.token").read_text().strip()
    prefect = first.json["url"].removesuffix("/api")
    is_shown(first.json["dashboard"], token, run=ended[0]["id"], prefect=prefect)
    row = gristmill("schedules", "list", "--json").json[0]
    assert (row["name"], row["last"]) == ("often", "Completed")
    assert row["state"] == "paused", "what a person paused stays paused"

    (tmp_path / "deployments.yaml").write_text(dashboard + "deployments: {}\n")
    changes = gristmill("up", "--json").json["changes"]
    assert {"what": "deployment", "name": "often", "did": "deleted"} in changes

    down = gristmill("down", "--json")
    assert set(down.json["stopped"]) == {"server", "worker-gristmill", "dashboard"}
    with pytest.raises(httpx.ConnectError):
        httpx.get(first.json["dashboard"], trust_env=False)
    assert marked(tmp_path / "store" / "up") == set()
    assert gristmill("schedules", "list").code == 2, "nothing is up any more"


@pytest.mark.slow
def test_a_run_whose_process_and_worker_are_killed_becomes_crashed(
    gristmill: Gristmill, tmp_path: Path, bubblewrap: object
) -> None:
    (tmp_path / "deployments.yaml").write_text(DEPLOYMENTS.format(attempts=2000, interval="1h"))
    url = gristmill("up", "--json").json["url"]
    gristmill("schedules", "run", "often")
    wait_for("running run", has_run(url, "RUNNING"), timeout=120, pause=1.0)
    wait_for("rollout", lambda: gristmill("show", "rollouts", "--json").json, timeout=60, pause=1.0)
    shown = Prefect(url).state()
    (run,) = shown.live
    assert (run.kind, shown.fault) == ("running", "")
    assert run.started is not None and "suite" in run.parameters
    assert 0 <= run.done < run.begun, "a batch is under way"
    assert run.percent is not None and " of 4,002 rollouts" in run.progress
    assert shown.sandboxes_limit == 2

    folder = tmp_path / "store" / "up"
    state = read_state(folder)
    assert state is not None
    server = state.alive("server")
    assert server is not None
    for pid in marked(folder) - {server.pid}:
        os.kill(pid, signal.SIGKILL)
    wait_for("crashed run", has_run(url, "CRASHED"), timeout=150, pause=1.0)

    again = gristmill("up", "--json")
    assert again.json["started"] == ["worker-gristmill"], "what has died is started again"


EVALUATION = """
deployments:
  evaluation:
    flow: rollout
    request: {{suite: suite, agents: [{{agent: nop, model: newest}}]}}
    event: new-model
automations:
  low: {{when: pass_rate, below: 0.5, least: 2, then: {{webhook: "{url}"}}}}
  released: {{when: event, event: team.released, then: {{pause: evaluation}}}}
"""


@pytest.mark.slow
def test_a_new_model_is_evaluated_and_a_low_pass_rate_is_told(
    gristmill: Gristmill,
    tmp_path: Path,
    environment: dict[str, str],
    webhook: tuple[str, list[dict[str, Any]]],
    bubblewrap: object,
) -> None:
    address, told = webhook
    environment["GRISTMILL_BASE_URL"] = "http://127.0.0.1:9/v1"  # `nop` never asks it
    (tmp_path / "deployments.yaml").write_text(EVALUATION.format(url=address))
    url = gristmill("up", "--json").json["url"]
    assert gristmill("event", "new-model", "--model", "v7").code == 0
    wait_for("completed run", has_run(url, "COMPLETED"), timeout=120, pause=1.0)
    rows = gristmill("show", "rollouts", "--json").json
    assert [(row["agent"], row["model"]) for row in rows] == [("nop", "v7")] * 2
    wait_for("webhook call", lambda: told, timeout=60, pause=1.0)
    assert told[0]["event"] == "gristmill.pass-rate"
    assert (told[0]["payload"]["rate"], told[0]["payload"]["n"]) == (0.0, 2)

    assert gristmill("event", "send", "team.released", "--payload", '{"version": 2}').code == 0
    wait_for(
        "pause", lambda: gristmill("schedules", "list", "--json").json[0]["state"] == "paused", timeout=60, pause=1.0
    )
    assert gristmill("schedules", "resume", "evaluation").code == 0


@pytest.mark.slow
def test_a_docker_pool_runs_a_deployment_in_a_container(
    gristmill: Gristmill, tmp_path: Path, session_cache: Path, bubblewrap: object, docker_ready: None
) -> None:
    """Any image that has Gristmill will do; here the Python that runs us is laid into a bare one."""
    pytest.importorskip("prefect_docker")
    image = asyncio.run(get_backend("docker").base_image())  # type: ignore[attr-defined]
    laid_in = {sys.prefix, sys.base_prefix, str(Path(flows.__file__).parents[1])}
    pool = {
        "type": "docker",
        "job": {
            "image": image,
            "image_pull_policy": "Never",
            "auto_remove": True,
            "network_mode": "host",
            "volumes": [*(f"{path}:{path}:ro" for path in sorted(laid_in)), f"{tmp_path}:{tmp_path}"],
            "command": f"{sys.executable} -P -m prefect.engine",
        },
    }
    export = {
        "flow": "export",
        "request": {"to": "trl", "out": str(tmp_path / "out"), "include_privileged": True, "attempts": "include"},
    }
    file = {"pools": {"containers": pool}, "deployments": {"export": export}}
    (tmp_path / "deployments.yaml").write_text(yaml.safe_dump(file))
    assert gristmill("rollout", "suite", "--agent", "oracle").code == 0
    url = gristmill("up", "--json").json["url"]
    gristmill("schedules", "run", "export")
    wait_for("completed run", has_run(url, "COMPLETED"), timeout=150, pause=1.0)
    rows = [line for file in (tmp_path / "out").glob("*.jsonl") for line in file.read_text().splitlines()]
    assert len(rows) == 2
    assert "Docker container" in (tmp_path / "store" / "up" / "worker-containers.log").read_text()
    assert gristmill("down").code == 0
    assert marked(tmp_path / "store" / "up") == set()
