"""What the verifiers of ours read from a task (`verifier_data`; files below `tests/` on disk)."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from environments.diff import Diff


class Definition(BaseModel):
    """The function or class that the reference mends, in the files as the agent gets them; lines count from 1."""

    model_config = ConfigDict(frozen=True)

    path: str
    first_line: int
    last_line: int

    def holds(self, diff: Diff) -> bool:
        """True where a diff changes nothing outside this definition."""
        if any(change.path != self.path or change.before is None or change.after is None for change in diff.changes):
            return False
        return all(self._holds_lines(change.before or b"", change.after or b"") for change in diff.changes)

    def _holds_lines(self, before: bytes, after: bytes) -> bool:
        old, new = before.splitlines(), after.splitlines()
        shortest = min(len(old), len(new))
        same = next((i for i in range(shortest) if old[i] != new[i]), shortest)
        tail = next((i for i in range(shortest - same) if old[-1 - i] != new[-1 - i]), shortest - same)
        return self.first_line <= same + 1 and len(old) - tail <= self.last_line


class PytestData(BaseModel):
    """Node ids are relative to the working directory."""

    model_config = ConfigDict(frozen=True, extra="allow")

    fail_to_pass: tuple[str, ...] = Field(description="fail with the bug, pass with the reference; all must pass")
    pass_to_pass: tuple[str, ...] = Field((), description="pass with and without; those that reach the definition")
    stable_tests: tuple[str, ...] = Field((), description="all that pass on clean code; run where more was changed")
    run_first: tuple[str, ...] = Field(
        (), description="in this order; of fail_to_pass, which fail after others of these alone; () means fail_to_pass"
    )
    shown: tuple[str, ...] = Field((), description="of fail_to_pass, those that the agent may run; () means all")
    is_withheld: bool = Field(False, description="no failing test is shown, and the agent may run none of them")
    allowed: tuple[str, ...] = Field((), description="otherwise protected paths that the agent may write")
    definition: Definition | None = None
    import_paths: tuple[str, ...] = ("",)
    per_test_timeout_sec: float = 60.0
    stops_early: bool = Field(False, description="end at the first failure: the reward is known, not what else fails")

    @property
    def first(self) -> tuple[str, ...]:
        """What a verifier runs before all else, in its order: unless it passes, nothing else matters."""
        return self.run_first or self.fail_to_pass

    @property
    def visible(self) -> tuple[str, ...]:
        """What an agent's `run_tests` may run: the shown failing tests, and every other that is not hidden.

        All stable tests and not only those that reach the definition: these would give its place away.
        """
        others = self.stable_tests or self.pass_to_pass
        hidden = set(self.fail_to_pass)
        shown = () if self.is_withheld else self.shown or self.fail_to_pass
        return (*shown, *(test for test in others if test not in hidden))


def pytest_data(verifier_data: dict[str, Any]) -> PytestData:
    return PytestData.model_validate(verifier_data)


class GradedData(BaseModel):
    """What the `graded` verifier reads from a task: `tests/grading.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grader: str
    accepts: tuple[str, ...] = Field((), description="globs of paths whose changes count; (): all but the given files")
    data: dict[str, Any] = Field(default_factory=dict, description="the grader's own")
