"""From candidate to task: the clean code passes, the changed code fails, the reference mends it, nothing else does.

Many candidates at once. Screening runs the tests that the change can matter to, in forks of a process that has all of
them imported, and stops at the first failure; what survives there is no task. What fails is confirmed in fresh
sandboxes with all these tests, on and off the bug, twice: in processes that import all anew, and in random order.
A candidate with a reference or hidden tests of its own is decided by all tests, on both sides, twice.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType

from environments.diff import Diff, FileChange
from environments.errors import EnvironmentFault
from environments.sandbox import Backend
from tasks._batches import State, given_state, run_each, run_of, solved_state
from tasks._program import compiled, is_same_program
from tasks.candidate import Candidate, Rejection
from tasks.errors import VerifierFault
from tasks.paths import is_test_file
from tasks.repository import Repository
from tasks.selection import Selection, select_tests
from tasks.testrun import TestReport, TestResult

MOST_FAILING_SHARE = 0.5  # of all the repository's tests; above, a bug is too coarse to be worth finding
MOST_FAILING = 20  # which a bug of a small repository may have all the same
SCREENED_TOGETHER = 64
CONFIRMED_TOGETHER = 32
_TRIES = 2  # of a candidate whose sandbox was lost, each time alone


@dataclass(frozen=True)
class Validated:
    """A candidate that is a task: what its tests do, and what a person would see of it."""

    candidate: Candidate
    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...]
    failures: tuple[TestResult, ...]
    reference: Diff


Decision = Validated | Rejection


@dataclass(eq=False)
class _Item:
    candidate: Candidate
    selection: Selection
    decided: "asyncio.Future[Decision]"
    tries: int = 0


class Validator:
    """Decides about candidates, as many as are waiting together, `jobs` sandboxes at a time.

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
        self._workers: list[asyncio.Task[None]] = []
        self._is_closing = False
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
        if (refusal := refuse_cheaply(candidate, clean_files(candidate, self._repository))) is not None:
            return refusal
        selection = select_tests(candidate, self._repository)
        if candidate.is_bug and not selection.affected:
            return rejected(candidate, "no test reaches it")
        item = _Item(candidate, selection, asyncio.get_running_loop().create_future())
        await self._put(self._screening if candidate.is_bug else self._comparing, item)
        return await item.decided

    async def _put(self, queue: deque[_Item], *items: _Item) -> None:
        async with self._there_is_work:
            queue.extend(items)
            self._there_is_work.notify_all()

    async def _work(self) -> None:
        while not self._is_closing:
            async with self._there_is_work:
                await self._there_is_work.wait_for(lambda: self._screening or self._confirming or self._comparing)
            await asyncio.sleep(0.01)  # those who ask at the same time go together
            if len(self._confirming) >= CONFIRMED_TOGETHER or (self._confirming and not self._screening):
                await self._attempt(self._confirm, self._confirming, CONFIRMED_TOGETHER)
            elif self._screening:
                await self._attempt(self._screen, self._screening, SCREENED_TOGETHER)
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

    async def _screen(self, items: list[_Item]) -> None:
        runs = [
            run_of(
                given_state(item.candidate),
                item.selection.affected,
                self._repository,
                is_warm=item.selection.is_warm,
                stop_at_first_failure=True,
            )
            for item in items
        ]
        reports = await run_each(runs, self._repository, self._backend, is_warm=True)
        for item, report in zip(items, reports, strict=False):
            if item is not items[len(reports) - 1] or report.is_complete or len(items) == 1:
                if (refusal := refuse_screened(item.candidate, report)) is not None:
                    _settle(item, refusal)
                else:
                    await self._put(self._confirming, item)
                item.tries = 0
        await self._put_back(self._screening, items, reports)

    async def _confirm(self, items: list[_Item]) -> None:
        """Off the bugs, on each, in one sandbox, imported anew; on each and off, in random order, in a second one."""
        repository, backend = self._repository, self._backend
        off = run_of(State({}), _union(items), repository)
        on = [
            run_of(
                given_state(item.candidate),
                item.selection.affected,
                repository,
                most_failures=most_failing(item.candidate, repository),
            )
            for item in items
        ]
        first = await run_each([off, *on], repository, backend, has_tracebacks=True)
        pending: list[tuple[_Item, TestReport]] = []
        for item, report in zip(items, first[1:], strict=False):
            if report.is_complete or len(items) == 1:
                if (refusal := refuse_run(item.candidate, report, repository)) is not None:
                    _settle(item, refusal)
                else:
                    pending.append((item, report))
        await self._put_back(self._confirming, items, first[1:])
        if not pending:
            return
        on = [
            run_of(
                given_state(item.candidate),
                item.selection.affected,
                repository,
                is_warm=item.selection.is_warm,
                most_failures=most_failing(item.candidate, repository),
                random_order_seed=1,
            )
            for item, _ in reversed(pending)
        ]
        tests = _union([item for item, _ in pending])
        off = run_of(State({}), tests, repository, is_warm=True, random_order_seed=2)
        second = await run_each([*on, off], repository, backend, is_warm=True)
        if len(second) <= len(on) or not (first[0].is_complete and second[-1].is_complete):
            if len(items) > 1:
                raise VerifierFault("a run of the clean code did not end")
            _settle(items[0], rejected(items[0].candidate, "ends the process", "not in the first run, in the second"))
            return
        for (item, report), again in zip(pending, reversed(second[:-1]), strict=True):
            _settle(item, self._confirmed(item, report, again, (first[0], second[-1])))

    def _confirmed(
        self, item: _Item, report: TestReport, again: TestReport, off: tuple[TestReport, TestReport]
    ) -> Decision:
        candidate, selection = item.candidate, item.selection
        if (refusal := refuse_run(candidate, again, self._repository)) is not None:
            return refusal
        steady = {test for test in selection.affected if all(each.outcome(test) == "passed" for each in off)}
        failing = [
            each
            for each in report.results
            if each.node_id in steady and is_failure(each) and again.outcome(each.node_id) in ("failed", "error")
        ]
        if not failing:
            return rejected(candidate, "flaky", "no test failed in both runs with the bug and passed in both without")
        failed = {each.node_id for run in (report, again) for each in run.results if each.outcome != "passed"}
        unsure = failed | (set(selection.affected) - steady)
        return Validated(
            candidate,
            fail_to_pass=tuple(sorted((each.node_id for each in failing), key=self._place_of.__getitem__)),
            pass_to_pass=tuple(test for test in selection.reaching if test not in unsure),
            failures=tuple(failing),
            reference=reference_of(candidate, clean_files(candidate, self._repository)),
        )

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

    async def _put_back(self, queue: deque[_Item], items: Sequence[_Item], reports: Sequence[TestReport]) -> None:
        """The one whose run ended all, and those after it, go on alone and together."""
        if len(items) == 1 or (len(reports) == len(items) and all(report.is_complete for report in reports)):
            return
        undone = [item for at, item in enumerate(items) if at >= len(reports) or not reports[at].is_complete]
        for item, report in zip(items, reports, strict=False):
            if not report.is_complete:
                item.tries = 1
        await self._put(queue, *undone)


