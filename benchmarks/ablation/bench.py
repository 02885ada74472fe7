"""Rollouts of the arms, each written to a file as it ends: the same call goes on where it was stopped."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from agents.agent import AgentLimits
from agents.models import ModelConfig
from agents.registry import get_agent
from agents.rollout import roll_out
from benchmarks.ablation.lines import Lines
from benchmarks.ablation.plan import SETS, Arm
from environments import Backend
from tasks import Task
from trajectories.rollout import Rollout, RolloutKey
from trajectories.store import Store

SECONDS = 240.0  # of one attempt


@dataclass(frozen=True)
class Outcome:
    """One rollout, in what the tables need. `came_to`: a hash of the change, which a vote goes by."""

    arm: str
    task: str
    attempt: int
    solved: bool
    unknown: bool
    ending: str
    detail: str
    came_to: str
    tokens: int
    steps: int
    at: str


class Results:
    """Outcomes by arm, task and attempt; one JSON object a line."""

    def __init__(self, file: Path) -> None:
        self._lines = Lines(file)
        outcomes = [Outcome(**row) for row in self._lines.rows]
        self._known = {(each.arm, each.task, each.attempt): each for each in outcomes}

    def get(self, arm: str, task: str, attempt: int) -> Outcome | None:
        return self._known.get((arm, task, attempt))

    def put(self, outcome: Outcome) -> None:
        key = (outcome.arm, outcome.task, outcome.attempt)
        if key in self._known:  # done again, to learn from it once more
            return
        self._known[key] = outcome
        self._lines.add(asdict(outcome))


@dataclass
class Bench:
    """`models`: base and student, served. `memory`: what pieces learn from."""

    backend: Backend
    models: dict[str, ModelConfig]
    memory: Store
    results: Results
    jobs: int = 2
    kept: Store | None = None
    """Where rollouts go whole, for those that are to be learned from."""

    async def run(self, arm: Arm, tasks: Sequence[Task], *, attempt: int = 0) -> dict[str, Outcome]:
        """Task -> outcome; those whose infrastructure failed are left out."""
        agent = get_agent(arm.agent, **arm.options)
        if look := getattr(agent, "open", None):
            await asyncio.to_thread(look, self.memory)
        slots = asyncio.Semaphore(1 if arm.is_in_order else self.jobs)

        async def one(task: Task) -> Outcome:
            known = self.results.get(arm.label, task.id, attempt)
            if known is not None and not arm.is_in_order:
                return known
            async with slots:
                outcome = _outcome(arm, await self._roll(arm, agent, task, attempt))
            self.results.put(outcome)
            return outcome

        outcomes = await asyncio.gather(*(one(task) for task in tasks))
        return {outcome.task: outcome for outcome in outcomes if not outcome.unknown}

    async def _roll(self, arm: Arm, agent: object, task: Task, attempt: int) -> Rollout:
        setting = SETS[arm.tasks]
        model = self.models[arm.model] if arm.model else None
        if model is not None:
            model = model.model_copy(update={"temperature": arm.temperature, "max_tokens": setting.max_tokens})
        limits = AgentLimits(steps=setting.steps * arm.attempts, seconds=SECONDS * arm.attempts)
        key = RolloutKey(
            suite_hash="ablations",
            task_id=task.id,
            agent=arm.agent,
            model=model.name if model else "",
            backend=self.backend.name,
            attempt=attempt,
        )
        rollout = await roll_out(task, agent, self.backend, key=key, limits=limits, model=model)  # type: ignore[arg-type]
        if self.kept is not None:
            self.kept.record(rollout)
        return rollout


def _outcome(arm: Arm, rollout: Rollout) -> Outcome:
    return Outcome(
        arm=arm.label,
        task=rollout.key.task_id,
        attempt=rollout.key.attempt,
        solved=rollout.verdict.is_solved,
        unknown=rollout.is_unknown,
        ending=rollout.ending,
        detail=rollout.ending_detail[:200],
        came_to=sha256(rollout.diff.encode()).hexdigest()[:16],
        tokens=rollout.prompt_tokens + rollout.completion_tokens,
        steps=len(rollout.trajectory.steps),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
