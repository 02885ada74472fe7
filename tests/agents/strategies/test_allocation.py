"""Allocation: within the budget, by votes over recorded outcomes, and a guided search that beats the others."""

from random import Random

import pytest

from agents.memory.errors import PieceFault
from agents.strategies.allocation.evaluation import Arm, Recorded, Rolled, elected
from agents.strategies.allocation.search import best, search
from agents.strategies.allocation.space import Choice, Space
from environments import Backend
from tasks.task import Task


def drawn(number: int) -> tuple[Space, Recorded]:
    rng = Random(number)
    recorded = Recorded(seed=number)
    costs = {"small": 1.0, "medium": 3.0, "large": 8.0}
    for subtask in ("find", "change"):
        for arm in costs:
            single = rng.uniform(0.05, 0.9)
            for task in range(30):
                outcomes = [("right", True) if rng.random() < single else (str(rng.random()), False) for _ in range(8)]
                recorded.outcomes[subtask, arm][str(task)] = outcomes
    return Space(subtasks=("find", "change"), costs=costs, budget=16.0), recorded


def test_a_vote_is_not_an_oracle() -> None:
    assert elected([("a", False), ("b", True), ("b", True)])
    assert not elected([("a", False), ("b", True)]), "one right answer among several is not known to be right"


def test_the_budget_holds() -> None:
    space, _ = drawn(0)
    assert all(space.cost(each) <= 16 for each in space.allocations())
    with pytest.raises(PieceFault, match="does not pay for one attempt"):
        space.model_copy(update={"budget": 1.0}).allocations()


async def test_the_guided_search_finds_more_in_as_many_trials() -> None:
    totals = {"guided": 0.0, "random": 0.0, "grid": 0.0}
    for number in range(20):
        space, recorded = drawn(number)
        for strategy in totals:
            done = await search(space, recorded, trials=6, strategy=strategy, seed=number)  # type: ignore[arg-type]
            assert len(done) == 6 and len({str(trial.allocation) for trial in done}) == 6
            totals[strategy] += best(done).score
    assert totals["guided"] > totals["random"] and totals["guided"] > totals["grid"]


async def test_real_rollouts_are_made_once_for_each_choice(tiny_task: Task, bubblewrap: Backend) -> None:
    arms = {"nop": Arm("nop"), "repair": Arm("repair", {"tries": 20})}
    rolled = Rolled({"clamp": [tiny_task]}, arms, bubblewrap)
    first = await rolled({"clamp": Choice(arm="repair", samples=1)})
    again = await rolled({"clamp": Choice(arm="repair", samples=1)})
    assert first == again == {"clamp": 1.0} and rolled.rollouts == 1
    assert await rolled({"clamp": Choice(arm="nop", samples=2)}) == {"clamp": 0.0}
