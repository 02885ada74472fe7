"""The `pytest` verifier: the repository's tests, in a fresh sandbox, on the diff without protected paths."""

import time

from environments.diff import Diff
from environments.errors import EnvironmentFault
from environments.sandbox import Backend, running
from tasks.errors import VerifierFault
from tasks.task import Task
from tasks.testrun import TestReport, run_tests
from tasks.verdict import Check, Verdict
from tasks.verifiers._apply import SortedDiff, apply_diff, guarded_files, sort_out
from tasks.verifiers.data import PytestData, pytest_data

_EVIDENCE = 20_000


class PytestVerifier:
    """Reward 1 where every test of the task passes, the run was whole, and nothing that judges was touched.

    `fail_to_pass` runs first (with the tests before it without which it does not fail, where there are such); only if
    that passes do the others: those that reach the definition that the reference mends or, where the diff changes
    anything else, all stable tests.
    """

    name = "pytest"

    async def verify(self, task: Task, diff: Diff, backend: Backend) -> Verdict:
        """Never raises for what the diff does; infrastructure trouble comes back as `error`."""
        started = time.perf_counter()
        data = pytest_data(task.verifier_data)
        chosen = sort_out(task, diff)
        others = data.pass_to_pass
        if data.definition is None or not data.definition.holds(chosen.diff):
            others = tuple(test for test in data.stable_tests or data.pass_to_pass if test not in data.fail_to_pass)
        try:
            async with running(backend, task.verifier_spec) as sandbox:
                await apply_diff(sandbox, chosen.diff)
                report = await run_tests(
                    sandbox,
                    list(dict.fromkeys((*data.first, *others))),
                    timeout_sec=task.verifier_timeout_sec,
                    per_test_timeout_sec=data.per_test_timeout_sec,
                    gate=data.first,
                    stop_at_first_failure=data.stops_early,
                    guarded=guarded_files(task.agent_spec, task.verifier_spec),
                )
        except (EnvironmentFault, VerifierFault) as fault:
            return Verdict(
                reward=0.0, error=str(fault), dropped_paths=chosen.dropped, duration_sec=time.perf_counter() - started
            )
        return _verdict(data, others, report, chosen, time.perf_counter() - started)


def _verdict(
    data: PytestData, others: tuple[str, ...], report: TestReport, chosen: SortedDiff, seconds: float
) -> Verdict:
    if report.timed_out and not report.results:
        return Verdict(
            reward=0.0,
            error=f"the tests gave no result within the verifier's time limit: {report.output[-500:]}",
            dropped_paths=chosen.dropped,
            duration_sec=seconds,
        )
    first = dict.fromkeys((*data.fail_to_pass, *data.first))
    tests = [_check(test, report) for test in first]
    if all(check.passed for check in tests):
        tests += [_check(test, report) for test in others if test not in first]
    whole = Check(name="the run is complete", passed=report.is_complete, detail=_why_incomplete(report))
    honest = Check(
        name="nothing that judges was changed", passed=not report.is_tampered, detail=", ".join(report.tampered[:20])
    )
    checks = (*tests, whole, honest)
    return Verdict(
        reward=1.0 if all(check.passed for check in checks) else 0.0,
        checks=checks,
        evidence=_evidence(report),
        dropped_paths=chosen.dropped,
        duration_sec=seconds,
    )


def _check(test: str, report: TestReport) -> Check:
    outcome = report.outcome(test)
    return Check(name=test, passed=outcome == "passed", detail="" if outcome == "passed" else outcome or "did not run")


def _why_incomplete(report: TestReport) -> str:
    if report.is_complete:
        return ""
    return "out of time" if report.timed_out else "the process ended before every test had its result"


def _evidence(report: TestReport) -> str:
    """The failures, then the end of what was printed."""
    failures = [f"{each.node_id}: {each.outcome}\n{each.longrepr}" for each in report.results if each.longrepr][:10]
    return "\n\n".join([*failures, report.output])[-_EVIDENCE:]
