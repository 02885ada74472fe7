"""A reduced evaluation suite: few tasks that predict the score on all, and how well they do.

Facility location on outcomes (BenTo: Zhao et al., 2025; "How predictable are large language model capabilities?": Ye et
al., 2023): tasks are alike that the same agents solve. Each chosen task counts for those that are nearest to it. The
error is told by leaving one agent out at a time: its score is predicted from tasks that were chosen without it.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from trajectories.errors import BadSelection
from trajectories.selection.diversity import spread
from trajectories.store import Store

FEWEST_RUNS = 3


class ReducedSuite(BaseModel):
    """`weights`: task id -> the share of all tasks that it stands for. Errors are absolute, of a pass rate in 0…1."""

    model_config = ConfigDict(frozen=True)

    suite_hash: str
    tasks: int
    weights: dict[str, float]
    runs: tuple[str, ...]
    mean_error: float
    worst_error: float
    random_error: float
    """Of as many tasks drawn by chance, the mean of 20 draws: what the choice must beat."""


def reduce_suite(store: Store, suite_hash: str, *, share: float = 0.1, seed: int = 0) -> ReducedSuite:
    """Choose that share of a suite's tasks. Raises BadSelection where the store knows too little of it."""
    import numpy as np

    rates: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in store.rollouts(f"suite = '{suite_hash}' and unknown = false and privileged = false"):
        rates[f"{row.agent} {row.model}".strip()][row.task_id].append(row.reward)
    runs = sorted(rates)
    tasks = sorted({task for run in runs for task in rates[run]})
    whole = [run for run in runs if len(rates[run]) == len(tasks)]
    if len(whole) < FEWEST_RUNS:
        raise BadSelection(
            f"suite {suite_hash[:12]}: {len(whole)} agents were rolled out on all of its {len(tasks)} known tasks; "
            f"at least {FEWEST_RUNS} are needed to tell which tasks stand for others"
        )
    outcomes = np.array([[np.mean(rates[run][task]) for run in whole] for task in tasks])
    n = max(1, round(share * len(tasks)))
    chosen, weights = _choose(outcomes, n)
    errors, by_chance = [], []
    rng = np.random.default_rng(seed)
    for left_out in range(len(whole)):
        seen = np.delete(outcomes, left_out, axis=1)
        picked, parts = _choose(seen, n)
        truth = outcomes[:, left_out].mean()
        errors.append(abs(float(outcomes[picked, left_out] @ parts - truth)))
        draws = [rng.choice(len(tasks), n, replace=False) for _ in range(20)]
        by_chance.append(float(np.mean([abs(outcomes[draw, left_out].mean() - truth) for draw in draws])))
    return ReducedSuite(
        suite_hash=suite_hash,
        tasks=len(tasks),
        weights={tasks[at]: float(weight) for at, weight in zip(chosen, weights, strict=True)},
        runs=tuple(whole),
        mean_error=float(np.mean(errors)),
        worst_error=max(errors),
        random_error=float(np.mean(by_chance)),
    )


def _choose(outcomes: Any, n: int) -> tuple[Sequence[int], Any]:
    """Indices of tasks, and the share of tasks that each is nearest to."""
    import numpy as np

    distance = np.abs(outcomes[:, None, :] - outcomes[None, :, :]).mean(axis=2)
    chosen = spread(1.0 - distance, n)
    nearest = distance[:, chosen].argmin(axis=1)
    return chosen, np.bincount(nearest, minlength=len(chosen)) / len(outcomes)
