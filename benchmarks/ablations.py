"""Each piece of agents/memory and agents/strategies on and off: the same tasks, the same seeds, the paired difference.

    python benchmarks/ablations.py [--json] [-n 4] [--only NAME …] [--steps 4]

With the small real model (`react` on first_steps tasks), with `repair` on tasks with two bugs, with `lookup` on
linked_facts. The memory comes from other tasks, solved by `clerk`. A difference is the mean over tasks of (solved with
the piece) - (solved without), with a 95 % interval by bootstrap and McNemar's exact p; on so few tasks it tells a
large effect from none, and no more.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from math import comb
from pathlib import Path
from random import Random

from agents.agent import AgentLimits
from agents.errors import ModelUnavailable
from agents.local_model import local_model
from agents.models import ModelConfig
from agents.registry import get_agent
from agents.rollout import roll_out
from agents.strategies.allocation.evaluation import Arm, Recorded, Rolled
from agents.strategies.allocation.search import best, search
from agents.strategies.allocation.space import Space
from environments import Diff, FileChange
from environments.registry import get_backend
from environments.sandbox import Backend, running
from tasks.folder import RepositoryTask, read_task, write_repository_task
from tasks.repository import prepare_repository
from tasks.source import fetch_source
from tasks.suite import open_suite
from tasks.task import Provenance, Task
from tasks.templates import family_templates, load_template
from tasks.templates.generate import generate_templates
from tasks.testrun import run_tests
from tasks.verifiers.data import PytestData
from tests.tiny_repository import TINY_FILES
from trajectories.rollout import Rollout, RolloutKey
from trajectories.store import Store, open_store

BUGS = (  # (file, clean, broken): each is found by one mutation, in tests of its own file
    ("tinylib/numbers.py", "    if value > high:\n", "    if value >= low:\n"),
    ("tinylib/numbers.py", "total = total + value", "total = total - value"),
    ("tinylib/text.py", "> width", ">= width"),
    ("tinylib/stack.py", "len(self) > self.size", "len(self) >= self.size"),
    ("tinylib/stack.py", "        if not self._items:\n", "        if self._items:\n"),
)
PAIRS = ((0, 2), (1, 2), (1, 3), (2, 3), (0, 3), (1, 4), (2, 4), (0, 4))


@dataclass(frozen=True)
class Ablation:
    """One comparison: an agent, and the same with a piece."""

    name: str
    agent: str
    piece: str
    tasks: str


REACT = (
    Ablation("workflows", "react", "workflows:when=offline", "steps"),
    Ablation("demonstrations", "react", "demonstrations:n=2:tokens=500", "steps"),
    Ablation("edit_state", "react", "edit_state", "steps"),
    Ablation("best_of_n", "react", "best_of_n:n=3", "steps"),
    Ablation("majority", "react", "majority:n=3", "steps"),
    Ablation("subgoals", "react", "subgoals:plan=model:most=2", "steps"),
    Ablation("stream_memory", "react", "stream_memory:above=100:chunks=3:edits=4", "facts"),
)
BY_RULE = (
    Ablation("subgoals (repair)", "repair", "subgoals", "bugs"),
    Ablation("edit_state (repair)", "repair", "edit_state", "bugs"),
    Ablation("stream_memory (lookup)", "lookup", "stream_memory:by=rules:above=100", "facts"),
)


def interval(differences: Sequence[float], *, rounds: int = 5000) -> tuple[float, float]:
    """95 % of the mean, by bootstrap over the tasks."""
    rng = Random(0)
    means = sorted(sum(rng.choices(differences, k=len(differences))) / len(differences) for _ in range(rounds))
    return means[int(0.025 * rounds)], means[int(0.975 * rounds)]


def mcnemar(gained: int, lost: int) -> float:
    """Exact two-sided p of as uneven a split of the tasks that differ."""
    n = gained + lost
    return min(1.0, 2 * sum(comb(n, k) for k in range(min(gained, lost) + 1)) / 2**n) if n else 1.0


async def of_family(name: str, n: int, seed: int, backend: Backend, folder: Path, cache: Path) -> list[Task]:
    groups = [[load_template(file) for file in files] for files in family_templates(name).values()]
    out = folder / f"{name}-{seed}"
    await generate_templates(groups, backend, out=out, n=n, seed=seed, cache=cache, jobs=2)
    return list(open_suite(out, cache=cache).tasks())[:n]


async def with_two_bugs(n: int, backend: Backend, folder: Path, cache: Path) -> list[Task]:
    """Tasks of a tiny repository with two bugs in different modules; all their failing tests are shown."""
    code = folder / "tinylib"
    for path, text in TINY_FILES.items():
        (code / path).parent.mkdir(parents=True, exist_ok=True)
        (code / path).write_text(text)
    repository = await prepare_repository(fetch_source(str(code), cache=cache), backend, cache=cache)
    source, tasks = repository.source, []
    for number, pair in enumerate(PAIRS[:n]):
        changes = []
        for path, clean, broken in (BUGS[at] for at in pair):
            before = TINY_FILES[path]
            assert before.count(clean) >= 1, (path, clean)
            changes.append(
                FileChange(path=path, before=before.replace(clean, broken, 1).encode(), after=before.encode())
            )
        files = {change.path: change.before or b"" for change in changes}
        async with running(backend, repository.verifier_spec()) as sandbox:
            await sandbox.write_files(files)
            report = await run_tests(sandbox, repository.stable_tests, timeout_sec=60)
        failing = tuple(result.node_id for result in report.results if result.outcome != "passed")
        draft = RepositoryTask(
            id=f"two-bugs-{number}",
            instruction="Some tests fail. Make them pass.",
            provenance=Provenance(source=source.spec, source_hash=source.hash, repository=source.name),
            files=files,
            reference=Diff(changes=tuple(changes)),
            verifier_data=PytestData(
                fail_to_pass=failing,
                stable_tests=repository.stable_tests,
                shown=failing,
                import_paths=repository.recipe.import_paths,
                per_test_timeout_sec=5.0,
            ),
        )
        write_repository_task(draft, repository, folder / "bugs" / draft.id)
        tasks.append(read_task(folder / "bugs" / draft.id, cache=cache))
    return tasks


@dataclass
class Bench:
    """Rollouts of this run; those without a piece are made once."""

    backend: Backend
    limits: AgentLimits
    model: ModelConfig | None
    store: Store
    done: dict[tuple[str, str], Rollout]

    async def roll(self, name: str, task: Task, *, is_kept: bool = False) -> Rollout:
        if (name, task.id) not in self.done:
            agent = get_agent(name)
            model = self.model if getattr(agent, "needs_model", False) else None
            if look := getattr(agent, "open", None):
                await asyncio.to_thread(look, self.store)
            key = RolloutKey(
                suite_hash="ablations",
                task_id=task.id,
                agent=name,
                model=model.name if model else "",
                backend=self.backend.name,
            )
            limits = self.limits if model else AgentLimits(steps=1000, seconds=120)
            if model and ":n=3" in name:  # shared out among the attempts: each has what the agent alone has
                limits = limits.model_copy(update={"steps": 3 * limits.steps, "seconds": 3 * limits.seconds})
            rollout = await roll_out(task, agent, self.backend, key=key, limits=limits, model=model)
            if is_kept:
                self.store.record(rollout)
            self.done[name, task.id] = rollout
        return self.done[name, task.id]

    async def compare(self, ablation: Ablation, tasks: Sequence[Task]) -> dict[str, object]:
        pairs = []
        start = time.perf_counter()
        for task in tasks:
            without = await self.roll(ablation.agent, task)
            with_it = await self.roll(f"{ablation.agent}+{ablation.piece}", task)
            if not without.is_unknown and not with_it.is_unknown:
                pairs.append((without, with_it))
        solved = [(bool(one.verdict.is_solved), bool(other.verdict.is_solved)) for one, other in pairs]
        differences = [float(other) - float(one) for one, other in solved]
        low, high = interval(differences) if differences else (-1.0, 1.0)
        return {
            "n": len(pairs),
            "off": sum(one for one, _ in solved) / max(1, len(pairs)),
            "on": sum(other for _, other in solved) / max(1, len(pairs)),
            "difference": sum(differences) / max(1, len(pairs)),
            "low": low,
            "high": high,
            "p": mcnemar(differences.count(1.0), differences.count(-1.0)),
            "steps": sum(len(other.trajectory.steps) - len(one.trajectory.steps) for one, other in pairs)
            / max(1, len(pairs)),
            "tokens": sum(
                other.prompt_tokens + other.completion_tokens - one.prompt_tokens - one.completion_tokens
                for one, other in pairs
            )
            / max(1, len(pairs)),
            "seconds": time.perf_counter() - start,
        }


def drawn_outcomes(rng: Random) -> tuple[Space, Recorded]:
    """Recorded outcomes of three sub-tasks and four arms of different price, each arm good at something of its own."""
    costs = {"small": 1.0, "medium": 3.0, "large": 8.0, "odd": 2.0}
    recorded = Recorded(seed=rng.randrange(10**6))
    subtasks = ("find", "change", "tell")
    for subtask in subtasks:
        for arm, cost in costs.items():
            single = min(0.95, max(0.02, rng.gauss(0.25 + 0.05 * cost, 0.25)))
            for task in range(40):
                # Wrong answers differ from each other, right ones do not: what makes a vote worth something.
                recorded.outcomes[subtask, arm][str(task)] = [
                    ("right", True) if rng.random() < single else (f"wrong {rng.randrange(6)}", False) for _ in range(8)
                ]
    return Space(subtasks=subtasks, costs=costs, samples=(1, 2, 4, 8), budget=24.0), recorded


async def allocations(spaces: int, trials: int) -> dict[str, dict[str, object]]:
    """The best score found by each search within the same trials, paired by space."""
    found: dict[str, list[float]] = {"guided": [], "random": [], "grid": []}
    for number in range(spaces):
        space, recorded = drawn_outcomes(Random(number))
        for strategy, scores in found.items():
            done = await search(space, recorded, trials=trials, strategy=strategy, seed=number)  # type: ignore[arg-type]
            scores.append(best(done).score)
    rows = {}
    for other in ("random", "grid"):
        differences = [one - two for one, two in zip(found["guided"], found[other], strict=True)]
        low, high = interval(differences)
        rows[f"allocation (guided - {other})"] = {
            "n": spaces,
            "off": sum(found[other]) / spaces,
            "on": sum(found["guided"]) / spaces,
            "difference": sum(differences) / spaces,
            "low": low,
            "high": high,
        }
    return rows


async def real_allocation(bench: Bench, tasks: dict[str, list[Task]], trials: int) -> dict[str, dict[str, object]]:
    """The same on real rollouts of agents without a model: what each search has found after so few trials."""
    arms = {
        "clerk": Arm("clerk"),
        "lookup 1": Arm("lookup", {"patience": 1}),
        "lookup 12": Arm("lookup"),
        "nop": Arm("nop"),
    }
    space = Space(
        subtasks=tuple(tasks),
        costs={"clerk": 2.0, "lookup 1": 2.0, "lookup 12": 4.0, "nop": 1.0},
        samples=(1, 2),
        budget=7.0,
        is_chain=False,
    )
    rolled = Rolled(tasks=tasks, arms=arms, backend=bench.backend, limits=AgentLimits(seconds=60))
    scores = {}
    for strategy in ("guided", "random", "grid"):
        done = await search(space, rolled, trials=trials, strategy=strategy, seed=1)  # type: ignore[arg-type]
        scores[strategy] = best(done).score
    n = sum(map(len, tasks.values()))
    return {
        f"allocation (real, guided - {other})": {
            "n": n, "off": scores[other], "on": scores["guided"], "difference": scores["guided"] - scores[other]
        }
        for other in ("random", "grid")
    }  # fmt: skip


async def measure(arguments: argparse.Namespace) -> dict[str, dict[str, object]]:
    cache = Path("~/.cache/gristmill").expanduser()
    backend = get_backend("bubblewrap")
    wanted = [each for each in (*BY_RULE, *REACT) if not arguments.only or each.name in arguments.only]
    rows: dict[str, dict[str, object]] = {}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store = stack.enter_context(open_store(folder / "store"))
        model = None
        try:
            if any(each.agent == "react" for each in wanted):
                found = await stack.enter_async_context(local_model())
                model = found.model_copy(update={"max_tokens": 80})
        except ModelUnavailable as missing:
            print(f"without the small model: {missing}")
        limits = AgentLimits(steps=arguments.steps, seconds=200)
        bench = Bench(backend, limits, model, store, {})
        n = arguments.n
        kinds = {each.tasks for each in wanted}
        tasks: dict[str, list[Task]] = {"bugs": [], "facts": [], "steps": []}
        if "bugs" in kinds:
            tasks["bugs"] = await with_two_bugs(min(n, len(PAIRS)), backend, folder, cache)
        tasks["facts"] = await of_family("linked_facts", n, 1, backend, folder, cache)
        tasks["steps"] = await of_family("first_steps", n, 1, backend, folder, cache)
        for task in await of_family("first_steps", 12, 2, backend, folder, cache) if "steps" in kinds else []:
            await bench.roll("clerk", task, is_kept=True)  # what memory is made from: other tasks than those asked
        for ablation in wanted:
            if ablation.agent == "react" and model is None:
                continue
            rows[ablation.name] = await bench.compare(ablation, tasks[ablation.tasks])
            _tell(ablation.name, rows[ablation.name])
        if not arguments.only or "allocation" in arguments.only:
            more = await allocations(arguments.spaces, arguments.trials)
            more |= await real_allocation(bench, {"facts": tasks["facts"], "steps": tasks["steps"]}, 4)
            for name, row in more.items():
                _tell(name, row)
            rows |= more
    return rows


def _tell(name: str, row: dict[str, object]) -> None:
    low, high = row.get("low"), row.get("high")
    around = f"{low:+.2f} … {high:+.2f}" if isinstance(low, float) and isinstance(high, float) else "one search each"
    told = [f"{name:<34} n={row['n']:<3} off {row['off']:.2f} on {row['on']:.2f}"]
    told.append(f"difference {row['difference']:+.2f} ({around})")
    if "p" in row:
        told.append(f"p={row['p']:.2f} steps {row['steps']:+.1f} tokens {row['tokens']:+.0f} in {row['seconds']:.0f} s")
    print("  ".join(told), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("-n", type=int, default=4, help="tasks of each comparison")
    parser.add_argument("--steps", type=int, default=4, help="step limit of react")
    parser.add_argument("--spaces", type=int, default=40, help="spaces of recorded outcomes for the allocation")
    parser.add_argument("--trials", type=int, default=8, help="trials of each search")
    parser.add_argument("--only", action="append", help="one comparison by its name; several may be given")
    arguments = parser.parse_args()
    rows = asyncio.run(measure(arguments))
    print(f"load {os.getloadavg()[0]:.1f}")
    if arguments.json:
        print(json.dumps({"ablations": rows, "load": os.getloadavg()[0]}))


if __name__ == "__main__":
    main()
