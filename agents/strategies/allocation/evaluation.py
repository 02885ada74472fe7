"""What an allocation comes to: by outcomes that are recorded in a store, or by rollouts that are made for it."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

from agents.agent import AgentLimits
from agents.memory.errors import PieceFault
from agents.memory.pieces import with_pieces
from agents.models import ModelConfig
from agents.registry import get_agent
from agents.rollout import roll_out
from agents.strategies.allocation.space import Allocation
from environments.sandbox import Backend
from tasks.task import Task
from trajectories.rollout import RolloutKey
from trajectories.store import Store

KNOWN = "unknown = false and privileged = false"
Outcome = tuple[str, bool]
"""(what it came to, is it solved): the first is what a vote goes by, the second what counts."""


@dataclass
class Recorded:
    """Outcomes by (sub-task, arm) and task. A sub-task with several samples hands in what most of them came to."""

    outcomes: dict[tuple[str, str], dict[str, list[Outcome]]] = field(default_factory=lambda: defaultdict(dict))
    seed: int = 0

    @classmethod
    def of_store(
        cls, store: Store, where: str = "unknown = false and privileged = false", *, seed: int = 0
    ) -> "Recorded":
        """Sub-tasks are the families, arms `AGENT` or `AGENT MODEL`; what it came to is the change's text."""
        found = cls(seed=seed)
        for row in store.rollouts(where):
            arm = f"{row.agent} {row.model}".strip()
            came_to = sha256(store.body(row).diff.encode()).hexdigest()
            found.outcomes[row.family, arm].setdefault(row.task_id, []).append((came_to, row.reward >= 1.0))
        return found

    async def __call__(self, allocation: Allocation) -> Mapping[str, float]:
        """Raises PieceFault where an arm was never tried at a sub-task."""
        scores = {}
        for subtask, choice in allocation.items():
            tasks = self.outcomes.get((subtask, choice.arm))
            if not tasks:
                raise PieceFault(f"allocation: the store has no rollout of {choice.arm} in {subtask}")
            solved = [
                elected(self._drawn(f"{subtask} {choice.arm} {task}", outcomes, choice.samples))
                for task, outcomes in tasks.items()
            ]
            scores[subtask] = sum(solved) / len(solved)
        return scores

    def _drawn(self, what: str, outcomes: Sequence[Outcome], samples: int) -> list[Outcome]:
        """Without replacement, so at most as many as were recorded; fewer samples are a beginning of more."""
        shuffled = list(outcomes)
        Random(f"{self.seed} {what}").shuffle(shuffled)
        return shuffled[:samples]


def elected(outcomes: Sequence[Outcome]) -> bool:
    """Whether the most frequent outcome is solved; of equal counts the earliest."""
    counts = Counter(came_to for came_to, _ in outcomes)
    winner = max(range(len(outcomes)), key=lambda at: (counts[outcomes[at][0]], -at))
    return outcomes[winner][1]


@dataclass
class Arm:
    """An agent, its options and its model."""

    agent: str
    options: dict[str, object] = field(default_factory=dict)
    model: ModelConfig | None = None


@dataclass
class Rolled:
    """Rolls out: `samples` attempts and a vote (piece `majority`), on each task of the sub-task. Known ones once."""

    tasks: Mapping[str, Sequence[Task]]
    arms: Mapping[str, Arm]
    backend: Backend
    limits: AgentLimits = field(default_factory=AgentLimits)
    known: dict[tuple[str, str, int], float] = field(default_factory=dict)
    rollouts: int = 0

    async def __call__(self, allocation: Allocation) -> Mapping[str, float]:
        return {name: await self._score(name, choice.arm, choice.samples) for name, choice in allocation.items()}

    async def _score(self, subtask: str, name: str, samples: int) -> float:
        if (subtask, name, samples) in self.known:
            return self.known[subtask, name, samples]
        arm = self.arms[name]
        called = with_pieces(arm.agent, [f"majority:n={samples}"]) if samples > 1 else arm.agent
        solved = []
        for task in self.tasks[subtask]:
            model = arm.model.name if arm.model else ""
            key = RolloutKey(suite_hash=subtask, task_id=task.id, agent=called, model=model, backend=self.backend.name)
            agent = get_agent(called, **arm.options)
            rollout = await roll_out(task, agent, self.backend, key=key, limits=self.limits, model=arm.model)
            self.rollouts += 1
            if not rollout.is_unknown:
                solved.append(rollout.verdict.is_solved)
        score = sum(solved) / len(solved) if solved else 0.0
        self.known[subtask, name, samples] = score
        return score
