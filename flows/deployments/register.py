"""Make a Prefect server hold exactly what is desired, and say what that changed.

What has our tag is ours: it is made, changed where its hash differs, left alone where it does not, and deleted
where the file no longer has it. Nothing else on the server is touched.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import ConcurrencyOptions, FlowRun, State, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelling, Crashed
from prefect.utilities.callables import parameter_schema
from pydantic import BaseModel, ConfigDict, SecretStr

from flows.deployments.desired import Desired, automations, hash_of
from flows.deployments.plan import MODEL, SANDBOXES
from flows.deployments.spec import DeploymentsFile, Schedule
from flows.errors import ApiUnavailable, UsageError


class Change(BaseModel):
    """`what`: pool, limit, deployment, automation; `did`: made, changed or deleted."""

    model_config = ConfigDict(frozen=True)

    what: str
    name: str
    did: str


@contextmanager
def api(url: str) -> Iterator[SyncPrefectClient]:
    """A client of the server at `url`. Raises ApiUnavailable where it does not answer or refuses."""
    with temporary_settings({PREFECT_API_URL: url}), get_client(sync_client=True) as client:
        try:
            yield client
        except (httpx.TransportError, PrefectHTTPStatusError) as error:
            raise ApiUnavailable(f"Prefect's server at {url}: {error}") from error


def register(client: SyncPrefectClient, wanted: Desired, file: DeploymentsFile, *, is_own: bool) -> list[Change]:
    """`is_own`: the server serves us alone, so that limits which the file no longer has are deleted."""
    changes = [
        *_pools(client, wanted),
        *_limits(client, wanted, may_delete=is_own),
    ]
    there = {found.name: found for found in deployments_of(client, wanted.own)}
    ids = {}
    for name, fields in wanted.deployments.items():
        ids[name], did = _deployment(client, fields, there.get(name))
        if did:
            changes.append(Change(what="deployment", name=name, did=did))
    blocks = dict(_blocks(client, file, wanted.own))
    changes += _automations(client, automations(file, own=wanted.own, deployment_ids=ids, block_ids=blocks), wanted.own)
    for name in sorted(there.keys() - wanted.deployments.keys()):
        client.delete_deployment(there[name].id)
        changes.append(Change(what="deployment", name=name, did="deleted"))
    return changes


def deployments_of(client: SyncPrefectClient, own: str) -> list[DeploymentResponse]:
    """Those with our tag."""
    ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[own]))
    found: list[DeploymentResponse] = []
    while page := client.read_deployments(deployment_filter=ours, limit=200, offset=len(found)):
        found += page
    return found


def _pools(client: SyncPrefectClient, wanted: Desired) -> Iterator[Change]:
    for name, fields in wanted.pools.items():
        try:
            there = client.read_work_pool(name)
        except ObjectNotFound:
            client.create_work_pool(WorkPoolCreate(name=name, **fields))
            yield Change(what="pool", name=name, did="made")
            continue
        if there.type != fields["type"]:
            raise UsageError(f"pools.{name}: the server has a {there.type} pool of this name; choose another name")
        template, limit = fields["base_job_template"], fields["concurrency_limit"]
        if there.base_job_template != template or there.concurrency_limit != limit:
            client.update_work_pool(name, WorkPoolUpdate(base_job_template=template, concurrency_limit=limit))
            yield Change(what="pool", name=name, did="changed")


def _limits(client: SyncPrefectClient, wanted: Desired, *, may_delete: bool) -> Iterator[Change]:
    there = {limit.name: limit.limit for limit in client.read_global_concurrency_limits(limit=200)}
    for name, limit in wanted.limits.items():
        if there.get(name) != limit:
            client.upsert_global_concurrency_limit_by_name(name, limit)
            yield Change(what="limit", name=name, did="changed" if name in there else "made")
    if may_delete:
        for name in there.keys() - wanted.limits.keys():
            if name == SANDBOXES or name.startswith(MODEL):
                client.delete_global_concurrency_limit_by_name(name)
                yield Change(what="limit", name=name, did="deleted")


def _deployment(
    client: SyncPrefectClient, fields: dict[str, Any], there: DeploymentResponse | None
) -> tuple[str, str | None]:
    """Its id, and what was done. The hash of its fields is kept as the deployment's version."""
    version = hash_of(fields)
    if there is not None and there.version == version:
        return str(there.id), None
    module, _, function = fields["entrypoint"].rpartition(".")
    flow = getattr(import_module(module), function)
    flow_id = client.create_flow(flow)
    if there is not None and there.flow_id != flow_id:  # another flow by the same name: not the same deployment
        client.delete_deployment(there.id)
        there = None
    paused = fields["paused"] if fields["paused"] is not None else bool(there and there.paused)
    schedule = fields["schedule"] and Schedule.model_validate(fields["schedule"]).of_prefect()
    made = client.create_deployment(
        flow_id=flow_id,
        name=fields["name"],
        version=version,
        schedules=[DeploymentScheduleCreate(schedule=schedule)] if schedule else [],
        concurrency_limit=fields["concurrency_limit"],
        concurrency_options=ConcurrencyOptions(collision_strategy=fields["collision_strategy"]),
        parameters=fields["parameters"],
        description=fields["description"],
        work_pool_name=fields["work_pool_name"],
        tags=fields["tags"],
        entrypoint=fields["entrypoint"],
        parameter_openapi_schema=parameter_schema(flow).model_dump_for_openapi(),
        enforce_parameter_schema=True,
        paused=paused,
        job_variables=fields["job_variables"],
    )
    return str(made), "changed" if there is not None else "made"


