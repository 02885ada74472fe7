"""The rollout flow: every agent on every task of a suite; what the store already holds is left out."""

import asyncio
from contextlib import nullcontext
from contextvars import ContextVar
from uuid import UUID

import prefect
from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact
from prefect.concurrency.sync import concurrency
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import BaseModel, ConfigDict

from flows.auditing import keep, keep_marks, kept_report
from flows.batches import BATCHES_AT_ONCE, keys_of, run_batch, split
from flows.models import resolve, serving
from flows.place import Place
from flows.progress import Tally
from flows.requests import AgentRequest, RolloutRequest
from flows.routing import routed
from flows.slots import Slots
from tasks.suite import Suite, open_suite, prepare_suite
from trajectories.rollout import Rollout, RolloutKey
from trajectories.store import PassRate, Store

_tally: ContextVar[Tally] = ContextVar("gristmill_rollout_tally")
_slots: ContextVar[Slots] = ContextVar("gristmill_rollout_slots")


class RolloutSummary(BaseModel):
    """What a run of the flow did. `unknown` rollouts ended in infrastructure trouble: no reward is known."""

    model_config = ConfigDict(frozen=True)

    suite_hash: str
    asked: int
    already_there: int
    solved: int
    failed: int
    unknown: int
    pass_rates: tuple[PassRate, ...]


def outcome_of(rollout: Rollout) -> str:
    """solved, failed, or unknown (the infrastructure's fault, never the agent's)."""
    if rollout.is_unknown:
        return "unknown"
    return "solved" if rollout.verdict.is_solved else "failed"


def register(suite: Suite, store: Store) -> None:
    """Make the suite and its tasks known to the store."""
    manifest = suite.manifest
    if store.knows_suite(manifest.hash):
        return
    tasks = [(task.id, task.family, task.provenance) for task in suite.tasks()]
    store.register_suite(hash=manifest.hash, name=manifest.name, version=manifest.version, tasks=tasks)
    if (report := kept_report(suite)) is not None:
        keep(report, suite, store)
    keep_marks(suite, {task_id: provenance for task_id, _, provenance in tasks}, store)


@prefect.task(
    name="rollouts",
    task_run_name="rollouts {part}",
    retries=2,
    retry_delay_seconds=[2, 10],
    persist_result=True,
)
def rollout_batch(
    work: list[tuple[RolloutKey, AgentRequest]],
    request: RolloutRequest,
    place: Place,
    endpoints: dict[str, str],
    jobs: int,
    part: str,
) -> list[str]:
    """One batch; returns the ids of the rollouts that it wrote. A retry repeats only those not written."""
    with place.open_store() as store:
        written = store.finished(key for key, _ in work)
    left = [item for item in work if item[0].id not in written]
    tally = _tally.get(None) or Tally("rollout", total=len(left))
    slots = _slots.get(None)  # shared by the batches of a flow in this process
    slot = concurrency(place.batch_limit, occupy=1) if place.batch_limit else nullcontext()
    with slot:
        return asyncio.run(
            run_batch(
                left,
                suite_folder=request.suite,
                place=place,
                models={agent.model: resolve(agent.model, endpoints) for _, agent in left if agent.model},
                jobs=place.jobs if slots else jobs,
                slots=slots,
                rank=int(part.split()[0]),
                tools_file=request.tools,
                on_done=lambda rollout: tally.add(outcome_of(rollout)),
            )
        )


@prefect.flow(
    name="rollout",
    flow_run_name="rollout {request.suite.name}",
    task_runner=ThreadPoolTaskRunner(max_workers=BATCHES_AT_ONCE),  # type: ignore[arg-type]
    persist_result=True,
)
def rollout_flow(request: RolloutRequest, place: Place) -> RolloutSummary:
    """Roll out what is not in the store yet. Raises if a batch fails after its retries."""
    backend = place.open_backend()
    suite = open_suite(request.suite, cache=place.cache)
    asyncio.run(backend.sweep())
    asyncio.run(prepare_suite(suite, backend, cache=place.cache))
    keys = keys_of(request, suite, place.backend)
    with place.open_store() as store:
        register(suite, store)
        keys = routed(keys, suite, place, store)
        finished = store.finished(key for key, _ in keys)
    left = [(key, agent) for key, agent in keys if key.id not in finished]
    tally = Tally("rollout", total=len(keys), done=len(finished))
    _tally.set(tally)
    _slots.set(Slots(place.jobs))

    with serving({key.model for key, _ in left}) as endpoints:
        parts = list(split(len(left), place.jobs))
        slots = -(-place.jobs // min(BATCHES_AT_ONCE, place.jobs))
        progress = create_progress_artifact(100 * len(finished) / max(1, len(keys)), key="rollouts")
        assert isinstance(progress, UUID)
        futures = [
            rollout_batch.submit(left[part], request, place, endpoints, slots, f"{number} of {len(parts)}")
            for number, part in enumerate(parts, start=1)
        ]
        for future in futures:
            future.result()
            update_progress_artifact(progress, progress=100 * tally.done / max(1, len(keys)))

    with place.open_store() as store:
        rates = tuple(store.pass_rates(suite_hash=suite.manifest.hash))
    create_table_artifact(
        key="pass-rates",
        table=[rate.model_dump(mode="json") for rate in rates],
        description=f"Pass rates on {request.suite.name}",
    )
    return RolloutSummary(
        suite_hash=suite.manifest.hash,
        asked=len(keys),
        already_there=len(finished),
        solved=tally.outcomes["solved"],
        failed=tally.outcomes["failed"],
        unknown=tally.outcomes["unknown"],
        pass_rates=rates,
    )
