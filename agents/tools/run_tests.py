"""run_tests: the visible tests on the current change, in a sandbox of their own; the agent's never holds them."""

from typing import ClassVar

from pydantic import Field

from agents.agent import ToolAnswer
from agents.tools.tool import Arguments, Place, cut, failed
from tasks.testrun import TestReport

MOST_TRACEBACKS = 5
TRACEBACK_LIMIT = 2500


class RunTestsArguments(Arguments):
    tests: list[str] | None = Field(None, description="ids, files or classes; all visible tests if left out")
    timeout_sec: float | None = Field(None, gt=0, le=600, description="seconds until the run is stopped")
    coverage: bool = Field(False, description="also record which lines each test executes")


class RunTests:
    name: ClassVar[str] = "run_tests"
    description: ClassVar[str] = "Run the tests that you may see on your current change; tells which fail and how."
    arguments: ClassVar[type[Arguments]] = RunTestsArguments

    async def call(self, place: Place, arguments: RunTestsArguments) -> ToolAnswer:
        if place.task.verifier != "pytest":
            return failed("this task has no tests that can be seen")
        from tasks.verifiers import run_visible_tests

        report = await run_visible_tests(
            place.task,
            await place.sandbox.diff(),
            place.backend,
            coverage=arguments.coverage,
            tests=arguments.tests,
            timeout_sec=arguments.timeout_sec,
        )
        return ToolAnswer(text=cut(summary_of(report)), report=report)


def summary_of(report: TestReport) -> str:
    """Counts, then the failures with the end of their tracebacks."""
    failing = [result for result in report.results if result.outcome in ("failed", "error")]
    passed = sum(result.outcome == "passed" for result in report.results)
    lines = [f"{passed} passed, {len(failing)} failed"]
    if not report.is_complete:
        lines.append("the run ended before every test had its result" + (" (out of time)" if report.timed_out else ""))
    if not report.results:
        lines.append(report.output[-TRACEBACK_LIMIT:])
    for result in failing[:MOST_TRACEBACKS]:
        lines.append(f"\n--- {result.node_id}\n{result.longrepr[-TRACEBACK_LIMIT:]}")
    if len(failing) > MOST_TRACEBACKS:
        lines.append("\nalso failing: " + ", ".join(result.node_id for result in failing[MOST_TRACEBACKS:][:30]))
    return "\n".join(lines)