def _blocks(client: SyncPrefectClient, file: DeploymentsFile, own: str) -> Iterator[tuple[str, str]]:
    """Automation -> id of the block that it calls: the user's own, or one made of a webhook's URL."""
    from prefect.blocks.webhook import Webhook

    for name, automation in file.automations.items():
        if url := automation.then.webhook:
            slug = "-".join("".join(sign if sign.isalnum() else " " for sign in f"{own} {name}".lower()).split())
            try:
                known = client.read_block_document_by_name(slug, "webhook", include_secrets=True)
                if known.data.get("url") == url:
                    yield name, str(known.id)
                    continue
            except ObjectNotFound:
                pass  # made below
            yield name, str(Webhook(url=SecretStr(url)).save(slug, overwrite=True))
        elif automation.then.block:
            kind, _, slug = automation.then.block.partition("/")
            try:
                yield name, str(client.read_block_document_by_name(slug, kind).id)
            except ObjectNotFound as error:
                raise UsageError(
                    f"automations.{name}.then.block: the server has no block {automation.then.block}; "
                    "make it on Prefect's dashboard (Blocks)"
                ) from error


def _automations(client: SyncPrefectClient, wanted: dict[str, dict[str, Any]], own: str) -> list[Change]:
    there = {found.name: found for found in _all_automations(client) if own in found.tags}
    changes = []
    for name, fields in wanted.items():
        short = name.removeprefix(f"{own} ")
        known = there.get(name)
        if known is None:
            client.create_automation(AutomationCore.model_validate({"name": name, **fields}))
            changes.append(Change(what="automation", name=short, did="made"))
        elif set(known.tags) != set(fields["tags"]):
            client.update_automation(known.id, AutomationCore.model_validate({"name": name, **fields}))
            changes.append(Change(what="automation", name=short, did="changed"))
    for name in sorted(there.keys() - wanted.keys()):
        client.delete_automation(there[name].id)
        changes.append(Change(what="automation", name=name.removeprefix(f"{own} "), did="deleted"))
    return changes


def _all_automations(client: SyncPrefectClient) -> list[Any]:
    found: list[Any] = []
    while page := client.read_automations(limit=200, offset=len(found)):
        found += page
    return found


def crash_lost_runs(client: SyncPrefectClient, own: str) -> int:
    """Runs that the server remembers as running in processes here, while no worker of ours is alive: they are not."""
    lost = [run for run in _unfinished(client, own) if _kind_of_pool(client, run) == "process"]
    for run in lost:
        state: State[Any] = Crashed(message="Gristmill was stopped while it ran. The next run goes on where it was.")
        client.set_flow_run_state(run.id, state, force=True)
    return len(lost)


def cancel_runs_elsewhere(client: SyncPrefectClient, own: str, patience_sec: float) -> int:
    """Have the workers end runs that are no processes of this machine; returns how many were still there after."""
    elsewhere = [run for run in _unfinished(client, own) if _kind_of_pool(client, run) not in ("process", "")]
    for run in elsewhere:
        client.set_flow_run_state(run.id, Cancelling(message="gristmill down"))
    deadline = time.monotonic() + patience_sec
    left = {run.id for run in elsewhere}
    while left and time.monotonic() < deadline:
        left &= {run.id for run in _unfinished(client, own)}
        time.sleep(0.5 if left else 0)
    return len(left)


def _unfinished(client: SyncPrefectClient, own: str) -> list[FlowRun]:
    states = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
    ours = FlowRunFilter(
        tags=FlowRunFilterTags(all_=[own]), state=FlowRunFilterState(type=FlowRunFilterStateType(any_=states))
    )
    return client.read_flow_runs(flow_run_filter=ours, limit=200)


def _kind_of_pool(client: SyncPrefectClient, run: FlowRun) -> str:
    """Empty for a subflow's run: it is where the run is that it belongs to, and ends or is found dead with it."""
    return client.read_work_pool(run.work_pool_name).type if run.work_pool_name else ""
