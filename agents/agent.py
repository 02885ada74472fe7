"""The Agent protocol: an agent acts on a task through a session's tools, and nothing else.

class MyAgent:
    name = "mine"
    version = "1"
    async def act(self, session: Session) -> None:
        await session.call("bash", {"command": "ls"})
        await session.call("submit", {})
"""

from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from tasks.testrun import TestReport
from trajectories.rollout import Ending


class AgentLimits(BaseModel):
    """A rollout ends, with the reason in `Rollout.ending`, at the first of these that is reached."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(100, gt=0, description="tool calls and model calls with none")
    tokens: int = Field(1_000_000, gt=0, description="prompt and completion tokens of all calls together")
    seconds: float = Field(900.0, gt=0)
    cost_usd: float = Field(10.0, gt=0)
    invalid_calls: int = Field(5, gt=0, description="malformed tool calls in a row")


class ToolAnswer(BaseModel):
    """What a tool gave back. `text` is what a model reads.

    For agents in code: `report` is set by `run_tests`, `data` (the whole file) by `read`. `note`: of pieces.
    """

    model_config = ConfigDict(frozen=True)

    text: str
    is_error: bool = False
    report: TestReport | None = None
    data: bytes | None = None
    note: str = ""

    @property
    def shown(self) -> str:
        """What a model reads: the answer, and below it what pieces (agents/memory) have to say."""
        return f"{self.text}\n\n{self.note}" if self.note else self.text


class Session(Protocol):
    """One rollout as the agent sees it: the instruction, the tools, the recorder. Holds no reference, no tests."""

    task_id: str
    instruction: str
    seed: int
    limits: AgentLimits

    def tool_definitions(self) -> tuple[dict[str, Any], ...]:
        """OpenAI function schemas of the tools allowed in this task."""
        ...

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> ToolAnswer:
        """Call a tool as one recorded step. Bad names or arguments come back as `is_error`, and are counted.

        Raises LimitReached when a limit is hit (the rollout then ends by itself).
        """
        ...

    def say(self, message: str, *, source: str = "agent") -> None:
        """Record a message as a step of its own."""
        ...


class LimitReached(Exception):
    """Ends a rollout from inside a tool or model call; `reason` is the Ending."""

    def __init__(self, reason: Ending, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason = reason
        self.detail = detail


class Submitted(Exception):
    """Raised by the `submit` tool: the agent is done."""


class Agent(Protocol):
    """Who acts. One instance may serve many rollouts at the same time, so it keeps no state of a rollout."""

    name: str
    version: str

    async def act(self, session: Session) -> None:
        """Work until done; return, or call the `submit` tool."""
        ...
