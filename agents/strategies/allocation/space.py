"""Sub-tasks, arms, samples, and the allocations that a budget allows."""

from collections.abc import Mapping
from itertools import product
from math import prod

from pydantic import BaseModel, ConfigDict, Field

from agents.memory.errors import PieceFault

MOST = 200_000  # allocations that are looked through


class Choice(BaseModel):
    """For one sub-task: an arm (an agent with its model) and how many attempts of it."""

    model_config = ConfigDict(frozen=True)

    arm: str
    samples: int = Field(gt=0)


Allocation = Mapping[str, Choice]
"""sub-task -> choice"""


class Space(BaseModel):
    """`costs`: arm -> cost of one attempt, in any unit; `budget`: in the same, for one task of each sub-task.

    `is_chain`: all sub-tasks must succeed (the score is the product of theirs); else the mean of theirs counts.
    """

    model_config = ConfigDict(frozen=True)

    subtasks: tuple[str, ...] = Field(min_length=1)
    costs: dict[str, float] = Field(min_length=1)
    samples: tuple[int, ...] = Field((1, 2, 4, 8), min_length=1)
    budget: float = Field(gt=0)
    is_chain: bool = True

    def cost(self, allocation: Allocation) -> float:
        return sum(self.costs[choice.arm] * choice.samples for choice in allocation.values())

    def allocations(self) -> list[dict[str, Choice]]:
        """All within the budget, in a fixed order. Raises PieceFault where there are none, or too many to list."""
        choices = [Choice(arm=arm, samples=samples) for arm in sorted(self.costs) for samples in sorted(self.samples)]
        if len(choices) ** len(self.subtasks) > MOST:
            raise PieceFault(
                f"allocation: {len(choices)} choices for each of {len(self.subtasks)} sub-tasks are too many; "
                "give fewer arms or numbers of samples"
            )
        every = (
            dict(zip(self.subtasks, chosen, strict=True)) for chosen in product(choices, repeat=len(self.subtasks))
        )
        found = [allocation for allocation in every if self.cost(allocation) <= self.budget]
        if not found:
            raise PieceFault(f"allocation: a budget of {self.budget:g} does not pay for one attempt at each sub-task")
        return found

    def score(self, scores: Mapping[str, float]) -> float:
        """Of the whole, from those of the sub-tasks; 0…1."""
        values = [scores[subtask] for subtask in self.subtasks]
        return prod(values) if self.is_chain else sum(values) / len(values)
