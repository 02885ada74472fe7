"""What a verifier answers."""

from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from environments.diff import Diff
from environments.sandbox import Backend
from tasks.task import Task


class Check(BaseModel):
    """One named thing that was looked at: a test, a cell of a table, a constraint."""

    model_config = ConfigDict(frozen=True)

    name: str
    passed: bool
    detail: str = ""


class Verdict(BaseModel):
    """Reward 0…1 with its evidence. `error` set means: outcome unknown (infrastructure), reward is then 0."""

    model_config = ConfigDict(frozen=True)

    reward: float = Field(ge=0.0, le=1.0)
    checks: tuple[Check, ...] = ()
    evidence: str = Field("", description="end of the verifier's output, for people")
    error: str | None = None
    dropped_paths: tuple[str, ...] = Field((), description="protected paths that the diff touched; restored")
    duration_sec: float = 0.0

    @property
    def is_solved(self) -> bool:
        return self.error is None and self.reward >= 1.0


class Verifier(Protocol):
    """Decides in a fresh sandbox, which has never run the agent's processes, whether a diff solves a task."""

    name: str

    async def verify(self, task: Task, diff: Diff, backend: Backend) -> Verdict:
        """Never raises for what the diff does; infrastructure trouble comes back as `error`."""
        ...
