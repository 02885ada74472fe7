"""From candidate to task: the clean code passes, the changed code fails, the reference mends it, nothing else does.

Screening runs the tests that reach the change and stops at the first failure; what survives there is no task.
What fails is confirmed the slow, clean way: fresh sandboxes, all tests that reach the changed definition, with
the bug, with the bug again in another order, and with the reference on top of it.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from environments.diff import Diff, FileChange
from environments.sandbox import Backend, running
from tasks.candidate import Candidate, Rejection
from tasks.generators.procedural import is_same_program
from tasks.repository import Repository
from tasks.testrun import TestReport, TestResult, run_tests

MOST_FAILING_SHARE = 0.5  # of all the repository's tests; above, a bug is too coarse to be worth finding
FIXED_SEC = 60.0  # start of the interpreter, imports and collection, on a busy machine


@dataclass(frozen=True)
class Validated:
    """A candidate that is a task: what its tests do, and what a person would see of it."""

    candidate: Candidate
    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...]
    failures: tuple[TestResult, ...]
    reference: Diff


class Screener(Protocol):
    """Says quickly whether a candidate is worth confirming."""

    async def screen(self, candidate: Candidate, tests: Sequence[str]) -> Rejection | None:
        """None if a test fails with the change."""
        ...


@dataclass(frozen=True)
class SandboxScreener:
    """Screens in a fresh sandbox with a fresh interpreter."""

    repository: Repository
    backend: Backend

    async def screen(self, candidate: Candidate, tests: Sequence[str]) -> Rejection | None:
        report = await run_with(candidate.files, tests, self.repository, self.backend, stop_at_first_failure=True)
        if any(is_timeout(result) for result in report.results) or report.timed_out:
            return rejected(candidate, "timeout", "a test did not end in its time limit")
        if not any(is_failure(result) for result in report.results):
            return rejected(candidate, "survived", f"{len(tests)} tests reach the change and pass")
        return None


async def validate_candidate(
    candidate: Candidate, repository: Repository, backend: Backend, screener: Screener | None = None
) -> Validated | Rejection:
    """Decide. Raises VerifierFault and EnvironmentFault where the infrastructure fails: nothing is decided then."""
    clean = {path: (repository.source.code / path).read_bytes() for path in candidate.files}
    if (refusal := refuse_cheaply(candidate, clean)) is not None:
        return refusal
    reaching = _reaching(candidate, repository)
    if not reaching:
        return rejected(candidate, "no test reaches it")
    screener = screener or SandboxScreener(repository, backend)
    if (refusal := await screener.screen(candidate, closest_first(candidate, repository, reaching))) is not None:
        return refusal

    first = await run_with(candidate.files, reaching, repository, backend)
    if (refusal := refuse_run(candidate, first, repository)) is not None:
        return refusal
    failing = [result for result in first.results if is_failure(result)]
    again = await run_with(
        candidate.files, [result.node_id for result in failing], repository, backend, random_order_seed=1
    )
    steady = [result for result in failing if again.outcome(result.node_id) in ("failed", "error")]
    if not steady:
        return rejected(candidate, "flaky", "no test failed in both runs")
    fail_to_pass = tuple(result.node_id for result in steady)
    pass_to_pass = tuple(result.node_id for result in first.results if result.outcome == "passed")

    mended = await run_with(candidate.files, (*fail_to_pass, *pass_to_pass), repository, backend, then=clean)
    broken = [test for test in (*fail_to_pass, *pass_to_pass) if mended.outcome(test) != "passed"]
    if broken or not mended.is_complete:
        return rejected(candidate, "reference fails", ", ".join(broken[:5]) or mended.output[-500:])
    return Validated(candidate, fail_to_pass, pass_to_pass, tuple(steady), reference_of(candidate, clean))


async def run_with(
    files: dict[str, bytes],
    tests: Sequence[str],
    repository: Repository,
    backend: Backend,
    *,
    then: dict[str, bytes] | None = None,
    stop_at_first_failure: bool = False,
    random_order_seed: int | None = None,
) -> TestReport:
    """Run tests in a fresh sandbox with `files` (and `then`, after them) laid over the clean code."""
    seconds = [repository.clean_seconds.get(test, 1.0) for test in tests]
    per_test = max(1.0, 10 * max(seconds, default=0.1) + 0.5)
    async with running(backend, repository.verifier_spec()) as sandbox:
        await sandbox.write_files(files)
        if then:
            await sandbox.write_files(then)
        return await run_tests(
            sandbox,
            tests,
            timeout_sec=FIXED_SEC + 5 * sum(seconds) + per_test,
            per_test_timeout_sec=per_test,
            stop_at_first_failure=stop_at_first_failure,
            random_order_seed=random_order_seed,
        )


def refuse_cheaply(candidate: Candidate, clean: dict[str, bytes]) -> Rejection | None:
    """What can be told from the text alone."""
    try:
        if all(is_same_program(clean[path], data) for path, data in candidate.files.items()):
            return rejected(candidate, "same program")
        for path, data in candidate.files.items():
            compile(data, path, "exec", flags=ast.PyCF_ONLY_AST, dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        return rejected(candidate, "does not parse", str(error))
    return None


def refuse_run(candidate: Candidate, report: TestReport, repository: Repository) -> Rejection | None:
    """What the confirming run says against it."""
    if report.timed_out or any(is_timeout(result) for result in report.results):
        return rejected(candidate, "timeout", "a test did not end in its time limit")
    if not report.is_complete or any(has_ended(result) for result in report.results):
        return rejected(candidate, "ends the process", report.output[-500:])
    failing = [result for result in report.results if is_failure(result)]
    if not failing:
        return rejected(candidate, "flaky", "failed when screened, passed when confirmed")
    if any("::" not in result.node_id for result in failing):
        return rejected(candidate, "breaks import", failing[0].longrepr[-500:])
    if len(failing) > max(20, MOST_FAILING_SHARE * len(repository.stable_tests)):
        return rejected(candidate, "too coarse", f"{len(failing)} tests fail")
    return None


def _reaching(candidate: Candidate, repository: Repository) -> tuple[str, ...]:
    found = {
        test
        for place in candidate.places
        for test in repository.tests_reaching(place.path, range(place.first_line, place.last_line + 1))
    }
    return tuple(test for test in repository.stable_tests if test in found)


def closest_first(candidate: Candidate, repository: Repository, reaching: Sequence[str]) -> list[str]:
    """Tests that run the changed lines first, the quick ones before the slow ones."""
    close = {
        repository.stable_tests[index]
        for place in candidate.places
        for line in place.changed_lines
        for index in repository.reached_by.get(place.path, {}).get(line, ())
    }
    return sorted(reaching, key=lambda test: (test not in close, repository.clean_seconds.get(test, 1.0), test))


def reference_of(candidate: Candidate, clean: dict[str, bytes]) -> Diff:
    """The diff that takes the bug back."""
    return Diff(
        changes=tuple(
            FileChange(path=path, before=data, after=clean[path]) for path, data in sorted(candidate.files.items())
        )
    )


def is_failure(result: TestResult) -> bool:
    return result.outcome in ("failed", "error")


def is_timeout(result: TestResult) -> bool:
    return result.outcome == "error" and result.longrepr.startswith("Timeout:")


def has_ended(result: TestResult) -> bool:
    return result.outcome == "error" and result.longrepr.startswith("The process ended")


def rejected(candidate: Candidate, reason: str, detail: str = "") -> Rejection:
    return Rejection(candidate_id=candidate.id, generator=candidate.generator, reason=reason, detail=detail)
