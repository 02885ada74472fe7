"""Confirmation: what failed when it was screened fails again in a clean sandbox, and passes there without the bug.

Each run is a process that imports all anew. One sandbox serves several bugs, so that its start and the runs of the
clean code are shared; what one bug leaves there, the clean code at the end shows.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from environments.sandbox import Backend
from tasks._batches import State, given_state, run_each, run_of, time_for
from tasks._test_server import TestServer
from tasks.candidate import Candidate
from tasks.decisions import (
    Decision,
    Validated,
    clean_files,
    is_failure,
    is_timeout,
    reference_of,
    refuse_run,
    rejected,
)
from tasks.errors import VerifierFault
from tasks.repository import Repository
from tasks.selection import Selection
from tasks.testrun import VENV, TestReport, TestResult, TestRun

CONFIRMED_TOGETHER = 32


@dataclass(eq=False)
class Item:
    """A candidate on its way."""

    candidate: Candidate
    selection: Selection
    decided: "asyncio.Future[Decision | None]"
    failed: tuple[str, ...] = ()  # when it was screened
    passed: frozenset[str] = frozenset()
    tries: int = 0
    is_only_screened: bool = False

    def settle(self, decision: Decision | None) -> None:
        if not self.decided.done():  # the asker may have gone
            self.decided.set_result(decision)


class MustGoAlone(Exception):
    """This item's run took the sandbox down, and with it what is known of the others."""

    def __init__(self, item: Item) -> None:
        super().__init__(item.candidate.id)
        self.item = item


class Clean:
    """What is the same for all candidates of a repository: which tests pass where no bug has run before."""

    def __init__(self) -> None:
        self.passes: dict[str, bool] = {}
        self.asked: set[str] = set()  # somebody runs them now


