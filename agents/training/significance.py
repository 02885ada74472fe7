"""Before and after on the same tasks: pass rates with intervals, and whether the difference can be chance."""

from collections.abc import Mapping
from math import comb

from pydantic import BaseModel, ConfigDict, Field

from trajectories.interval import wilson


class Comparison(BaseModel):
    """Two models on the same `n` tasks. Intervals are Wilson's, of 95 %."""

    model_config = ConfigDict(frozen=True)

    n: int
    pass_before: float
    pass_after: float
    before_interval: tuple[float, float]
    after_interval: tuple[float, float]
    gained: int = Field(description="tasks that only the second solves")
    lost: int = Field(description="tasks that only the first solves")
    p_value: float = Field(description="McNemar's exact test, two-sided")


def compare(before: Mapping[str, bool], after: Mapping[str, bool]) -> Comparison:
    """Task id -> solved, of both. Only tasks that both have an outcome of are compared."""
    tasks = sorted(before.keys() & after.keys())
    solved_before, solved_after = sum(before[task] for task in tasks), sum(after[task] for task in tasks)
    gained = sum(after[task] and not before[task] for task in tasks)
    lost = sum(before[task] and not after[task] for task in tasks)
    return Comparison(
        n=len(tasks),
        pass_before=solved_before / len(tasks) if tasks else 0.0,
        pass_after=solved_after / len(tasks) if tasks else 0.0,
        before_interval=wilson(solved_before, len(tasks)),
        after_interval=wilson(solved_after, len(tasks)),
        gained=gained,
        lost=lost,
        p_value=mcnemar(gained, lost),
    )


def mcnemar(gained: int, lost: int) -> float:
    """McNemar's exact test (McNemar, 1947): chance of a split of the discordant pairs as uneven as this, two-sided."""
    n = gained + lost
    tail = sum(comb(n, k) for k in range(min(gained, lost) + 1))
    return min(1.0, 2 * tail / float(2**n))
