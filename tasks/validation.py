"""From candidate to task: the clean code passes, the changed code fails, the reference mends it, nothing else does.

Screening runs the tests that the change can matter to, once, in a fork of a process that has all of them imported;
what survives there is no task. Confirmation, in a fresh sandbox and in processes that import all anew, runs what
failed: once more with the bug, in random order, and twice without it. What passed with the bug rests on the screening
run and on the repository's clean runs. A candidate with a reference or hidden tests of its own is decided by all tests,
on both sides, twice.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType

from environments.errors import EnvironmentFault
from environments.sandbox import Backend
from tasks._batches import State, given_state, run_each, run_of, solved_state, time_for
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
from tasks.selection import Selection, select_tests
from tasks.testrun import VENV, TestReport, TestRun

CONFIRMED_TOGETHER = 32
_TRIES = 2  # of a candidate whose sandbox was lost, each time alone


@dataclass(eq=False)
class _Item:
    candidate: Candidate
    selection: Selection
    decided: "asyncio.Future[Decision | None]"
    failed: tuple[str, ...] = ()  # when it was screened
    passed: frozenset[str] = frozenset()
    tries: int = 0
    is_only_screened: bool = False


class Validator:
    """Decides about candidates by `jobs` workers, each with a sandbox that stays up and at times a fresh one.

    Use as an async context: `async with Validator(...) as validator: await validator.decide(candidate)`.
    """

    def __init__(self, repository: Repository, backend: Backend, *, jobs: int = 1) -> None:
        self._repository = repository
        self._backend = backend
        self._jobs = jobs
        self._screening: deque[_Item] = deque()
        self._confirming: deque[_Item] = deque()
        self._comparing: deque[_Item] = deque()
        self._there_is_work = asyncio.Condition()
        self._looking = asyncio.Lock()
        self._workers: list[asyncio.Task[None]] = []
        self._is_closing = False
        self._killers = Killers()
        self._place_of = {test: at for at, test in enumerate(repository.stable_tests)}

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
            item = _Item(candidate, selection, asyncio.get_running_loop().create_future(),
                         is_only_screened=is_only_screened)  # fmt: skip
            await self._put(self._screening if candidate.is_bug else self._comparing, item)
        return await item.decided

    async def _put(self, queue: deque[_Item], *items: _Item) -> None:
        async with self._there_is_work:
            queue.extend(items)
            self._there_is_work.notify_all()

    async def _work(self) -> None:
        spec = self._repository.verifier_spec()
        async with TestServer(spec, self._backend, python=f"{VENV}/bin/python") as server:
            while not self._is_closing:
                async with self._there_is_work:
                    await self._there_is_work.wait_for(lambda: self._screening or self._confirming or self._comparing)
                if len(self._confirming) >= CONFIRMED_TOGETHER or (self._confirming and not self._screening):
                    await self._attempt(self._confirm, self._confirming, CONFIRMED_TOGETHER)
                elif self._screening:
                    await self._attempt(lambda items: self._screen(items[0], server), self._screening, 1)
                elif self._comparing:
                    await self._attempt(self._compare, self._comparing, 1)

    async def _attempt(self, act: Callable[[list[_Item]], Awaitable[None]], queue: deque[_Item], most: int) -> None:
        """Take this worker's share of a queue and do it. Whoever has been tried before goes alone."""
        share = 1 if queue[0].tries else min(most, -(-len(queue) // self._jobs))
        items = [queue.popleft()]
        while queue and len(items) < share and not queue[0].tries:
            items.append(queue.popleft())
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

    async def _screen(self, item: _Item, server: TestServer) -> None:
        run = self._run_to_screen(item)
        report = await server.run(run, timeout_sec=time_for([run], self._repository))
        if not report.is_complete and not report.timed_out and not item.tries:
            item.tries = 1  # it ended all; or those before it in the same sandbox did, by what they have left there
            await self._put(self._screening, item)
        elif (refusal := refuse_run(item.candidate, report, self._repository, passing="survived")) is not None:
            _settle(item, refusal)
        elif item.is_only_screened:
            self._killers.note(item.candidate, next(each.node_id for each in report.results if is_failure(each)))
            _settle(item, None)
        else:
            item.failed = tuple(each.node_id for each in report.results if is_failure(each))
            item.passed = frozenset(each.node_id for each in report.results if each.outcome == "passed")
            item.tries = 0
            await self._put(self._confirming, item)

    def _run_to_screen(self, item: _Item) -> TestRun:
        """All that it can matter to: what fails is what confirmation needs."""
        tests = item.selection.affected
        return run_of(
            given_state(item.candidate),
            self._killers.first(item.candidate, tests) if item.is_only_screened else tests,
            self._repository,
            is_warm=item.selection.is_warm,
            is_lean=True,
            most_failures=most_failing(item.candidate, self._repository),
            stops_without_end=True,
            stops_at_first_failure=item.is_only_screened,
        )

    async def _confirm(self, items: list[_Item]) -> None:
        """In one fresh sandbox: off the bugs, on each, off again in another order. Only what failed."""
        tests = tuple(dict.fromkeys(test for item in items for test in item.failed))
        off = run_of(State({}), tests, self._repository)
        on = [self._with_bug(item, item.failed, random_order_seed=1) for item in items]
        again = run_of(State({}), tests, self._repository, random_order_seed=2)
        reports = await run_each([off, *on, again], self._repository, self._backend, has_tracebacks=True)
        with_bugs = reports[1 : 1 + len(on)]
        if len(reports) < len(on) + 2 or not (reports[0].is_complete and reports[-1].is_complete):
            endless = [item for item, report in zip(items, with_bugs, strict=False) if not report.is_complete]
            if not endless:
                raise VerifierFault("a run of the clean code did not end")
            if len(items) == 1:
                _settle(items[0], rejected(items[0].candidate, "ends the process", "not when screened, only then"))
                return
            for item in endless:
                item.tries += 1  # it goes on alone, and the others together
            await self._put(self._confirming, *items)
            return
        for item, report in zip(items, with_bugs, strict=True):
            _settle(item, await self._confirmed(item, report, (reports[0], reports[-1])))

    def _with_bug(self, item: _Item, tests: Sequence[str], *, random_order_seed: int | None = None) -> TestRun:
        return run_of(
            given_state(item.candidate),
            tests,
            self._repository,
            most_failures=len(tests),  # all of them, but not each with a long traceback
            stops_without_end=True,
            random_order_seed=random_order_seed,
        )

    async def _confirmed(self, item: _Item, report: TestReport, off: tuple[TestReport, TestReport]) -> Decision:
        candidate, selection = item.candidate, item.selection
        steady = {test for test in item.failed if all(each.outcome(test) == "passed" for each in off)}
        failing = [each for each in report.results if each.node_id in steady and is_failure(each)]
        if report.is_complete and steady and len(failing) < len(item.failed) and len(item.failed) > 1:
            tests = [each.node_id for each in failing] or [test for test in item.failed if test in steady]
            report = await self._as_verified(item, tests)
            failing = [each for each in report.results if is_failure(each)]
        if (refusal := refuse_run(candidate, report, self._repository)) is not None:
            return refusal
        if not failing:
            return rejected(candidate, "flaky", "no test failed in both runs with the bug and passed in both without")
        unsure = set(selection.affected) - item.passed
        failing.sort(key=lambda each: self._place_of[each.node_id])
        explained = sorted(failing, key=lambda each: "\nE " not in f"\n{each.longrepr}")
        return Validated(
            candidate,
            fail_to_pass=tuple(each.node_id for each in failing),
            pass_to_pass=tuple(test for test in selection.reaching if test not in unsure),
            failures=tuple(explained),
            reference=reference_of(candidate, clean_files(candidate, self._repository)),
        )

    async def _as_verified(self, item: _Item, tests: Sequence[str]) -> TestReport:
        """Where whether a test fails may depend on what others have left: these alone, in file order, twice.

        That is how a verifier runs them first. The last report; one without failures where not all fail both times.
        """
        run = self._with_bug(item, sorted(tests, key=self._place_of.__getitem__))
        reports = await run_each([run, run], self._repository, self._backend, has_tracebacks=True)
        if len(reports) < 2:
            return TestReport(is_complete=False)
        for report in reports:
            if report.is_complete and not all(report.outcome(test) in ("failed", "error") for test in tests):
                return TestReport(is_complete=True)
        return reports[-1]

    async def _compare(self, items: list[_Item]) -> None:
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
        _settle(items[0], compared(candidate, reference, [*first, *second], repository))


def _settle(item: _Item, decision: Decision | None) -> None:
    if not item.decided.done():  # the asker may have gone
        item.decided.set_result(decision)


async def validate_candidate(candidate: Candidate, repository: Repository, backend: Backend) -> Decision:
    """One candidate by itself. Raises VerifierFault and EnvironmentFault."""
    async with Validator(repository, backend) as validator:
        return await validator.decide(candidate)
