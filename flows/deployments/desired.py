"""What the server is to hold, as plain data: made from the deployments file alone, so that it can be looked at.

Everything carries the tag `gristmill` and one of its own file, by which later runs of `up` know what is theirs;
and a hash of what it was made from, by which they know whether it has changed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from flows.deployments.plan import MODEL, SANDBOXES, Plan, Watch
from flows.deployments.pools import base_job_template, job_variables
from flows.deployments.spec import NEEDS_SANDBOXES, NEW_MODEL, REQUESTS, Deployment, DeploymentsFile, Pool
from flows.place import Place

TAG = "gristmill"

_ENDED = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Crashed", "Cancelled", "TimedOut")}


@dataclass(frozen=True)
class Desired:
    """`deployments`: name -> fields of Prefect's deployment, `schedules` as models of Prefect. `own`: the tag."""

    own: str
    pools: dict[str, dict[str, Any]]
    limits: dict[str, int]
    deployments: dict[str, dict[str, Any]]


def own_tag(place: Place) -> str:
    """One store, one set of deployments: two stores on one server never touch each other's."""
    return f"{TAG}:{hashlib.sha256(place.store.encode()).hexdigest()[:8]}"


def place_of(file: DeploymentsFile, deployment: Deployment, place: Place) -> Place:
    """`place` with what the deployment, its pipeline or the file say instead."""
    inner = deployment.request if deployment.flow == "pipeline" else {}
    changes = {
        "backend": deployment.backend or inner.get("backend") or file.backend,
        "jobs": deployment.jobs or inner.get("jobs") or file.jobs,
        "engine": deployment.engine or inner.get("engine") or file.engine,
    }
    return place.model_copy(update={name: value for name, value in changes.items() if value is not None})


def desired(file: DeploymentsFile, *, place: Place, folder: Path) -> Desired:
    """`place`: of the settings, store and cache as absolute paths; `folder`: where relative paths start."""
    limits = {f"{MODEL}{name}": limit for name, limit in file.limits.models.items()}
    if file.limits.sandboxes is not None:
        limits[SANDBOXES] = file.limits.sandboxes
    own = own_tag(place)
    return Desired(
        own=own,
        pools={name: _pool(pool) for name, pool in file.pools.items()},
        limits=limits,
        deployments={
            name: _deployment(name, deployment, file, own=own, place=place, folder=folder)
            for name, deployment in file.deployments.items()
        },
    )


def _pool(pool: Pool) -> dict[str, Any]:
    return {"type": pool.type, "base_job_template": base_job_template(pool), "concurrency_limit": pool.at_once}


def _deployment(
    name: str, deployment: Deployment, file: DeploymentsFile, *, own: str, place: Place, folder: Path
) -> dict[str, Any]:
    here = place_of(file, deployment, place)
    pool = file.pool_of(deployment)
    plan = Plan(
        deployment=name,
        owner=own,
        timezone=deployment.schedule.timezone if deployment.schedule else "UTC",
        sandboxes=file.limits.sandboxes is not None and deployment.flow in NEEDS_SANDBOXES,
        models=file.limits.models,
        watches=_watches(name, file),
    )
    request = REQUESTS[deployment.flow].model_validate(deployment.request)
    env = {
        "DO_NOT_TRACK": "1",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(int(file.server.heartbeat)),
        "PREFECT_FLOWS_DEFAULT_RETRIES": str(deployment.retries),
        "PREFECT_FLOWS_DEFAULT_RETRY_DELAY_SECONDS": str(round(deployment.retry_delay)),
    }
    return {
        "name": name,
        "flow": deployment.flow,
        "entrypoint": f"flows.deployments.entry.{deployment.flow}",
        "description": deployment.description,
        "tags": [TAG, own, *deployment.tags],
        "parameters": {
            "request": request.model_dump(mode="json"),
            "place": here.model_dump(mode="json"),
            "plan": plan.model_dump(mode="json"),
        },
        "schedule": deployment.schedule.model_dump(mode="json") if deployment.schedule else None,
        "paused": deployment.paused,
        "concurrency_limit": deployment.at_once,
        "collision_strategy": "CANCEL_NEW" if deployment.overlap == "skip" else "ENQUEUE",
        "work_pool_name": pool,
        "job_variables": job_variables(file.pools[pool], deployment.job, folder=folder, env=env),
    }


def _watches(name: str, file: DeploymentsFile) -> tuple[Watch, ...]:
    return tuple(
        Watch(
            automation=key,
            when=automation.when,
            below=automation.below,
            drop=automation.drop,
            least=automation.least,
            free_gb=automation.free_gb,
        )
        for key, automation in file.automations.items()
        if automation.when in ("pass_rate", "yield", "disk")
        and (not automation.deployments or name in automation.deployments)
    )


def hash_of(payload: object) -> str:
    return hashlib.sha256(json.dumps(payload, sort_keys=True, default=str).encode()).hexdigest()[:12]


