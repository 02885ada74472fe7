"""From candidate to task: the clean code passes, the changed code fails, the reference mends it, nothing else does.

Screening runs the tests that the change can matter to, once, in a fork of a process that has all of them imported;
what survives there is no task. Confirmation, in a fresh sandbox and in processes that import all anew, runs what
failed: once more with the bug, in random order, and twice without it. What passed with the bug rests on the screening
run and on the repository's clean runs. A candidate with a reference or hidden tests of its own is decided by all tests,
on both sides, twice.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import islice
from types import TracebackType

from environments.errors import EnvironmentFault
from environments.sandbox import Backend
from tasks._batches import given_state, run_each, run_of, solved_state, time_for
from tasks._confirmation import CONFIRMED_TOGETHER, Clean, Confirmation, Item, MustGoAlone
from tasks._imports import Imports
from tasks._killers import Killers
from tasks._test_server import TestServer
from tasks.candidate import Candidate, Rejection
from tasks.decisions import (
    Decision,
    Validated,
    clean_files,
    compared,
    is_failure,
    is_timeout,
    most_failing,
    reference_of,
    refuse_cheaply,
    refuse_run,
    rejected,
)
from tasks.errors import VerifierFault
from tasks.paths import is_test_file
from tasks.repository import Repository
from tasks.selection import select_tests
from tasks.testrun import VENV, TestRun

WORTH_A_LOOK_SEC = 0.5  # of tests: as long as it takes to see what an import makes
WORTH_A_SANDBOX = 3  # bugs: to confirm so many takes as long as to start one
_TRIES = 2  # of a candidate whose sandbox was lost, each time alone


class Validator:
    """Decides about candidates by `jobs` workers, each with a sandbox that stays up and at times a fresh one.

    Use as an async context: `async with Validator(...) as validator: await validator.decide(candidate)`.
    """

    def __init__(self, repository: Repository, backend: Backend, *, jobs: int = 1) -> None:
        self._repository = repository
        self._backend = backend
        self._jobs = jobs
        self._screening: deque[Item] = deque()
        self._confirming: deque[Item] = deque()
        self._comparing: deque[Item] = deque()
        self._there_is_work = asyncio.Condition()
        self._looking = asyncio.Lock()
        self._workers: list[asyncio.Task[None]] = []
        self._is_closing = False
        self._killers = Killers(repository.clean_seconds)
        self._clean = Clean()
        self._import_time = Imports(repository)
        self._confirmers = self._being_screened = 0
        self._stdlib: tuple[str, ...] = ()  # modules of it that the tests import

    async def __aenter__(self) -> "Validator":
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._jobs)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closing = True
        pending = set(self._workers)
        while pending:  # a sandbox that is lost as it is given up tells that, and the worker has not heard of its end
            for worker in pending:
                worker.cancel()
            _, pending = await asyncio.wait(pending, timeout=1.0)
        for worker in self._workers:
            if not worker.cancelled():
                worker.exception()  # nobody waits for what it did any more

    async def decide(self, candidate: Candidate) -> Decision:
        """Raises VerifierFault and EnvironmentFault where the infrastructure fails: nothing is decided then."""
        decision = await self._queued(candidate)
        assert decision is not None
        return decision

    async def screen(self, candidate: Candidate) -> Rejection | None:
        """Why a bug is not worth confirming, None if it is: at its first failing test, the likely ones first.

        Sooner than `decide`, which needs to know all that fail. Raises as `decide` does.
        """
        decision = await self._queued(candidate, is_only_screened=True)
        assert not isinstance(decision, Validated)
        return decision

    async def _queued(self, candidate: Candidate, *, is_only_screened: bool = False) -> Decision | None:
        async with self._looking:  # one at a time, or those asked for together would all be looked at before one runs
            if (refusal := refuse_cheaply(candidate, clean_files(candidate, self._repository))) is not None:
                return refusal
            selection = select_tests(candidate, self._repository)
            if candidate.is_bug and not selection.affected:
                return rejected(candidate, "no test reaches it")
            item = Item(candidate, selection, asyncio.get_running_loop().create_future(),
                         is_only_screened=is_only_screened)  # fmt: skip
            await self._put(self._screening if candidate.is_bug else self._comparing, item)
        return await item.decided

    async def _put(self, queue: deque[Item], *items: Item) -> None:
        async with self._there_is_work:
            queue.extend(items)
            self._there_is_work.notify_all()

    async def _work(self) -> None:
        spec = self._repository.verifier_spec()
        async with TestServer(spec, self._backend, python=f"{VENV}/bin/python") as server:

            async def screen(items: list[Item]) -> None:
                await self._screen(items[0], server)

            while not self._is_closing:
                async with self._there_is_work:
                    await self._there_is_work.wait_for(
                        lambda: self._screening or self._comparing or self._is_time_to_confirm()
                    )
                if self._is_time_to_confirm():
                    self._confirmers += 1
                    await self._attempt(self._confirm, self._confirming)
                    self._confirmers -= 1
                elif self._screening:
                    self._being_screened += 1
                    await self._attempt(screen, self._screening)
                    self._being_screened -= 1
                    await self._put(self._confirming)  # somebody may wait for what came of it
                elif self._comparing:
                    await self._attempt(self._compare, self._comparing)

    def _is_time_to_confirm(self) -> bool:
        """Enough to fill one more sandbox, or nothing else to do and nobody at it who will have done it as soon."""
        waiting = len(self._confirming)
        if waiting >= CONFIRMED_TOGETHER * (1 + self._confirmers):
            return True
        return waiting > (WORTH_A_SANDBOX if self._confirmers else 0) and not self._screening

    async def _attempt(self, act: Callable[[list[Item]], Awaitable[None]], queue: deque[Item]) -> None:
        """The first of a queue; `act` may take more, and adds them to its list."""
        items = [queue.popleft()]
        try:
            await act(items)
        except (VerifierFault, EnvironmentFault) as fault:
            undone = [item for item in items if not item.decided.done() and item not in queue]
            again = [item for item in undone if item.tries < _TRIES]
            for item in undone:
                if item not in again:
                    item.decided.set_exception(fault)
                item.tries += 1
            await self._put(queue, *again)
        except Exception as error:  # noqa: BLE001  whoever waits for a decision must hear of it
            for item in items:
                if not item.decided.done():
                    item.decided.set_exception(error)

    # -- the three ways to decide

    async def _screen(self, item: Item, server: TestServer) -> None:
        await self._narrow(item, server)
        if not item.selection.affected:
            item.settle(rejected(item.candidate, "survived", "the import leaves the same code"))
            return
        run = self._run_to_screen(item)
        report = await server.run(run, timeout_sec=time_for([run], self._repository))
        self._stdlib = self._stdlib or server.stdlib
        if not report.is_complete and not report.timed_out and not item.tries:
            item.tries = 1  # it ended all; or those before it in the same sandbox did, by what they have left there
            await self._put(self._screening, item)
        elif (refusal := refuse_run(item.candidate, report, self._repository, passing="survived")) is not None:
            item.settle(refusal)
        elif item.is_only_screened:
            self._killers.note(item.candidate, next(each.node_id for each in report.results if is_failure(each)))
            item.settle(None)
        else:
            item.failed = tuple(each.node_id for each in report.results if is_failure(each))
            item.passed = frozenset(each.node_id for each in report.results if each.outcome == "passed")
            item.tries = 0
            await self._put(self._confirming, item)

    async def _narrow(self, item: Item, server: TestServer) -> None:
        """Where an import has run the edited code, and many tests would be run in case they notice: look whether any
        could.
        """
        selection = item.selection
        seconds = sum(self._repository.clean_seconds.get(test, 0.0) for test in selection.affected)
        if selection.is_guessed and seconds > WORTH_A_LOOK_SEC:
            change = await self._import_time.changed_by(item.candidate, server)
            if change is not None:
                item.selection = select_tests(item.candidate, self._repository, change)

    def _run_to_screen(self, item: Item) -> TestRun:
        """All that it can matter to: what fails is what confirmation needs."""
        tests = item.selection.affected
        return run_of(
            given_state(item.candidate),
            self._killers.first(item.candidate, tests, item.selection.near) if item.is_only_screened else tests,
            self._repository,
            is_warm=item.selection.is_warm,
            is_lean=True,
            most_failures=most_failing(item.candidate, self._repository),
            stops_without_end=True,
            stops_at_first_failure=item.is_only_screened,
        )

    async def _confirm(self, items: list[Item]) -> None:
        """In one fresh sandbox, more of them as long as there are any: whoever is free takes the next one."""
        async with Confirmation(self._repository, self._backend, self._clean, stdlib=self._stdlib) as confirmation:
            is_alone = items[0].tries > 0
            waiting = () if is_alone else islice(self._confirming, CONFIRMED_TOGETHER)
            await confirmation.see_clean([test for item in (*items, *waiting) for test in item.failed])
            try:
                await confirmation.see(items[0], is_alone=is_alone)
                while len(items) < CONFIRMED_TOGETHER and not is_alone and (item := await self._next_to_confirm()):
                    items.append(item)
                    await confirmation.see(item, is_alone=False)
            except MustGoAlone as lost:
                lost.item.tries += 1  # the others again together
                await self._put(self._confirming, *items)
                return
            alone = await confirmation.decide()
            for item in alone:
                item.tries += 1
            await self._put(self._confirming, *alone)

    async def _next_to_confirm(self) -> Item | None:
        """None where this sandbox has seen enough: nothing will come soon, or what comes goes alone."""
        async with self._there_is_work:
            await self._there_is_work.wait_for(
                lambda: self._confirming or self._screening or self._comparing or not self._being_screened
            )
            if self._confirming and not self._confirming[0].tries:
                return self._confirming.popleft()
            return None

    async def _compare(self, items: list[Item]) -> None:
        """A candidate with a reference or tests of its own: all tests, as it is given and solved, twice."""
        candidate, repository = items[0].candidate, self._repository
        reference = candidate.reference or reference_of(candidate, clean_files(candidate, repository))
        whole = candidate.model_copy(update={"reference": reference})
        own = [path for path in candidate.hidden if is_test_file(path) and not path.endswith("conftest.py")]
        tests = [*repository.stable_tests, *own]
        given, solved = given_state(whole), solved_state(whole)
        runs = [run_of(given, tests, repository), run_of(solved, tests, repository)]
        first = await run_each(runs, repository, self._backend, has_tracebacks=True)
        runs = [run_of(state, tests, repository, random_order_seed=1) for state in (solved, given)]
        is_decided = len(first) < len(runs) or any(is_timeout(each) for report in first for each in report.results)
        second = [] if is_decided else await run_each(runs, repository, self._backend)
        items[0].settle(compared(candidate, reference, [*first, *second], repository))


async def validate_candidate(candidate: Candidate, repository: Repository, backend: Backend) -> Decision:
    """One candidate by itself. Raises VerifierFault and EnvironmentFault."""
    async with Validator(repository, backend) as validator:
        return await validator.decide(candidate)