def _settle(item: _Item, decision: Decision) -> None:
    if not item.decided.done():  # the asker may have gone
        item.decided.set_result(decision)


def _union(items: Sequence[_Item]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(test for item in items for test in item.selection.affected))


async def validate_candidate(candidate: Candidate, repository: Repository, backend: Backend) -> Decision:
    """One candidate by itself. Raises VerifierFault and EnvironmentFault."""
    async with Validator(repository, backend) as validator:
        return await validator.decide(candidate)


def clean_files(candidate: Candidate, repository: Repository) -> dict[str, bytes | None]:
    """What the candidate's files are in the clean source; None where it has none of that path."""
    code = repository.source.code
    paths = [*candidate.files, *candidate.absent]
    return {path: (code / path).read_bytes() if (code / path).is_file() else None for path in paths}


def refuse_cheaply(candidate: Candidate, clean: Mapping[str, bytes | None]) -> Rejection | None:
    """What can be told from the text alone."""
    try:
        python = {path: data for path, data in candidate.files.items() if path.endswith(".py")}
        if (
            candidate.is_bug
            and not candidate.absent
            and python.keys() == candidate.files.keys()
            and all(is_same_program(clean[path] or b"", data) for path, data in python.items())
        ):
            return rejected(candidate, "same program")
        for data in python.values():
            compiled(data)
    except (SyntaxError, ValueError) as error:
        return rejected(candidate, "does not parse", str(error))
    return None


