"""AgentTTS against random and grid search, on outcomes of the small model: which arm, and how many attempts, for each
sub-task under one budget.

The search sees some of the tasks, and what it finds is judged on others: the tasks are drawn anew with replacement,
searched on, and those that were not drawn judge (a bootstrap's out-of-bag part). So the interval is over tasks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from agents.strategies.allocation.evaluation import Outcome, Recorded
from agents.strategies.allocation.search import Strategy, best, search
from agents.strategies.allocation.space import Space
from benchmarks.ablation.compared import mean, middle_95

STRATEGIES: tuple[Strategy, ...] = ("guided", "random", "grid")
Outcomes = Mapping[tuple[str, str], Mapping[str, Sequence[Outcome]]]
"""(sub-task, arm) -> task -> its attempts."""


@dataclass(frozen=True)
class Searched:
    """`off`: the baseline's mean score on tasks that it had not seen; `on`: that of the guided search."""

    n: int
    off: float
    on: float
    difference: float
    low: float
    high: float


async def searched(outcomes: Outcomes, space: Space, *, trials: int, draws: int = 200) -> dict[str, Searched]:
    """Baseline -> how it compares. `n`: tasks of all sub-tasks together."""
    scores: dict[str, list[float]] = {strategy: [] for strategy in STRATEGIES}
    for number in range(draws):
        rng = Random(number)
        seen, unseen = _drawn(outcomes, space.subtasks, rng)
        for strategy in STRATEGIES:
            done = await search(space, seen, trials=trials, strategy=strategy, seed=number)
            scores[strategy].append(space.score(dict(await unseen(best(done).allocation))))
    n = sum(len(_tasks(outcomes, subtask)) for subtask in space.subtasks)
    return {other: _against(n, scores[other], scores["guided"]) for other in ("random", "grid")}


def _against(n: int, off: Sequence[float], on: Sequence[float]) -> Searched:
    differences = [one - other for one, other in zip(on, off, strict=True)]
    low, high = middle_95(differences)
    return Searched(n, mean(off), mean(on), mean(differences), low, high)


def _tasks(outcomes: Outcomes, subtask: str) -> list[str]:
    return sorted({task for (name, _), of_task in outcomes.items() if name == subtask for task in of_task})


def _drawn(outcomes: Outcomes, subtasks: Sequence[str], rng: Random) -> tuple[Recorded, Recorded]:
    """Outcomes of the drawn tasks (as often as they were drawn), and of those that were not."""
    seen, unseen = Recorded(seed=0), Recorded(seed=0)
    for subtask in subtasks:
        tasks = _tasks(outcomes, subtask)
        drawn = rng.choices(tasks, k=len(tasks))
        left = [task for task in tasks if task not in drawn] or tasks
        for (name, arm), of_task in outcomes.items():
            if name == subtask:
                seen.outcomes[name, arm] = {f"{task} {at}": list(of_task[task]) for at, task in enumerate(drawn)}
                unseen.outcomes[name, arm] = {task: list(of_task[task]) for task in left}
    return seen, unseen


def drawn_space(rng: Random) -> tuple[Space, Outcomes]:
    """Made-up outcomes: three sub-tasks and four arms of different price, each arm good at something of its own."""
    costs = {"small": 1.0, "medium": 3.0, "large": 8.0, "odd": 2.0}
    subtasks = ("find", "change", "tell")
    outcomes: dict[tuple[str, str], dict[str, list[Outcome]]] = {}
    for subtask in subtasks:
        for arm, cost in costs.items():
            single = min(0.95, max(0.02, rng.gauss(0.25 + 0.05 * cost, 0.25)))
            # Wrong answers differ from each other, right ones do not: what makes a vote worth something.
            outcomes[subtask, arm] = {
                str(task): [
                    ("right", True) if rng.random() < single else (f"wrong {rng.randrange(6)}", False) for _ in range(8)
                ]
                for task in range(40)
            }
    return Space(subtasks=subtasks, costs=costs, samples=(1, 2, 4, 8), budget=24.0), outcomes


async def made_up(spaces: int, *, trials: int) -> dict[str, Searched]:
    """The same on `spaces` made-up spaces, judged on what was searched on: `n` spaces, the interval over them."""
    from benchmarks.ablation.compared import interval

    scores: dict[str, list[float]] = {strategy: [] for strategy in STRATEGIES}
    for number in range(spaces):
        space, outcomes = drawn_space(Random(number))
        recorded = Recorded(seed=number)
        for key, of_task in outcomes.items():
            recorded.outcomes[key] = {task: list(tried) for task, tried in of_task.items()}
        for strategy in STRATEGIES:
            scores[strategy].append(
                best(await search(space, recorded, trials=trials, strategy=strategy, seed=number)).score
            )
    rows = {}
    for other in ("random", "grid"):
        differences = [one - two for one, two in zip(scores["guided"], scores[other], strict=True)]
        low, high = interval(differences)
        rows[other] = Searched(spaces, mean(scores[other]), mean(scores["guided"]), mean(differences), low, high)
    return rows
