"""The rollout flow: every agent on every task of a suite; what the store already holds is left out.

Its batches run in threads of the flow's process, or on a cluster (`place.engine`), where each looks first at what its
worker sees. Which rollouts are done is asked of the store in either case.
"""

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import wait as wait_for_futures
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import prefect
from prefect.artifacts import create_table_artifact
from prefect.concurrency.sync import concurrency
from prefect.futures import PrefectFuture, wait
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import BaseModel, ConfigDict

from agents.models import ModelConfig
from flows.auditing import keep, keep_marks, kept_report
from flows.batches import BATCHES_AT_ONCE, Work, evenly, keys_of, outcome_of, outcomes_in, run_batch, split
from flows.drain import Drain
from flows.engines.errors import WorkerFault
from flows.engines.notice import Notice, heeded
from flows.engines.retrying import has_other_reasons
from flows.engines.worker import ready_for
from flows.model_limits import gated, gates_of, most_batches, shared_out
from flows.models import for_workers, fresh, resolve, serving
from flows.place import Place
from flows.progress import Tally
from flows.requests import RolloutRequest
from flows.routing import routed
from flows.shared import share, shared_drain, shared_gates, shared_slots, shared_tally
from flows.showing import shown_on_server
from flows.slots import Slots
from flows.terminated import Terminated
from tasks.suite import Suite, open_suite, prepare_suite
from trajectories.errors import CorruptBlob
from trajectories.store import PassRate, Store


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
    retry_condition_fn=has_other_reasons,
    persist_result=True,
)
def rollout_batch(
    work: Work,
    request: RolloutRequest,
    place: Place,
    models: Mapping[str, ModelConfig],
    jobs: int,
    part: str,
    notice: Notice | None = None,
) -> list[str]:
    """One batch; returns the ids of the rollouts that it wrote. A retry repeats only those not written.

    `notice`: on a cluster, where the batch looks whether its run is to end.
    """
    with heeded(notice, place.cluster()) if notice else nullcontext(shared_drain()) as drain:
        if place.cluster().is_local:
            suite = open_suite(request.suite, cache=place.cache)
        else:
            tasks = {key.task_id for key, _ in work}
            suite = ready_for(place, request.suite, work[0][0].suite_hash, tasks, has_store=True)
        return _batch_here(work, request, place, suite, models, jobs, part, drain)


def _batch_here(
    work: Work,
    request: RolloutRequest,
    place: Place,
    suite: Suite,
    models: Mapping[str, ModelConfig],
    jobs: int,
    part: str,
    drain: Drain,
) -> list[str]:
    with place.open_store() as store:
        written = store.finished(key for key, _ in work)
    left = [item for item in work if item[0].id not in written]
    tally, slots = shared_tally(len(left)), shared_slots()
    slot = concurrency(place.batch_limit, occupy=1) if place.batch_limit else nullcontext()
    with slot:
        return asyncio.run(
            run_batch(
                left,
                suite=suite,
                place=place,
                models=gated(models, shared_gates(), place.model_limits),
                jobs=place.jobs if slots else jobs,
                slots=slots,
                rank=int(part.split()[0]),
                tools_file=request.tools,
                drain=drain,
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
    with place.open_store(is_first=True) as store:
        register(suite, store)
        keys = routed(keys, suite, place, store)
        finished = store.finished(key for key, _ in keys)
    left = [(key, agent) for key, agent in keys if key.id not in finished]
    tally = Tally("rollout", total=len(keys), done=len(finished))
    with shown_on_server(tally, key="rollouts"), serving({key.model for key, _ in left}) as endpoints:
        models = {key.model: resolve(key.model, endpoints) for key, _ in left if key.model}
        if place.cluster().is_local:
            _in_threads(left, request, place, models, tally)
        elif left:
            _on_cluster(left, request, place, models, tally)

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


def _in_threads(
    left: Work, request: RolloutRequest, place: Place, models: Mapping[str, ModelConfig], tally: Tally
) -> None:
    """Batches in threads of this process, which share its slots."""
    drain = place.drain()
    share(tally, Slots(place.jobs), drain, gates_of(place.model_limits))
    parts = list(split(len(left), place.jobs))
    jobs = -(-place.jobs // min(BATCHES_AT_ONCE, place.jobs))
    futures: list[PrefectFuture[list[str]]] = []
    with drain.guarding("rollouts", lambda seconds: wait(futures, timeout=seconds)):
        for number, part in enumerate(parts, start=1):
            name = f"{number} of {len(parts)}"
            futures.append(rollout_batch.submit(left[part], request, place, fresh(models), jobs, name))
        for future in futures:
            future.result()


def _on_cluster(
    left: Work, request: RolloutRequest, place: Place, models: Mapping[str, ModelConfig], tally: Tally
) -> None:
    """Batches as task runs on the engine's workers; what is done is seen in the store."""
    from flows.engines.cluster import connected, results

    engine, place = place.cluster(), place.absolute()
    request = request.model_copy(
        update={"suite": request.suite.resolve(), "tools": request.tools.resolve() if request.tools else None}
    )
    models = for_workers(models, engine)
    if place.blobs and "://" not in place.blobs:
        Path(place.blobs).mkdir(parents=True, exist_ok=True)  # a worker that does not see it then says so
    # Its results are in the store; Prefect's own would lie in a folder of whichever machine wrote them.
    batch = rollout_batch.with_options(persist_result=False)
    waiting = {key.id for key, _ in left}
    drain, is_left = place.drain(), threading.Event()
    with place.open_store() as store, connected(engine, jobs=place.jobs) as cluster:

        def look() -> None:
            """Count what has come since the last look; an unknown outcome may be one of an earlier run."""
            if is_left.is_set():
                raise Terminated
            for rollout_id, outcome in outcomes_in(store, waiting):
                if outcome != "unknown":
                    waiting.discard(rollout_id)
                    tally.add(outcome)

        def work() -> None:
            at_once = most_batches(models, place.model_limits, cluster.slots)
            given: dict[str, Any] = {
                "request": request,
                "place": place,
                "models": shared_out(models, place.model_limits, at_once),
                "jobs": cluster.jobs,
                "notice": cluster.notice(),
            }
            parts = list(split(len(left), place.jobs, slots=(cluster.slots, cluster.jobs)))
            if at_once < cluster.slots:  # so many batches in all: no more of them can run at a time
                parts = list(evenly(len(left), at_once))
            futures = [
                cluster.submit(batch, work=left[part], part=f"{number} of {len(parts)}", **given)
                for number, part in enumerate(parts, start=1)
            ]
            for ids in results(futures, engine, poll=look):
                _see_body_of(ids[-1:], store, place)

        def end(working: "Future[None]", seconds: float) -> None:
            cluster.give_notice(drain.grace_sec)
            wait_for_futures([working], timeout=seconds)
            is_left.set()

        drain.apart("rollouts", work, end=end)
        for _, outcome in outcomes_in(store, waiting):
            tally.add(outcome)


def _see_body_of(rollout_ids: list[str], store: Store, place: Place) -> None:
    """Raises WorkerFault where a worker wrote rows here and bodies elsewhere: into its own disk, say."""
    for rollout_id in rollout_ids:
        try:
            store.load(rollout_id)
        except CorruptBlob as error:
            raise WorkerFault(
                f"a worker wrote the body of rollout {rollout_id} where this machine does not see it ({error}): is "
                f"{place.blobs or place.store} the same folder or bucket on every machine? When it is, "
                "`gristmill store fsck --repair` takes such rollouts out, and the same command does them again"
            ) from error
