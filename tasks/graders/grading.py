"""What every grader speaks: it looks at what an agent left in a fresh sandbox, and says how much of it is right.

Only the standard library: the same code travels in a task folder's `tests/`, for those who have no Gristmill.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol


@dataclass(frozen=True)
class Part:
    """One named thing that was looked at: a cell, a constraint, a call."""

    name: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True)
class Grade:
    """Reward 0…1; 1 exactly where all is right."""

    reward: float
    parts: tuple[Part, ...] = ()
    evidence: str = ""


@dataclass(frozen=True)
class Ran:
    """What one command did; `exit_code` is None if it was stopped at its time limit."""

    exit_code: int | None
    stdout: str
    stderr: str
    timed_out: bool = False


class CannotGrade(Exception):
    """The grader itself could not work (not: the answer is wrong); the outcome is unknown, and it is tried again."""


class Work(Protocol):
    """The fresh sandbox with the agent's changes laid into it. Relative paths count from its working directory."""

    async def read(self, path: str, *, max_bytes: int = 10_000_000) -> bytes | None:
        """A regular file's content; None where there is none, or it is larger. Links lead nowhere outside."""
        ...

    async def run(
        self,
        command: Sequence[str],
        *,
        timeout_sec: float,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> Ran: ...

    async def put(self, files: Mapping[str, bytes]) -> None:
        """Lay files into the sandbox, over whatever is there."""
        ...


class Grader(Protocol):
    """One way to grade. `Data` is a frozen dataclass of plain JSON values, kept in the task's `tests/grading.json`.

    Its fields have no nested classes (lists, dicts, texts, numbers), and are checked when a task is made and read.
    """

    name: ClassVar[str]
    Data: ClassVar[type]

    async def grade(self, work: Work, data: Any) -> Grade:
        """Never raises for what the agent left. Raises CannotGrade."""
        ...


def share(parts: Sequence[Part], evidence: str = "") -> Grade:
    """The share of parts that passed; 0 where there are none."""
    passed = sum(part.passed for part in parts)
    return Grade(passed / len(parts) if parts else 0.0, tuple(parts), evidence)


def failed(name: str, detail: str) -> Grade:
    """Nothing can be said for the answer: one part, and why."""
    return Grade(0.0, (Part(name, False, detail),))
