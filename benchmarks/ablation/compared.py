"""Two arms on the same tasks: the paired difference, its interval, and whether it can be chance."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from random import Random

from agents.training.significance import mcnemar

ROUNDS = 10_000


@dataclass(frozen=True)
class Compared:
    """`off`, `on`: shares solved. `low`, `high`: 95 % of `difference`, by bootstrap over the tasks. `p`: McNemar's,
    exact and two-sided, on `gained` and `lost`: tasks that only one of the two arms solved.
    """

    n: int
    off: float
    on: float
    difference: float
    low: float
    high: float
    gained: int
    lost: int
    p: float

    def row(self) -> dict[str, object]:
        return asdict(self)


def compared(off: Mapping[str, bool], on: Mapping[str, bool]) -> Compared:
    """Task -> solved, of both arms; tasks with an outcome in both count."""
    tasks = sorted(off.keys() & on.keys())
    differences = [float(on[task]) - float(off[task]) for task in tasks]
    gained, lost = differences.count(1.0), differences.count(-1.0)
    n = len(tasks)
    low, high = interval(differences)
    return Compared(
        n=n,
        off=sum(off[task] for task in tasks) / max(1, n),
        on=sum(on[task] for task in tasks) / max(1, n),
        difference=mean(differences),
        low=low,
        high=high,
        gained=gained,
        lost=lost,
        p=mcnemar(gained, lost),
    )


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def interval(differences: Sequence[float], *, rounds: int = ROUNDS) -> tuple[float, float]:
    """95 % of the mean, by the percentiles of a bootstrap over the tasks (Efron, 1979); -1 … 1 of nothing."""
    if not differences:
        return -1.0, 1.0
    rng = Random(0)
    return middle_95([mean(rng.choices(differences, k=len(differences))) for _ in range(rounds)])


def middle_95(values: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(values)
    return ordered[int(0.025 * len(ordered))], ordered[min(len(ordered) - 1, int(0.975 * len(ordered)))]
