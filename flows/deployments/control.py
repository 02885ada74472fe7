"""Deployments that are up, for the command line: list, find one, announce an event."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId, FlowRunFilter
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import FlowRunSort
from prefect.events.schemas.events import Event, Resource
from pydantic import BaseModel, ConfigDict

from flows.api import users_own_server
from flows.deployments.desired import own_tag
from flows.deployments.processes import read_state
from flows.deployments.register import api, deployments_of
from flows.deployments.spec import NEW_MODEL
from flows.deployments.up import SERVER, absolute, folder_of
from flows.errors import UsageError
from flows.place import Place
from flows.settings import load_settings


@contextmanager
def connected(store: str | None) -> Iterator[tuple[SyncPrefectClient, str]]:
    """The server that is up for this store, and the tag of its deployments. Raises UsageError where none is."""
    place = absolute(Place.from_settings(load_settings(store=store)))
    state = read_state(folder_of(place))
    url = users_own_server() or (state.url if state and (not state.is_own or state.alive(SERVER)) else None)
    if url is None:
        raise UsageError(f"nothing is up for the store {place.store}: gristmill up")
    with api(url) as client:
        yield client, own_tag(place)


class Listed(BaseModel):
    """One line of `gristmill schedules list`; times are UTC. `state`: active, paused, or by hand."""

    model_config = ConfigDict(frozen=True)

    name: str
    flow: str
    schedule: str
    state: str
    next: datetime | None
    last: str
    run: str


def listed(client: SyncPrefectClient, own: str) -> Iterator[Listed]:
    for deployment in sorted(deployments_of(client, own), key=lambda found: found.name):
        only = DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id]))
        due = FlowRunFilter.model_validate({"state": {"type": {"any_": ["SCHEDULED"]}}})
        begun = FlowRunFilter.model_validate({"state": {"type": {"not_any_": ["SCHEDULED"]}}})
        coming = client.read_flow_runs(
            deployment_filter=only, flow_run_filter=due, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=1
        )
        last = client.read_flow_runs(
            deployment_filter=only, flow_run_filter=begun, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=50
        )
        runs = [run for run in last if run.run_count or run.state_type == "RUNNING"]  # not those that were skipped
        times = [_said(item.schedule) for item in deployment.schedules]
        yield Listed(
            name=deployment.name,
            flow=(deployment.entrypoint or "").rpartition(".")[2],
            schedule=", ".join(times) or "none",
            state="paused" if deployment.paused else "active" if times else "by hand or event",
            next=coming[0].next_scheduled_start_time if coming else None,
            last=runs[0].state_name or "" if runs else "",
            run=str(runs[0].id) if runs else "",
        )


def _said(schedule: Any) -> str:
    text = getattr(schedule, "cron", None) or getattr(schedule, "rrule", None) or f"every {schedule.interval}"
    return f"{text} {schedule.timezone or 'UTC'}"


def deployment_named(client: SyncPrefectClient, own: str, name: str) -> DeploymentResponse:
    """Raises UsageError listing those that there are."""
    there = {found.name: found for found in deployments_of(client, own)}
    if name not in there:
        raise UsageError(f"no deployment {name!r}; there are: {', '.join(sorted(there)) or 'none'}")
    return there[name]


def announce(client: SyncPrefectClient, name: str, *, subject: str, payload: dict[str, Any]) -> None:
    """Send one event, and wait until the server has it. A new model is remembered for the runs to come."""
    from prefect.variables import Variable

    from flows.deployments.plan import NEWEST_MODEL

    if name == NEW_MODEL:
        Variable.set(NEWEST_MODEL, payload["model"], overwrite=True)
    event = Event(
        occurred=datetime.now(UTC),
        event=name,
        resource=Resource({"prefect.resource.id": subject}),
        payload=payload,
    )
    client._client.post("/events", json=[event.model_dump(mode="json")]).raise_for_status()
