"""repair: a search agent without a model. Localise by spectrum, mutate what is suspicious, run the tests again.

In the manner of GenProg and its successors (Le Goues et al., 2012; the order by suspicion after Qi et al., 2013),
through the same tools as any agent: it reads the failing tests' output and coverage, never the reference.
"""

import asyncio
import re
import time
from collections.abc import Iterable
from typing import ClassVar

from agents._mutations import Mutation, mutations
from agents._spectrum import blamed_lines, suspicious_lines
from agents.agent import LimitReached, Session
from agents.errors import AgentFault
from tasks.testrun import TestReport

FAILED = ("failed", "error")
TEST_ID = re.compile(r"[\w./-]+\.py::\S+")  # as pytest writes them, and issues quote them
START_SEC = 5.0  # of an interpreter and its imports, on a busy machine


class Repair:
    """Option `tries`: the most mutations that are tested."""

    name: ClassVar[str] = "repair"
    version: ClassVar[str] = "1"

    def __init__(self, tries: int = 150) -> None:
        self.tries = tries

    async def act(self, session: Session) -> None:
        """Search; hand in the first mutation after which all tests that were run pass, else the best there was."""
        # The last tenth and one more try are kept back, so that the end finds the code as it should be.
        deadline = time.monotonic() + 0.9 * session.limits.seconds
        failing, others, report = await self._look(session)
        patience = START_SEC + 10 * sum(result.duration_sec for result in report.results if result.node_id in failing)
        if not failing:
            session.say("No visible test fails: there is nothing to search by.")
            await session.call("submit", {})
            return
        suspicion = suspicious_lines(report)
        deadline -= min(patience, 0.3 * session.limits.seconds)
        files = await _read(session, {path for path, _ in suspicion})
        ranked = await asyncio.to_thread(mutations, files, suspicion, blamed_lines(report), self.tries)
        session.say(
            f"{len(failing)} tests fail; {len(suspicion)} lines are suspicious; {len(ranked)} mutations to try."
        )
        best: Mutation | None = None
        fewest: int | None = None
        try:
            for mutation in ranked:
                if time.monotonic() > deadline:
                    break
                broken = await _try(session, mutation, failing, others, patience)
                if broken == 0:
                    await session.call("submit", {})
                if broken is not None and (fewest is None or broken < fewest):
                    best, fewest = mutation, broken
                await _edit(session, mutation.path, mutation.new, mutation.old)
            if best is not None:
                await _edit(session, best.path, best.old, best.new)
            await session.call("submit", {})
        except LimitReached as limit:
            session.say(f"Stopped at a limit: {limit.reason}.")
            raise

    async def _look(self, session: Session) -> tuple[list[str], list[str], TestReport]:
        """The failing tests; passing tests of their files; a report of both with coverage."""
        named = set(TEST_ID.findall(session.instruction))
        files = sorted({test.partition("::")[0] for test in named})
        arguments = {"tests": files, "coverage": True} if files else {"coverage": True}
        report = (await session.call("run_tests", arguments)).report
        if report is None:
            raise AgentFault("agent repair needs a task with tests that it may run")
        failing = [result.node_id for result in report.results if result.outcome in FAILED]
        others = [result.node_id for result in report.results if result.outcome == "passed"]
        return failing, others, report


async def _try(
    session: Session, mutation: Mutation, failing: list[str], others: list[str], patience: float
) -> int | None:
    """Put the mutation in; how many other tests it breaks, or None if a failing test still fails.

    `patience`: seconds for the failing tests; a mutation that loops must not cost more.
    """
    await _edit(session, mutation.path, mutation.old, mutation.new)
    first = await session.call("run_tests", {"tests": failing, "timeout_sec": min(600.0, patience)})
    if _not_passing(first.report, failing):
        return None
    return _not_passing((await session.call("run_tests", {"tests": others})).report, others) if others else 0


def _not_passing(report: TestReport | None, tests: Iterable[str]) -> int:
    assert report is not None
    return sum(report.outcome(test) != "passed" for test in tests)


async def _read(session: Session, paths: set[str]) -> dict[str, bytes]:
    """Files as they are in the sandbox."""
    files = {}
    for path in sorted(paths):
        answer = await session.call("read", {"path": path})
        if answer.data is not None:
            files[path] = answer.data
    return files


async def _edit(session: Session, path: str, old: str, new: str) -> None:
    answer = await session.call("edit", {"path": path, "old": old, "new": new})
    if answer.is_error:
        raise AgentFault(f"an edit of {path} that should fit does not: {answer.text}")
