"""Searches for the best allocation in few trials: guided by the feedback of each sub-task, random, and a grid.

AgentTTS rests on three findings: sub-tasks prefer different models; more samples stop helping at some point; the best
choice for one sub-task depends on the others. The guided search acts on them by rule: it learns for each (sub-task,
arm) how likely an attempt succeeds and where more stop helping, tries what promises most, and hopes for the best of
what it has not seen; what was measured for a whole allocation overrides what was only expected.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import Literal

from pydantic import BaseModel, ConfigDict

from agents.strategies.allocation.space import Allocation, Choice, Space

Evaluate = Callable[[Allocation], Awaitable[Mapping[str, float]]]
"""What each sub-task's score is under an allocation, 0…1."""
Strategy = Literal["guided", "random", "grid"]

HOPE = 0.75  # of an arm's single attempt at a sub-task, before it was seen there


class Trial(BaseModel):
    """One allocation that was evaluated."""

    model_config = ConfigDict(frozen=True)

    allocation: dict[str, Choice]
    scores: dict[str, float]
    score: float
    cost: float


async def search(
    space: Space, evaluate: Evaluate, *, trials: int, strategy: Strategy = "guided", seed: int = 0
) -> list[Trial]:
    """At most `trials` trials in their order, none twice; `best` of them is the answer. Raises PieceFault."""
    rng = Random(seed)
    left = space.allocations()
    rng.shuffle(left)  # of equal promise, any
    if strategy == "grid":
        left = grid(left, trials)
    done: list[Trial] = []
    while left and len(done) < trials:
        at = _most_promising(space, left, done) if strategy == "guided" else 0
        allocation = left.pop(at)
        scores = dict(await evaluate(allocation))
        done.append(Trial(allocation=allocation, scores=scores, score=space.score(scores), cost=space.cost(allocation)))
    return done


def best(trials: Sequence[Trial]) -> Trial:
    """The highest score; of equal ones the cheapest."""
    return max(trials, key=lambda trial: (trial.score, -trial.cost))


def grid(allocations: Sequence[dict[str, Choice]], trials: int) -> list[dict[str, Choice]]:
    """Evenly spaced over all, sorted by what they choose."""
    ordered = sorted(
        allocations, key=lambda each: [(name, choice.arm, choice.samples) for name, choice in sorted(each.items())]
    )
    count = min(trials, len(ordered))
    return [ordered[round((at + 0.5) * len(ordered) / count - 0.5)] for at in range(count)]


def _most_promising(space: Space, left: Sequence[dict[str, Choice]], done: Sequence[Trial]) -> int:
    seen = _Seen(done)
    promise = [
        (space.score({name: seen.expected(name, choice) for name, choice in each.items()}), -space.cost(each), -at)
        for at, each in enumerate(left)
    ]
    return -max(promise)[2]


class _Seen:
    """What the trials tell of each sub-task: (sub-task, arm) -> samples -> scores."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self.scores: dict[tuple[str, str], dict[int, list[float]]] = {}
        for trial in trials:
            for name, choice in trial.allocation.items():
                of_arm = self.scores.setdefault((name, choice.arm), {})
                of_arm.setdefault(choice.samples, []).append(trial.scores[name])

    def expected(self, subtask: str, choice: Choice) -> float:
        """Measured where it was; between and beyond measured numbers of samples by what they say; hope elsewhere."""
        known = self.scores.get((subtask, choice.arm))
        if known is None:
            return _after(HOPE, choice.samples)
        means = {samples: sum(values) / len(values) for samples, values in known.items()}
        if choice.samples in means:
            return means[choice.samples]
        fewer = [samples for samples in means if samples < choice.samples]
        more = [samples for samples in means if samples > choice.samples]
        if fewer and more:
            low, high = max(fewer), min(more)
            share = (choice.samples - low) / (high - low)
            return means[low] + share * (means[high] - means[low])
        if not fewer:  # fewer attempts than were seen: as if they were independent
            nearest = min(more)
            return _after(_single(means[nearest], nearest), choice.samples)
        nearest = max(fewer)
        if len(fewer) > 1:  # the last step is all that a further one can be expected to bring
            before = max(samples for samples in fewer if samples != nearest)
            gain = max(0.0, means[nearest] - means[before])
            return min(1.0, means[nearest] + gain / 2)
        # half of what independent attempts would bring: a choice among them must be made too
        return (means[nearest] + _after(_single(means[nearest], nearest), choice.samples)) / 2


def _after(single: float, samples: int) -> float:
    return float(1 - (1 - single) ** samples)


def _single(score: float, samples: int) -> float:
    return float(1 - (1 - score) ** (1 / samples))
