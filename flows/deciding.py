"""Candidates decided on a cluster: gathered into batches that are task runs, each with a warm validator on its worker.

`tasks.generate` asks for one candidate at a time, up to 128 side by side, and takes the answers in its own order: so
who decides, and where, changes no byte of the suite.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import prefect

from flows.engines.cluster import Cluster, result_of
from flows.engines.retrying import has_other_reasons
from flows.engines.worker import fault_here, repository_here
from flows.place import Place
from tasks.candidate import Candidate
from tasks.decided import Decision, kept
from tasks.repository import Repository
from tasks.validation import Validator

QUIET_SEC = 0.1  # so long a batch waits for more candidates
LEAST_IN_A_BATCH = 4  # a validator imports the package and its tests first: no batch for one candidate, if it can be
MOST_IN_A_BATCH = 16  # of at most 128 on their way: larger ones would leave most of a cluster idle
MOST_WAITING = 64  # threads that wait for batches


@prefect.task(
    name="candidates",
    task_run_name="candidates {part}",
    retries=2,
    retry_delay_seconds=[2, 10],
    retry_condition_fn=has_other_reasons,
)
def decide_batch(
    candidates: Sequence[Candidate], spec: str, source_hash: str, tests_hash: str, place: Place, jobs: int, part: str
) -> list[Decision]:
    """Decide about some candidates on a worker, which makes source and environment in its cache if they are not there.

    Raises VerifierFault and EnvironmentFault where the infrastructure fails, WorkerFault.
    """
    return asyncio.run(_decide(candidates, spec, source_hash, tests_hash, place, jobs))


async def _decide(
    candidates: Sequence[Candidate], spec: str, source_hash: str, tests_hash: str, place: Place, jobs: int
) -> list[Decision]:
    backend = place.open_backend()
    await backend.sweep()
    repository = await repository_here(spec, source_hash, backend, place)
    check_tests(repository, tests_hash)
    async with Validator(repository, backend, jobs=jobs) as validator:
        return [kept(each) for each in await asyncio.gather(*(validator.decide(each) for each in candidates))]


def hash_of_tests(repository: Repository) -> str:
    return sha256("\n".join(repository.stable_tests).encode()).hexdigest()


def check_tests(repository: Repository, tests_hash: str) -> None:
    """Raises WorkerFault: decisions by other tests would make another suite."""
    if hash_of_tests(repository) != tests_hash:
        raise fault_here(
            "sees other tests pass on the clean source than the machine that generates; let both use one cache "
            "(GRISTMILL_CACHE on a shared folder)"
        )


class DecidedOnCluster:
    """Use as an async context around `generate(…, decide=this.decide)`."""

    def __init__(self, cluster: Cluster, repository: Repository, place: Place) -> None:
        folder = Path(repository.source.spec).expanduser()
        self._given: dict[str, Any] = {
            "spec": str(folder.absolute()) if folder.is_dir() else repository.source.spec,
            "source_hash": repository.source.hash,
            "tests_hash": hash_of_tests(repository),
            "place": place.absolute(),
            "jobs": cluster.jobs,
        }
        self._cluster = cluster
        self._coming: list[tuple[Candidate, asyncio.Future[Decision]]] = []
        self._batches: set[asyncio.Task[None]] = set()
        self._count = 0
        self._threads = ThreadPoolExecutor(MOST_WAITING, thread_name_prefix="candidates")
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What is still on its way is not waited for: nobody needs it any more. No thread asks it after."""
        self._is_closed = True
        for batch in self._batches:
            batch.cancel()
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)

    async def decide(self, candidate: Candidate) -> Decision:
        """Raises what its batch raised, BatchesLost."""
        loop = asyncio.get_running_loop()
        decided: asyncio.Future[Decision] = loop.create_future()
        if not self._coming:
            loop.call_later(QUIET_SEC, self._send)
        self._coming.append((candidate, decided))
        return await decided

    def _send(self) -> None:
        items = [item for item in self._coming if not item[1].done()]
        self._coming.clear()
        share = -(-len(items) // self._cluster.slots)
        size = min(MOST_IN_A_BATCH, max(LEAST_IN_A_BATCH, share))
        for start in range(0, len(items), size):
            batch = asyncio.create_task(self._run(items[start : start + size]))
            self._batches.add(batch)
            batch.add_done_callback(self._batches.discard)

    async def _run(self, items: list[tuple[Candidate, "asyncio.Future[Decision]"]]) -> None:
        self._count += 1
        candidates, part = [candidate for candidate, _ in items], str(self._count)
        run = copy_context().run  # the flow run, which the task run belongs to
        waiting = asyncio.get_running_loop().run_in_executor(self._threads, run, self._decided, candidates, part)
        try:
            for (_, decided), decision in zip(items, await waiting, strict=True):
                if not decided.done():
                    decided.set_result(decision)
        except Exception as error:  # noqa: BLE001  whoever waits for a decision must hear of it
            for _, decided in items:
                if not decided.done():
                    decided.set_exception(error)

    def _decided(self, candidates: list[Candidate], part: str) -> list[Decision]:
        future = self._cluster.submit(decide_batch, candidates=candidates, part=part, **self._given)
        decisions: list[Decision] = result_of(future, self._cluster.engine, poll=self._stop_if_closed)
        return decisions

    def _stop_if_closed(self) -> None:
        if self._is_closed:
            raise InterruptedError("nobody waits for it any more")