class Confirmation:
    """One fresh sandbox: the clean code, each bug as it comes (in random order), the clean code in another order.

    What `clean` remembers is not asked again. Only what failed when screened is run.
    """

    def __init__(self, repository: Repository, backend: Backend, clean: Clean, *, stdlib: Sequence[str] = ()) -> None:
        """`stdlib`: modules of it that the tests import."""
        self._repository = repository
        self._backend = backend
        self._clean = clean
        self._place_of = {test: at for at, test in enumerate(repository.stable_tests)}
        self._off: dict[str, bool] = {}  # in this sandbox, where bugs had run before; on top of what is remembered
        self._seen: list[tuple[Item, TestReport]] = []
        self._server = self._new_server(stdlib)

    def _new_server(self, stdlib: Sequence[str] = ()) -> TestServer:
        return TestServer(
            self._repository.verifier_spec(),
            self._backend,
            python=f"{VENV}/bin/python",
            warm=None,
            explains=True,
            stdlib=stdlib,
        )

    async def __aenter__(self) -> "Confirmation":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    async def see_clean(self, tests: Iterable[str], *, waits_for_others: bool = True) -> None:
        """What nobody has seen without a bug yet. Raises VerifierFault where it does not end."""
        known = {**self._clean.passes, **self._off, **(dict.fromkeys(self._clean.asked) if waits_for_others else {})}
        new = [test for test in dict.fromkeys(tests) if test not in known]
        if not new:
            return
        self._clean.asked.update(new)
        try:
            passing = await self._passing(_with(State({}), new, self._repository))
        finally:
            self._clean.asked.difference_update(new)
        self._off.update({test: test in passing for test in new})
        is_untouched = not self._seen
        self._clean.passes.update({test: test in passing for test in new if is_untouched or test in passing})

    async def see(self, item: Item, *, is_alone: bool) -> None:
        """Raises MustGoAlone; VerifierFault."""
        await self.see_clean(item.failed)
        report = await self._run(_with(given_state(item.candidate), item.failed, self._repository, random_order_seed=1))
        if not is_alone and (not report.is_complete or report.is_tampered):
            raise MustGoAlone(item)
        self._seen.append((item, report))

    async def decide(self) -> list[Item]:
        """Settles what it has seen, but for items that others may have disturbed: these, returned, must go alone."""
        tests = [test for item, report in self._seen if report.is_complete for test in item.failed]
        again = await self._passing(_with(State({}), list(dict.fromkeys(tests)), self._repository, random_order_seed=2))
        if self._server.starts > 1 and len(self._seen) > 1:
            raise VerifierFault("the sandbox was lost between two runs")
        alone: list[Item] = []
        for item, report in self._seen:
            steady = {test for test in item.failed if self._passes_clean(test) and test in again}
            if report.is_complete and len(self._seen) > 1 and not again.issuperset(item.failed):
                alone.append(item)
            else:
                item.settle(await self._decided(item, report, steady))
        return alone

    def _passes_clean(self, test: str) -> bool:
        return self._off.get(test, self._clean.passes.get(test, False))

    async def _run(self, run: TestRun, server: TestServer | None = None) -> TestReport:
        return await (server or self._server).run(run, timeout_sec=time_for([run], self._repository))

    async def _passing(self, run: TestRun) -> set[str]:
        """Of the clean code."""
        if not run.tests:
            return set()
        report = await self._run(run)
        if not report.is_complete:
            raise VerifierFault("a run of the clean code did not end")
        return {each.node_id for each in report.results if each.outcome == "passed"}

    async def _decided(self, item: Item, report: TestReport, steady: set[str]) -> Decision:
        candidate, selection = item.candidate, item.selection
        failing = [each for each in report.results if each.node_id in steady and is_failure(each)]
        if report.is_complete and steady and len(failing) < len(item.failed) and len(item.failed) > 1:
            tests = [each.node_id for each in failing] or [test for test in item.failed if test in steady]
            report = await self._as_verified(item, tests)
            failing = [each for each in report.results if is_failure(each)]
        run_first: tuple[str, ...] = ()
        if report.is_complete and not failing and steady and not any(map(is_timeout, report.results)):
            run_first, failing = await self._after_others(item, steady)
        if not run_first and (refusal := refuse_run(candidate, report, self._repository)) is not None:
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
            run_first=run_first,
        )

    async def _after_others(self, item: Item, steady: set[str]) -> tuple[tuple[str, ...], list[TestResult]]:
        """Tests that fail after others and not by themselves: what to run, in file order, and the failures there.

        So it is with a mutable default, which by nature some call makes wrong for those that come later. Here too
        nothing counts that does not come again: in that order the same tests must fail as when screened, twice, and
        also where all run that reach it; and without the bug all must pass, twice. Else nothing.
        """
        wanted = {test for test in item.failed if test in steady}
        tests = [test for test in item.selection.affected if test in wanted or test in item.passed]
        while tests and tests[-1] not in wanted:
            tests.pop()
        if len(tests) == len(wanted):
            return (), []
        given = given_state(item.candidate)
        bug, clean = (_with(state, tests, self._repository) for state in (given, State({})))
        whole = _with(given, item.selection.reaching, self._repository)
        answers = [(clean, set()), (bug, wanted), (clean, set()), (bug, wanted)]
        failed: list[TestResult] = []
        async with self._new_server() as server:  # the first answer that is another ends it
            for run, expected in answers:
                report = await self._run(run, server)
                failed = [each for each in report.results if is_failure(each)]
                if not report.is_complete or list(report.collected) != tests or _names(failed) != expected:
                    return (), []
            report = await self._run(whole, server)
            if not report.is_complete or not wanted <= _names(filter(is_failure, report.results)) or server.starts > 1:
                return (), []
        return tuple(tests), failed

    async def _as_verified(self, item: Item, tests: Sequence[str]) -> TestReport:
        """Where whether a test fails may depend on what others have left: these alone, in file order, twice.

        That is how a verifier runs them first. The last report; one without failures where not all fail both times.
        """
        run = _with(given_state(item.candidate), sorted(tests, key=self._place_of.__getitem__), self._repository)
        reports = await run_each([run, run], self._repository, self._backend, has_tracebacks=True)
        if len(reports) < 2:
            return TestReport(is_complete=False)
        for report in reports:
            if report.is_complete and not all(report.outcome(test) in ("failed", "error") for test in tests):
                return TestReport(is_complete=True)
        return reports[-1]


def _names(results: Iterable[TestResult]) -> set[str]:
    return {each.node_id for each in results}


def _with(
    state: State, tests: Sequence[str], repository: Repository, *, random_order_seed: int | None = None
) -> TestRun:
    return run_of(
        state,
        tests,
        repository,
        is_lean=True,
        most_failures=len(tests),  # all of them, but not each with a long traceback
        stops_without_end=True,
        random_order_seed=random_order_seed,
    )