def automations(
    file: DeploymentsFile, *, own: str, deployment_ids: Mapping[str, str], block_ids: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Name -> Prefect's automation. `block_ids`: by the automation's name, where it calls a webhook or block."""
    found = {"runs without a sign of life": _zombies(file, own)}
    for name, deployment in file.deployments.items():
        if deployment.timeout is not None:
            found[f"{name}: time limit"] = _time_limit(deployment.timeout, deployment_ids[name])
        if deployment.event:
            found[f"{name}: new model"] = _new_model(deployment_ids[name])
    for name, automation in file.automations.items():
        found[name] = {
            "trigger": _trigger(file, name, own, deployment_ids),
            "actions": [_action(file, name, deployment_ids, block_ids)],
            "enabled": automation.enabled,
        }
        for slow, seconds in _watched_limits(file, name):
            found[f"{name}: {slow} took too long"] = {
                **found[name],
                "trigger": _too_long(seconds, deployment_ids[slow]),
            }
    named = {f"{own} {name}": {"enabled": True, **payload} for name, payload in found.items()}
    return {name: {**payload, "tags": [TAG, own, f"spec:{hash_of(payload)}"]} for name, payload in named.items()}


def _event(expect: set[str], **more: Any) -> dict[str, Any]:
    return {"type": "event", "posture": "Reactive", "threshold": 1, "expect": sorted(expect), **more}


def _tagged(own: str) -> dict[str, str]:
    return {"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{own}"}


def _of_deployment(deployment_id: str) -> dict[str, str]:
    return {"prefect.resource.role": "deployment", "prefect.resource.id": f"prefect.deployment.{deployment_id}"}


def _zombies(file: DeploymentsFile, own: str) -> dict[str, Any]:
    """A run whose heartbeats have stopped is marked as crashed; too short a window would end live runs."""
    window = timedelta(seconds=file.server.heartbeat * file.server.missed_heartbeats)
    trigger = _event(
        {"prefect.flow-run.heartbeat", *_ENDED},
        posture="Proactive",
        after=["prefect.flow-run.heartbeat"],
        match={"prefect.resource.id": "prefect.flow-run.*"},
        match_related=_tagged(own),
        for_each=["prefect.resource.id"],
        within=window.total_seconds(),
    )
    message = f"No sign of life for {window.total_seconds():.0f} s: the process is gone. The next run goes on."
    action = {"type": "change-flow-run-state", "state": "CRASHED", "name": "Crashed", "message": message}
    return {"trigger": trigger, "actions": [action]}


def _time_limit(seconds: float, deployment_id: str) -> dict[str, Any]:
    """Kept by the server, which has the worker end the run's process: a hung run ends too."""
    return {"trigger": _too_long(seconds, deployment_id), "actions": [{"type": "cancel-flow-run"}]}


def _watched_limits(file: DeploymentsFile, name: str) -> Iterator[tuple[str, float]]:
    """Deployments and their time limits, where this automation tells of failures: a run over its time is Cancelled."""
    automation = file.automations[name]
    if automation.when == "failed":
        for deployment in automation.deployments or file.deployments:
            if (limit := file.deployments[deployment].timeout) is not None:
                yield deployment, limit


def _too_long(seconds: float, deployment_id: str) -> dict[str, Any]:
    return _event(
        _ENDED,
        posture="Proactive",
        after=["prefect.flow-run.Running"],
        match={"prefect.resource.id": "prefect.flow-run.*"},
        match_related=_of_deployment(deployment_id),
        for_each=["prefect.resource.id"],
        within=seconds,
    )


def _new_model(deployment_id: str) -> dict[str, Any]:
    model = {"__prefect_kind": "jinja", "template": "{{ event.payload.model }}"}
    run = {
        "type": "run-deployment",
        "source": "selected",
        "deployment_id": deployment_id,
        "parameters": {"model": model},
    }
    return {"trigger": _event({NEW_MODEL}), "actions": [run]}


def _trigger(file: DeploymentsFile, name: str, own: str, deployment_ids: Mapping[str, str]) -> dict[str, Any]:
    from flows.deployments.watch import EVENTS

    automation = file.automations[name]
    if automation.when == "event":
        return _event({automation.event})
    if automation.when == "failed":
        only = [_of_deployment(deployment_ids[wanted]) for wanted in automation.deployments]
        ids = [item["prefect.resource.id"] for item in only]
        related: dict[str, Any] = {**only[0], "prefect.resource.id": ids} if only else _tagged(own)
        states = {"prefect.flow-run.Failed", "prefect.flow-run.Crashed", "prefect.flow-run.TimedOut"}
        return _event(states, match={"prefect.resource.id": "prefect.flow-run.*"}, match_related=related)
    labels = {"gristmill.owner": own, "gristmill.automation": name, "gristmill.state": "crossed"}
    return _event({EVENTS[automation.when]}, match=labels)


WEBHOOK_BODY = (
    '{"automation": {{ automation.name | tojson }}, "event": {{ event.event | tojson }}, '
    '"occurred": "{{ event.occurred }}", "resource": {{ event.resource | tojson }}, '
    '"payload": {{ event.payload | tojson }}}'
)
NOTE = "{{ event.event }} of {{ event.resource.id }}: {{ event.payload | tojson }}"


def _action(
    file: DeploymentsFile, name: str, deployment_ids: Mapping[str, str], block_ids: Mapping[str, str]
) -> dict[str, Any]:
    then = file.automations[name].then
    if then.webhook or then.block.startswith("webhook/"):
        return {"type": "call-webhook", "block_document_id": block_ids[name], "payload": WEBHOOK_BODY}
    if then.block:
        subject = "Gristmill: {{ automation.name }}"
        return {
            "type": "send-notification",
            "block_document_id": block_ids[name],
            "subject": subject,
            "body": NOTE,
        }
    target = then.run or then.pause
    assert target is not None
    kind = "run-deployment" if then.run else "pause-deployment"
    return {"type": kind, "source": "selected", "deployment_id": deployment_ids[target]}
