"""What is asked of one run of tests, and what it says."""

from collections.abc import Mapping
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Outcome = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed"]


class TestResult(BaseModel):
    """One test. `longrepr` is pytest's traceback text, at most 20 kB.

    A test over its time limit, or during which its process ended, is an `error` whose text begins with
    "Timeout:" or "The process ended". A file that cannot be collected is an `error` with the file as id.
    """

    __test__ = False
    model_config = ConfigDict(frozen=True)

    node_id: str
    outcome: Outcome
    duration_sec: float = 0.0
    longrepr: str = ""
    lines: dict[str, tuple[int, ...]] = Field(
        default_factory=dict, description="with coverage: path (relative to workdir) -> executed line numbers"
    )
    starts_processes: bool = Field(False, description="with coverage: whose lines are not seen")


class TestRun(BaseModel):
    """One of several runs in one sandbox: tests, on files that are written before them."""

    __test__ = False
    model_config = ConfigDict(frozen=True)

    files: dict[str, bytes] = Field(default_factory=dict, description="path (relative to workdir) -> contents")
    removed: tuple[str, ...] = Field((), description="paths that are not there in this run")
    tests: tuple[str, ...]
    imports: tuple[str, ...] = Field((), description="instead of tests: import these modules, tell what that has made")
    gate: tuple[str, ...] = ()
    random_order_seed: int | None = None
    per_test_timeout_sec: float | None = None
    cpu_limits: dict[str, float] = Field(default_factory=dict, description="node id -> seconds of CPU it may take")
    stop_at_first_failure: bool = False
    stops_without_end: bool = Field(False, description="the run is decided by a test that does not end, or ends all")
    most_failures: int | None = Field(None, description="with more, the run ends; most tracebacks are short then")
    collection_timeout_sec: float = 60.0
    is_lean: bool = Field(False, description="without what pytest does around tests for those who watch")
    is_warm: bool = Field(False, description="where only functions differ, change them in a fork that has all imported")


class TestReport(BaseModel):
    """One run of pytest. `is_complete` is False if the process ended before it reported every test."""

    __test__ = False
    model_config = ConfigDict(frozen=True)

    results: tuple[TestResult, ...] = ()
    collected: tuple[str, ...] = Field((), description="selected tests that pytest found, in the order of the run")
    import_lines: dict[str, tuple[int, ...]] = Field(
        default_factory=dict, description="with coverage: lines executed outside any test (import time)"
    )
    collection_lines: dict[str, tuple[int, ...]] = Field(
        default_factory=dict,
        description="with coverage: lines that the import of test modules executes; these modules' tests have them too",
    )
    is_complete: bool
    is_tampered: bool = Field(False, description="the tested code changed pytest, unittest or the runner")
    tampered: tuple[str, ...] = Field((), description="names of what it changed")
    imported: dict[str, str] = Field(
        default_factory=dict, description="of a run of imports: what they made, name of each part -> digest of it"
    )
    first_lines: dict[str, int] = Field(default_factory=dict, description="of a run of imports: of functions")
    exit_code: int | None = None
    timed_out: bool = False
    output: str = Field("", description="what pytest and the tests printed, middle left out past 100 kB")
    duration_sec: float = 0.0
    was_warm: bool = Field(False, description="of several runs: in a fork that had all imported")

    @cached_property
    def _outcomes(self) -> Mapping[str, Outcome]:
        return {result.node_id: result.outcome for result in self.results}

    def outcome(self, node_id: str) -> Outcome | None:
        """Outcome of one test, None if it did not run."""
        return self._outcomes.get(node_id)