def refuse_screened(candidate: Candidate, report: TestReport) -> Rejection | None:
    """None if a test fails with the change."""
    if any(is_timeout(result) for result in report.results) or report.timed_out:
        return rejected(candidate, "timeout", "a test did not end in its time limit")
    if report.is_complete and not any(is_failure(result) for result in report.results):
        return rejected(candidate, "survived", f"{len(report.results)} tests run the change and pass")
    return None


def refuse_run(candidate: Candidate, report: TestReport, repository: Repository) -> Rejection | None:
    """What a confirming run says against it."""
    if report.timed_out or any(is_timeout(result) for result in report.results):
        return rejected(candidate, "timeout", "a test did not end in its time limit")
    if not report.is_complete or any(has_ended(result) for result in report.results):
        return rejected(candidate, "ends the process", report.output[-500:])
    failing = [result for result in report.results if is_failure(result)]
    if not failing:
        return rejected(candidate, "flaky", "failed when screened, passed when confirmed")
    if any("::" not in result.node_id for result in failing):
        return rejected(candidate, "breaks import", failing[0].longrepr[-500:])
    if len(failing) > most_failing(candidate, repository):
        return rejected(candidate, "too coarse", f"{len(failing)} tests fail")
    return None


def most_failing(candidate: Candidate, repository: Repository) -> int:
    """How many tests a bug may break. A function that is to be written may be one that all tests need."""
    if candidate.family == "synthesis":
        return len(repository.stable_tests)
    return max(MOST_FAILING, int(MOST_FAILING_SHARE * len(repository.stable_tests)))


def compared(candidate: Candidate, reference: Diff, reports: Sequence[TestReport], repository: Repository) -> Decision:
    """`reports`: as given, solved, solved again, as given again; fewer where a run ended all."""
    names = ("as it is given", "solved", "solved, in another order", "as it is given, in another order")
    for name, report in zip(names, reports, strict=False):
        if report.timed_out or any(is_timeout(result) for result in report.results):
            return rejected(candidate, "timeout", f"{name}: a test did not end in its time limit")
    if len(reports) < len(names) or not all(report.is_complete for report in reports):
        return rejected(candidate, "ends the process", reports[-1].output[-500:] if reports else "")
    given, solved, solved_again, given_again = reports
    passing = [each.node_id for each in solved.results if each.outcome == "passed"]
    passing = [test for test in passing if solved_again.outcome(test) == "passed"]
    held = set(passing)
    broken = [
        test for test in repository.stable_tests if test not in held and test.split("::")[0] not in candidate.hidden
    ]
    broken += [
        each.node_id
        for each in solved.results
        if each.node_id.split("::")[0] in candidate.hidden and each.outcome in ("failed", "error")
    ]
    if broken:
        said = next((each.longrepr for each in solved.results if each.node_id == broken[0]), "")
        return rejected(candidate, "reference fails", f"{', '.join(broken[:5])}\n{said[-1000:]}")
    fail_to_pass = [test for test in passing if "passed" not in (given.outcome(test), given_again.outcome(test))]
    if not fail_to_pass:
        return rejected(candidate, "survived", "every test passes before anything is done")
    both = [test for test in passing if given.outcome(test) == given_again.outcome(test) == "passed"]
    wanted = set(fail_to_pass)
    return Validated(
        candidate,
        fail_to_pass=tuple(fail_to_pass),
        pass_to_pass=tuple(both),
        failures=tuple(each for each in given.results if each.node_id in wanted and is_failure(each)),
        reference=reference,
    )


def reference_of(candidate: Candidate, clean: Mapping[str, bytes | None]) -> Diff:
    """The diff that takes the change back."""
    given = {path: candidate.files.get(path) for path in clean}
    return Diff(changes=tuple(FileChange(path=path, before=given[path], after=data)
                              for path, data in sorted(clean.items()) if given[path] != data))  # fmt: skip


def is_failure(result: TestResult) -> bool:
    return result.outcome in ("failed", "error")


def is_timeout(result: TestResult) -> bool:
    return result.outcome == "error" and result.longrepr.startswith("Timeout:")


def has_ended(result: TestResult) -> bool:
    return result.outcome == "error" and result.longrepr.startswith("The process ended")


def rejected(candidate: Candidate, reason: str, detail: str = "") -> Rejection:
    return Rejection(candidate_id=candidate.id, generator=candidate.generator, reason=reason, detail=detail)
