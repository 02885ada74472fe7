"""The run: tasks, memory, student, arms, tables."""

import argparse
import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from agents.local_model import local_model
from agents.models import ModelConfig
from agents.strategies.allocation.evaluation import Outcome
from agents.strategies.allocation.space import Space
from agents.strategies.scorer import save_scorer
from agents.strategies.training import train_scorer
from benchmarks.ablation.allocating import Searched, made_up, searched
from benchmarks.ablation.answers import keeping
from benchmarks.ablation.bench import Bench, Results
from benchmarks.ablation.compared import Compared, compared, mean
from benchmarks.ablation.plan import BASE, SETS, STUDENT, WHY_NOT, Arm, comparisons
from benchmarks.ablation.sets import TRAINING_SEED, tasks_of
from benchmarks.ablation.student import teach, tuned
from environments import get_backend
from tasks import Task
from trajectories.store import open_store

TAUGHT = {"first_steps": 36, "two_words": 12, "long_list": 12}  # tasks that the student and the memory learn from
SCORED = 18  # tasks of first_steps that the scorer is trained on, and the allocation searched on
ATTEMPTS = 3


class Run:
    """One folder: `results.jsonl`, the answers, the suites, the student. Nothing in it is done twice."""

    def __init__(self, folder: Path, cache: Path, n: int | None) -> None:
        self.folder, self.cache, self.n = folder, cache, n
        folder.mkdir(parents=True, exist_ok=True)
        self.backend = get_backend("bubblewrap")
        self._tasks: dict[tuple[str, int, int], list[Task]] = {}

    async def tasks(self, name: str, n: int, seed: int | None = None) -> list[Task]:
        options = {} if seed is None else {"seed": seed}
        key = (name, n, seed or 0)
        if key not in self._tasks:
            self._tasks[key] = await tasks_of(
                name, n, backend=self.backend, folder=self.folder / "suites", cache=self.cache, **options
            )
        return self._tasks[key]

    async def asked(self, name: str) -> list[Task]:
        return (await self.tasks(name, SETS[name].n))[: self.n]

    @asynccontextmanager
    async def opened(self, *, is_modelled: bool) -> AsyncIterator[Bench]:
        async with AsyncExitStack() as stack:
            memory = stack.enter_context(open_store(self.folder / "memory"))
            models: dict[str, ModelConfig] = {}
            if is_modelled:
                for name, n in TAUGHT.items():
                    held_out = {task.instruction for task in await self.tasks(name, SETS[name].n)}
                    taught = await self.tasks(name, n, TRAINING_SEED)
                    await teach([task for task in taught if task.instruction not in held_out], memory, self.backend)
                weights = await asyncio.to_thread(tuned, memory, self.folder, self.cache)
                for name, file in (("base", None), ("student", weights)):
                    served = await stack.enter_async_context(local_model(weights=file))
                    url, _ = stack.enter_context(keeping(served.base_url, self.folder / f"answers-{name}.jsonl"))
                    changes = {"name": name, "base_url": url, "tokens": "no", "timeout_sec": 240.0}
                    models[name] = served.model_copy(update=changes)
            yield Bench(self.backend, models, memory, Results(self.folder / "results.jsonl"))

    async def scorer(self, bench: Bench) -> Path:
        """Trained on the student's attempts at other tasks."""
        file = self.folder / "scorer.json"
        if not file.is_file():
            with open_store(self.folder / "attempts") as store:
                bench.kept = store
                await self.attempts(bench, STUDENT)
                bench.kept = None
                save_scorer(await asyncio.to_thread(train_scorer, store), file)
        return file

    async def attempts(self, bench: Bench, arm: Arm, times: int = ATTEMPTS) -> dict[str, list[Outcome]]:
        """Task -> what each attempt came to, on the tasks of the scorer."""
        tasks = await self.tasks("first_steps", SCORED, TRAINING_SEED + 1)
        found: dict[str, list[Outcome]] = {}
        for attempt in range(times):
            for task, outcome in (await bench.run(arm, tasks, attempt=attempt)).items():
                found.setdefault(task, []).append((outcome.came_to, outcome.solved))
        return found

    async def allocation(self, bench: Bench, trials: int) -> dict[str, Searched]:
        """Sub-tasks: the templates of first_steps; arms: both models, the student hot and cold (of which further
        attempts are the same); their tokens are the cost.
        """
        arms = {
            "student, hot": (STUDENT, ATTEMPTS),
            "student, cold": (replace(STUDENT, temperature=0.0), 1),
            "untuned, cold": (BASE, 1),
        }
        outcomes: dict[tuple[str, str], dict[str, list[Outcome]]] = {}
        costs: dict[str, float] = {}
        for name, (arm, times) in arms.items():
            tried = await self.attempts(bench, arm, times)
            for task, each in tried.items():
                outcomes.setdefault((task.rpartition("-")[0], name), {})[task] = each
            spent = [bench.results.get(arm.label, task, 0) for task in tried]
            costs[name] = mean([outcome.tokens / 1000 for outcome in spent if outcome])
        subtasks = tuple(sorted({subtask for subtask, _ in outcomes}))
        budget = 1.7 * len(subtasks) * max(costs.values())
        space = Space(subtasks=subtasks, costs=costs, samples=(1, 2, 3), budget=budget, is_chain=False)
        return await searched(outcomes, space, trials=trials)


