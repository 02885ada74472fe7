"""A deployments file is checked whole when it is read, and says as plain data what Prefect's server will hold."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect.events.schemas.automations import AutomationCore

from flows.deployments.desired import Desired, automations, desired
from flows.deployments.load import load_deployments
from flows.deployments.plan import Plan, holds
from flows.deployments.spec import REQUESTS, DeploymentsFile
from flows.errors import UsageError
from flows.place import Place
from flows.requests import Request

NIGHTLY = """
jobs: 2
limits: {sandboxes: 4, models: {local: 1}}
deployments:
  nightly:
    flow: generate
    request: {source: "pypi:sqlparse==0.6.1", out: "suites/sqlparse-{date}", n: 50}
    schedule: {cron: "0 2 * * *", timezone: Europe/Berlin}
    timeout: 3h
    retries: 2
    tags: [night]
  hourly:
    flow: rollout
    request: {suite: "suites/sqlparse-{newest}", agents: [{agent: react, model: local}]}
    schedule: {interval: 1h}
  evaluation:
    flow: rollout
    request: {suite: suites/held-out, agents: [{agent: react, model: newest}]}
    event: new-model
  weekly:
    flow: export
    request: {to: trl, out: "exports/{date}"}
    schedule: {rrule: "FREQ=WEEKLY;BYDAY=SU"}
    paused: true
automations:
  pass-rate: {when: pass_rate, below: 0.3, drop: 0.1, deployments: [hourly], then: {webhook: "http://127.0.0.1:9/x"}}
  disk: {when: disk, free_gb: 20, then: {pause: nightly}}
  broken: {when: failed, then: {run: weekly}}
