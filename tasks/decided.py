"""What is kept of a decision about a candidate, and what a cluster's worker sends back: data without the candidate."""

from pydantic import BaseModel, ConfigDict

from tasks.candidate import Rejection
from tasks.decisions import Validated
from tasks.testrun import TestResult

MOST_FAILURES_KEPT = 50


class Decision(BaseModel):
    """Of one candidate: a rejection, or what its tests did."""

    model_config = ConfigDict(frozen=True)

    rejection: Rejection | None = None
    fail_to_pass: tuple[str, ...] = ()
    pass_to_pass: tuple[str, ...] = ()
    failures: tuple[TestResult, ...] = ()
    run_first: tuple[str, ...] = ()


def kept(result: Validated | Rejection) -> Decision:
    if isinstance(result, Rejection):
        return Decision(rejection=result)
    failures = tuple(_without_lines(failure) for failure in result.failures[:MOST_FAILURES_KEPT])
    return Decision(
        fail_to_pass=result.fail_to_pass,
        pass_to_pass=result.pass_to_pass,
        failures=failures,
        run_first=result.run_first,
    )


def _without_lines(result: TestResult) -> TestResult:
    return result.model_copy(update={"lines": {}, "duration_sec": 0.0})
