"""What speaks against a candidate: its text alone, or what its tests did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from environments.diff import Diff, FileChange
from tasks._program import check_compiles, is_same_program
from tasks._statements import clean_text
from tasks.candidate import Candidate, Rejection
from tasks.repository import Repository
from tasks.testrun import TestReport, TestResult

MOST_FAILING_SHARE = 0.5  # of all the repository's tests; above, a bug is too coarse to be worth finding
MOST_FAILING = 20  # which a bug of a small repository may have all the same


@dataclass(frozen=True)
class Validated:
    """A candidate that is a task: what its tests do, and what a person would see of it (the told ones first)."""

    candidate: Candidate
    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...]
    failures: tuple[TestResult, ...]
    reference: Diff
    run_first: tuple[str, ...] = ()  # as of `PytestData`


Decision = Validated | Rejection


def clean_files(candidate: Candidate, repository: Repository) -> dict[str, bytes | None]:
    """What the candidate's files are in the clean source; None where it has none of that path."""
    code = repository.source.code
    paths = [*candidate.files, *candidate.absent]
    return {path: clean_text(code / path) for path in paths}


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
        for path, data in python.items():
            check_compiles(clean.get(path) or b"", data)
    except (SyntaxError, ValueError) as error:
        return rejected(candidate, "does not parse", str(error))
    return None


def refuse_run(
    candidate: Candidate, report: TestReport, repository: Repository, *, passing: str = "flaky"
) -> Rejection | None:
    """What a run with the bug says against it; `passing`: the reason where every test passes."""
    if report.timed_out or any(is_timeout(result) for result in report.results):
        return rejected(candidate, "timeout", "a test did not end in its time limit")
    if not report.is_complete or any(has_ended(result) for result in report.results):
        return rejected(candidate, "ends the process", report.output[-500:])
    failing = [result for result in report.results if is_failure(result)]
    if not failing:
        return rejected(candidate, passing, f"{len(report.results)} tests run the change and pass")
    if any("::" not in result.node_id for result in failing):
        return rejected(candidate, "breaks import", failing[0].longrepr[-500:])
    if len(failing) > most_failing(candidate, repository):
        return rejected(candidate, "too coarse", f"more than {most_failing(candidate, repository)} tests fail")
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
