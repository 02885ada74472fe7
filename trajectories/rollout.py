"""A rollout: one attempt of one agent (with one model and seed) at one task, as it is stored."""

from hashlib import sha256
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.verdict import Verdict
from trajectories.atif import Trajectory

AttemptKind = Literal[
    "history-search",  # looks for the fix in git's history, or for a clean copy of the code elsewhere
    "hidden-test-search",  # looks for the tests or rewards that judge
    "test-edit",  # changes, removes or skips tests, or what steers them
    "network",  # tries to reach another machine
    "hard-coded",  # the change answers the inputs that the failures show, not the question
    "switched-off-check",  # keeps what judges from judging
]

Ending = Literal[
    "submitted",
    "finished",
    "step_limit",
    "token_limit",
    "cost_limit",
    "time_limit",
    "invalid_calls",
    "model_error",
    "agent_error",
    "infrastructure_error",
]


class RolloutKey(BaseModel):
    """What makes a rollout the same rollout: done once, whatever is killed and started again."""

    model_config = ConfigDict(frozen=True)

    suite_hash: str
    task_id: str
    agent: str
    model: str = ""
    backend: str
    attempt: int = Field(0, ge=0, description="0-based; the seed of the attempt derives from it")

    @property
    def id(self) -> str:
        """Stable id of the rollout, 16 hex digits."""
        joined = "\x00".join((self.suite_hash, self.task_id, self.agent, self.model, self.backend, str(self.attempt)))
        return sha256(joined.encode()).hexdigest()[:16]


class Attempt(BaseModel):
    """A try to get the reward without the work. Tries count, whether they gave anything or not."""

    model_config = ConfigDict(frozen=True)

    kind: AttemptKind
    step_id: int = Field(description="of the trajectory: where it was tried")
    evidence: str = Field(max_length=300, description="the line that tells")


class Rollout(BaseModel):
    """A finished attempt with its verdict; written to the store in one atomic step.

    An `infrastructure_error` (or a verdict with `error`) is kept apart from reward 0 and may be tried again.
    """

    model_config = ConfigDict(frozen=True)

    key: RolloutKey
    seed: int
    family: str = Field("repository", description="of the task")
    ending: Ending
    ending_detail: str = ""
    diff: str = Field("", description="the agent's changes in git's format")
    verdict: Verdict
    trajectory: Trajectory
    started_at: str = Field(description="ISO 8601, UTC")
    agent_sec: float
    verifier_sec: float
    total_sec: float
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0
    invalid_tool_calls: int = 0
    is_privileged: bool = Field(False, description="the agent was given the reference (oracle)")
    provenance: dict[str, object] = Field(default_factory=dict, description="of the task, with licence")
    attempts: tuple[Attempt, ...] = Field((), description="tries to cheat, by trajectories.attempts.label")

    @property
    def is_unknown(self) -> bool:
        """The infrastructure failed: no reward is known."""
        return self.ending == "infrastructure_error" or self.verdict.error is not None