"""
PLACE = Place(store="/data/store", cache=Path("/data/cache"))


def read(tmp_path: Path, text: str) -> DeploymentsFile:
    file = tmp_path / "deployments.yaml"
    file.write_text(text)
    return load_deployments(file)


def wanted(tmp_path: Path, text: str = NIGHTLY) -> Desired:
    return desired(read(tmp_path, text), place=PLACE, folder=Path("/project"))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("n: 50", "n: none"), ":7: deployments.nightly.request.n: Input should be a valid integer"),
        (("n: 50", "m: 50"), ":7: deployments.nightly.request.m: Extra inputs are not permitted"),
        (('"0 2 * * *"', '"0 2 * *"'), ":8: deployments.nightly.schedule.cron: Value error"),
        (("Europe/Berlin", "Berlin"), ":8: deployments.nightly.schedule.timezone: Value error, no time zone 'Berlin'"),
        (("interval: 1h", "interval: soon"), ":15: deployments.hourly.schedule.interval: Input should be"),
        (("interval: 1h", "interval: 1h, cron: '* * * * *'"), "not cron and interval"),
        (("FREQ=WEEKLY", "FREQ=OFTEN"), ":23: deployments.weekly.schedule.rrule: Value error"),
        (("timeout: 3h", "timeout: 3s"), ":9: deployments.nightly.timeout: Value error, at least 10 s"),
        (("event: new-model", "event: new-moon"), ":19: deployments.evaluation.event: Input should be 'new-model'"),
        (("model: newest", "model: local"), ":19: deployments.evaluation.event: the new model is given to agents"),
        (("below: 0.3, drop: 0.1, ", ""), ":26: automations.pass-rate: Value error, when: pass_rate needs below or"),
        (("free_gb: 20", "below: 0.2"), "below does not go with when: disk"),
        (("pause: nightly", "pause: nighty"), ":27: automations.disk.then.pause: no deployment 'nighty'; there are"),
        (("deployments: [hourly]", "deployments: [daily]"), ":26: automations.pass-rate.deployments.0: no deployment"),
        (("retries: 2", "retries: 2\n    jobs: 8"), "8 sandboxes at a time never fit into limits.sandboxes: 4"),
        (("retries: 2", "pool: cluster"), ":10: deployments.nightly.pool: no pool 'cluster'; there are: gristmill"),
        (("retries: 2", "job: {gpu: 1}"), "deployments.nightly.job.gpu: a process pool has no job variable 'gpu'"),
        (("retries: 2", "retries: 2\n    retries: 3"), ":11: retries: given twice"),
        (("jobs: 2", "jobs: ["), "not YAML"),
    ],
)
def test_what_is_wrong_is_named_with_line_and_field(tmp_path: Path, change: tuple[str, str], problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, NIGHTLY.replace(*change, 1))
    assert problem in str(caught.value)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, NIGHTLY.replace("n: 50", "n: 0").replace("pause: nightly", "pause: nobody"))
    assert len(str(caught.value).splitlines()) == 2


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        load_deployments(tmp_path / "nothing.yaml")


def test_a_deployment_carries_its_request_place_and_plan(tmp_path: Path) -> None:
    nightly = wanted(tmp_path).deployments["nightly"]
    assert nightly["entrypoint"] == "flows.deployments.entry.generate"
    assert nightly["parameters"]["request"]["n"] == 50
    assert nightly["parameters"]["place"]["store"] == "/data/store"
    assert [watch["automation"] for watch in nightly["parameters"]["plan"]["watches"]] == ["disk"]
    assert nightly["schedule"] == {"cron": "0 2 * * *", "interval": None, "rrule": "", "timezone": "Europe/Berlin"}
    assert nightly["job_variables"]["env"]["PREFECT_FLOWS_DEFAULT_RETRIES"] == "2"
    assert nightly["job_variables"]["working_dir"] == "/project"
    assert (nightly["concurrency_limit"], nightly["collision_strategy"]) == (1, "CANCEL_NEW")
    assert "night" in nightly["tags"]
    assert "gristmill" in nightly["tags"]


def test_limits_are_held_by_the_runs_that_use_them(tmp_path: Path) -> None:
    made = wanted(tmp_path)
    assert made.limits == {"gristmill-sandboxes": 4, "gristmill-model-local": 1}
    held = {
        name: holds(Plan.model_validate(fields["parameters"]["plan"]), file_request(name, tmp_path), PLACE)
        for name, fields in made.deployments.items()
    }
    assert held["nightly"] == {"gristmill-sandboxes": 2}
    assert held["hourly"] == {"gristmill-sandboxes": 2, "gristmill-model-local": 1}
    assert held["weekly"] == {}, "an export needs no sandbox"


def file_request(name: str, tmp_path: Path) -> Request:
    deployment = read(tmp_path, NIGHTLY).deployments[name]
    return REQUESTS[deployment.flow].model_validate(deployment.request)


def test_two_stores_on_one_server_are_told_apart(tmp_path: Path) -> None:
    file = read(tmp_path, NIGHTLY)
    other = desired(file, place=PLACE.model_copy(update={"store": "/data/other"}), folder=Path("/project"))
    assert wanted(tmp_path).own != other.own


def made_automations(tmp_path: Path, text: str = NIGHTLY) -> dict[str, dict[str, Any]]:
    file = read(tmp_path, text)
    ids = {name: str(uuid4()) for name in file.deployments}
    blocks = {name: str(uuid4()) for name in file.automations}
    return automations(file, own="mine", deployment_ids=ids, block_ids=blocks)


def test_automations_are_what_prefect_takes(tmp_path: Path) -> None:
    made = made_automations(tmp_path)
    assert [name.removeprefix("mine ") for name in made] == [
        *("runs without a sign of life", "nightly: time limit", "evaluation: new model"),
        *("pass-rate", "disk", "broken", "broken: nightly took too long"),
    ]
    for name, fields in made.items():
        automation = AutomationCore.model_validate({"name": name, **fields})
        again = automation.model_dump(mode="json", exclude_unset=True)
        assert set(again["trigger"]["expect"]) == set(fields["trigger"]["expect"])
        assert again["actions"][0]["type"] == fields["actions"][0]["type"]


def test_a_run_is_given_several_heartbeats_before_it_counts_as_dead(tmp_path: Path) -> None:
    text = NIGHTLY + "server: {heartbeat: 30s, missed_heartbeats: 3}\n"
    zombies = made_automations(tmp_path, text)["mine runs without a sign of life"]
    assert zombies["trigger"]["within"] == 90
    assert zombies["trigger"]["posture"] == "Proactive"
    assert zombies["actions"][0]["state"] == "CRASHED"
    assert wanted(tmp_path, text).deployments["hourly"]["job_variables"]["env"] == {
        "DO_NOT_TRACK": "1",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        "PREFECT_FLOWS_DEFAULT_RETRIES": "0",
        "PREFECT_FLOWS_DEFAULT_RETRY_DELAY_SECONDS": "30",
    }


def test_a_changed_threshold_changes_the_hash_and_nothing_else_does(tmp_path: Path) -> None:
    file = read(tmp_path, NIGHTLY)
    ids = {name: name for name in file.deployments}
    blocks = {name: name for name in file.automations}
    once, again = (automations(file, own="mine", deployment_ids=ids, block_ids=blocks) for _ in range(2))
    assert once == again
    moved = automations(file, own="mine", deployment_ids={**ids, "weekly": "new"}, block_ids=blocks)
    changed = [name for name in once if once[name]["tags"] != moved[name]["tags"]]
    assert changed == ["mine broken", "mine broken: nightly took too long"], "both start what has moved"


def test_the_example_can_be_read() -> None:
    file = load_deployments(Path(__file__).parents[2] / "examples" / "deployments.yaml")
    made = desired(file, place=PLACE, folder=Path("/project"))
    assert made.deployments["sqlparse-rollouts"]["schedule"]["interval"] == 3600
