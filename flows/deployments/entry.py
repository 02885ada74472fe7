"""The flows that deployments run: those of this room, with limits held, dates filled in and events sent.

Each calls the plain function of its flow and so runs as that flow, not around it: a subflow would cost 1.6 s
and hide the run's name. How often a run is tried again is set by `up` in the run's environment
(PREFECT_FLOWS_DEFAULT_RETRIES); a pipeline is not retried as a whole, its stages are.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import wraps
from inspect import signature
from typing import ParamSpec, TypeVar, cast

import prefect
import prefect.runtime
from prefect.concurrency.sync import concurrency
from prefect.events import emit_event
from prefect.exceptions import TerminationSignal
from prefect.states import Cancelled
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.variables import Variable

from flows.audit import audit_flow
from flows.auditing import AuditReport
from flows.batches import BATCHES_AT_ONCE
from flows.deployments.desired import TAG
from flows.deployments.plan import NEWEST_MODEL, Plan, filled_in, holds, model_shares, name_pattern
from flows.deployments.spec import ValidateRequest
from flows.deployments.validate import ValidateSummary, validate_all
from flows.deployments.watch import Counts, Measured, between, events_of, free_bytes, solved_so_far
from flows.drain import Drained
from flows.ending import read_ending
from flows.errors import UsageError
from flows.export import export_flow
from flows.generate import generate_flow
from flows.pipeline import PipelineSummary, pipeline_flow
from flows.place import Place
from flows.quiet import foreign_code_is_not_warned_of
from flows.requests import (
    AgentRequest,
    AuditRequest,
    ExportRequest,
    GenerateRequest,
    PipelineRequest,
    Request,
    RolloutRequest,
)
from flows.rollout import RolloutSummary, rollout_flow
from tasks.generate import GenerateResult
from trajectories.exports import ExportManifest

Asked = TypeVar("Asked", GenerateRequest, ValidateRequest, AuditRequest, RolloutRequest, ExportRequest, PipelineRequest)


Given = ParamSpec("Given")
Result = TypeVar("Result")


def announced_model(given: str) -> Callable[[], str]:
    """The model that the event named (remembered for the runs after it), else the one announced last."""

    def newest() -> str:
        if given:
            Variable.set(NEWEST_MODEL, given, overwrite=True)
            return given
        known = Variable.get(NEWEST_MODEL)
        if not known:
            raise UsageError("no model has been announced: gristmill event new-model --model NAME")
        return str(known)

    return newest


def asked_now(request: Asked, plan: Plan, model: str = "") -> Asked:
    """The request for this run: its day, the newest suite, the newest model."""
    at = prefect.runtime.flow_run.scheduled_start_time or datetime.now(UTC)
    filled = filled_in(request, at=at, timezone=plan.timezone, newest_model=announced_model(model))
    return type(request).model_validate(filled)


@contextmanager
def working(plan: Plan, request: Request, place: Place) -> Iterator[Place]:
    """Hold the limits, always in the same order, so that two runs never wait for each other; tag what runs inside.

    Yields the place with the run's share of them.
    """
    foreign_code_is_not_warned_of()
    with ExitStack() as stack:
        stack.enter_context(prefect.tags(*filter(None, (TAG, plan.owner))))
        for limit, slots in sorted(holds(plan, request, place).items(), reverse=True):
            stack.enter_context(concurrency(limit, occupy=slots, raise_on_lease_renewal_failure=False))
        yield place.model_copy(update={"model_limits": model_shares(plan, request, place)})


def tell(plan: Plan, place: Place, subject: str, **measured: Measured) -> None:
    """Send what was measured."""
    for event in events_of(
        plan.watches,
        deployment=plan.deployment,
        owner=plan.owner,
        subject=subject,
        measured=measured,
        free_bytes=free_bytes(place.store),
    ):
        emit_event(event=event.name, resource=event.resource, payload=dict(event.payload))


class PassRateWatch:
    """Counts what a run adds to the store."""

    def __init__(self, place: Place, agents: tuple[AgentRequest, ...], suites: str) -> None:
        self.place, self.agents, self.suites = place, [agent.agent for agent in agents], suites
        self.before = self._count()

    def _count(self) -> Counts:
        with self.place.open_store() as store:
            return solved_so_far(store, self.agents, self.suites)

    def measured(self) -> Measured:
        return Measured(now=between(self.before, self._count()), earlier=self.before)


def yield_of(result: GenerateResult) -> Measured:
    return Measured(now=Counts(n=result.candidates, good=result.accepted))


def ended_in_order(flow: Callable[Given, Result]) -> Callable[Given, Result]:
    """A flow that `gristmill down` asks to end is Cancelled: nothing has crashed, and no alert is due.

    Any other signal goes on to Prefect, which knows who has sent it.
    """

    @wraps(flow)
    def asked(*given: Given.args, **named: Given.kwargs) -> Result:
        try:
            return flow(*given, **named)
        except (TerminationSignal, Drained):
            place: Place = signature(flow).bind(*given, **named).arguments["place"]
            if read_ending(place.ending) is None:
                raise
            message = "gristmill down: what had ended is recorded, the next run goes on where it was"
            return cast(Result, Cancelled(message=message))  # Prefect takes it for the run's last state

    return asked


@prefect.flow(name="generate", flow_run_name="generate {request.out.name}", persist_result=True)
@ended_in_order
def generate(request: GenerateRequest, place: Place, plan: Plan = Plan()) -> GenerateResult:  # noqa: B008
    """Scheduled generation; sends `gristmill.yield`."""
    now = asked_now(request, plan)
    with working(plan, now, place) as place:
        result = generate_flow.fn(now, place)
        tell(plan, place, now.out.name, **{"yield": yield_of(result)})
    return result


@prefect.flow(name="validate", flow_run_name="validate {request.suite.name}", persist_result=True)
@ended_in_order
def validate(request: ValidateRequest, place: Place, plan: Plan = Plan()) -> ValidateSummary:  # noqa: B008
    """Scheduled validation. Fails if a task no longer holds."""
    now = asked_now(request, plan)
    with working(plan, now, place) as place:
        summary = validate_all(now.suite, place)
        tell(plan, place, now.suite.name)
    if summary.invalid:
        raise RuntimeError(f"{len(summary.invalid)} of {summary.tasks} tasks no longer hold: {summary.invalid}")
    return summary


@prefect.flow(name="audit", flow_run_name="audit {request.suite.name}", persist_result=True)
@ended_in_order
def audit(request: AuditRequest, place: Place, plan: Plan = Plan()) -> AuditReport:  # noqa: B008
    """Scheduled audit."""
    now = asked_now(request, plan)
    with working(plan, now, place) as place:
        report = audit_flow.fn(now, place)
        tell(plan, place, now.suite.name)
    return report


@prefect.flow(
    name="rollout",
    flow_run_name="rollout {request.suite.name}",
    task_runner=ThreadPoolTaskRunner(max_workers=BATCHES_AT_ONCE),  # type: ignore[arg-type]
    persist_result=True,
)
@ended_in_order
def rollout(request: RolloutRequest, place: Place, plan: Plan = Plan(), model: str = "") -> RolloutSummary:  # noqa: B008
    """Scheduled rollouts; sends `gristmill.pass-rate` of the rollouts that it added."""
    now = asked_now(request, plan, model)
    with working(plan, now, place) as place:
        watch = PassRateWatch(place, now.agents, name_pattern(request.suite))
        summary = rollout_flow.fn(now, place)
        tell(plan, place, now.suite.name, pass_rate=watch.measured())
    return summary


@prefect.flow(name="export", flow_run_name="export {request.to}", persist_result=True)
@ended_in_order
def export(request: ExportRequest, place: Place, plan: Plan = Plan()) -> ExportManifest:  # noqa: B008
    """Scheduled export."""
    now = asked_now(request, plan)
    with working(plan, now, place) as place:
        manifest = export_flow.fn(now, place)
        tell(plan, place, now.out.name)
    return manifest


@prefect.flow(name="pipeline", flow_run_name="pipeline {request.generate.out.name}", persist_result=True, retries=0)
@ended_in_order
def pipeline(request: PipelineRequest, place: Place, plan: Plan = Plan(), model: str = "") -> PipelineSummary:  # noqa: B008
    """Scheduled pipeline; sends `gristmill.yield` and `gristmill.pass-rate`."""
    now = asked_now(request, plan, model)
    with working(plan, now, place) as place:
        watch = PassRateWatch(place, now.rollout, name_pattern(request.generate.out))
        summary = pipeline_flow.fn(now, place)
        measured = {"yield": yield_of(summary.generated)}
        if now.rollout:
            measured["pass_rate"] = watch.measured()
        tell(plan, place, now.generate.out.name, **measured)
    return summary
