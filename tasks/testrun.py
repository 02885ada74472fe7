"""Running a repository's tests in a sandbox, with results by a channel that the tested code cannot write to.

The same function serves validation (clean and changed code), the pytest verifier, and the
`run_tests` tool of agents.
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from environments.sandbox import Sandbox

Outcome = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed"]


class TestResult(BaseModel):
    """One test. `longrepr` is pytest's traceback text, at most 20 kB."""

    __test__ = False
    model_config = ConfigDict(frozen=True)

    node_id: str
    outcome: Outcome
    duration_sec: float = 0.0
    longrepr: str = ""
    lines: dict[str, tuple[int, ...]] = Field(
        default_factory=dict, description="with coverage: path (relative to workdir) -> executed line numbers"
    )


class TestReport(BaseModel):
    """One run of pytest. `is_complete` is False if the process ended before it reported every test."""

    __test__ = False
    model_config = ConfigDict(frozen=True)

    results: tuple[TestResult, ...] = ()
    collected: tuple[str, ...] = ()
    import_lines: dict[str, tuple[int, ...]] = Field(
        default_factory=dict, description="with coverage: lines executed outside any test (import time)"
    )
    is_complete: bool
    is_tampered: bool = Field(False, description="the tested code changed pytest, unittest or the runner")
    exit_code: int | None = None
    timed_out: bool = False
    output: str = Field("", description="what pytest and the tests printed, middle left out past 100 kB")
    duration_sec: float = 0.0

    def outcome(self, node_id: str) -> Outcome | None:
        """Outcome of one test, None if it did not run."""
        raise NotImplementedError


async def run_tests(
    sandbox: Sandbox,
    tests: Sequence[str] | None,
    *,
    timeout_sec: float,
    per_test_timeout_sec: float | None = None,
    coverage: Sequence[str] = (),
    stop_at_first_failure: bool = False,
    random_order_seed: int | None = None,
) -> TestReport:
    """Run `tests` (pytest node ids relative to workdir; None: all that pytest collects) and report each.

    `coverage`: folders or files (relative to workdir) whose lines are recorded for each test.
    Raises VerifierFault only where the sandbox was lost.
    """
    raise NotImplementedError