async def measure(given: argparse.Namespace) -> dict[str, dict[str, object]]:
    run = Run(given.folder, given.cache, given.n)
    rows: dict[str, dict[str, object]] = {}
    everything = comparisons(str(run.folder / "scorer.json"))
    wanted = [each for each in everything if not given.only or each.name.startswith(tuple(given.only))]
    is_allocating = not given.only or "allocation".startswith(tuple(given.only))
    async with run.opened(is_modelled=is_allocating or any(each.on.model for each in wanted)) as bench:
        for comparison in wanted:
            start = time.monotonic()
            if "scorer=" in comparison.on.agent:
                await run.scorer(bench)
            tasks = await run.asked(comparison.on.tasks)
            off, on = await bench.run(comparison.off, tasks), await bench.run(comparison.on, tasks)
            found = compared(
                {task: each.solved for task, each in off.items()}, {task: each.solved for task, each in on.items()}
            )
            tokens = mean([on[task].tokens - off[task].tokens for task in off.keys() & on.keys()])
            rows[comparison.name] = {
                **found.row(), "tokens": tokens, "seconds": time.monotonic() - start, "arm": comparison.on.label
            }  # fmt: skip
            _tell(comparison.name, found, f"p={found.p:.2g} {tokens:+.0f} tokens, {time.monotonic() - start:.0f} s")
        if is_allocating:
            real = await run.allocation(bench, given.trials)
            for kind, by_other in (("", real), (", made up", await made_up(given.spaces, trials=given.trials))):
                for other, result in by_other.items():
                    name = f"allocation, guided - {other}{kind}"
                    rows[name] = asdict(result)
                    _tell(name, result)
    return rows


def _tell(name: str, row: Compared | Searched, more: str = "") -> None:
    shares = f"off {row.off:.2f} on {row.on:.2f}"
    print(
        f"{name:<38} n={row.n:<3} {shares}  {row.difference:+.2f} ({row.low:+.2f} to {row.high:+.2f})  {more}",
        flush=True,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    cache = Path("~/.cache/gristmill").expanduser()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("-n", type=int, help="tasks of each set, at most; default: 36, or 30")
    parser.add_argument("--only", action="append", help="comparisons whose names begin so; several may be given")
    parser.add_argument("--trials", type=int, default=8, help="trials of each search")
    parser.add_argument("--spaces", type=int, default=40, help="made-up spaces for the allocation")
    parser.add_argument("--cache", type=Path, default=cache)
    parser.add_argument("--folder", type=Path, default=cache / "ablations", help="kept, and gone on with")
    given = parser.parse_args(arguments)
    started = time.monotonic()
    rows = asyncio.run(measure(given))
    for agent, reasons in WHY_NOT.items():
        for pieces, why in reasons.items():
            print(f"{pieces} with {agent}: not measured: {why}")
    load = os.getloadavg()[0]
    print(f"{datetime.now(UTC):%Y-%m-%d}, {time.monotonic() - started:.0f} s, load {load:.1f}")
    if given.json:
        print(json.dumps({"ablations": rows, "load": load}))
