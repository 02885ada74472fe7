"""`react` with the small real model, and `nop`, on the family `first_steps`: pass rates with 95 % Wilson intervals.

The model gets worked examples in its system prompt, which was tuned on the suite of seed 7: measure with another one.
Run: benchmarks/easy.py [SUITE] [--seed N] [--json]
"""

import argparse
import asyncio
import json
import os
import tempfile
from pathlib import Path

from agents.agent import AgentLimits
from agents.local_model import local_model
from agents.models import ModelConfig
from agents.registry import get_agent
from agents.rollout import roll_out
from environments import get_backend
from tasks.suite import open_suite
from tasks.templates import family_templates, load_template
from tasks.templates.generate import generate_templates
from trajectories.interval import wilson
from trajectories.rollout import RolloutKey

CALLS = (
    {"thought": "I read list.txt.", "tool": "read", "arguments": {"path": "list.txt"}},
    {"thought": "It says zebra. I write zebra into page.txt.", "tool": "write",
     "arguments": {"path": "page.txt", "content": "zebra"}},
    {"thought": "Done.", "tool": "submit", "arguments": {}},
)  # fmt: skip
READ, WRITE, SUBMIT = (json.dumps(call) for call in CALLS)
SYSTEM = f"""Do what the user asks, one tool call at a time, with the names and words that the user gives.

Example. User: Write the word zebra into page.txt.
You: {json.dumps({**CALLS[1], "thought": "I write zebra into page.txt."})}
You: {SUBMIT}

Example. User: Read list.txt and write its word into page.txt.
You: {READ}
Result: zebra
You: {WRITE}
You: {SUBMIT}"""


async def measure(folder: Path, cache: Path, jobs: int) -> dict[str, object]:
    backend = get_backend("bubblewrap")
    suite = open_suite(folder, cache=cache)
    tasks = sorted((suite.task(task_id) for task_id in suite.task_ids()), key=lambda task: task.id, reverse=True)
    slots = asyncio.Semaphore(jobs)

    async def passes(agent: str, number: int, model: ModelConfig | None) -> tuple[str, bool]:
        task = tasks[number]
        name = model.name if model else ""
        key = RolloutKey(suite_hash="easy", task_id=task.id, agent=agent, model=name, backend="bubblewrap")
        options = {"system": SYSTEM} if agent == "react" else {}
        async with slots:
            limits = AgentLimits(steps=3, seconds=240)
            rollout = await roll_out(task, get_agent(agent, **options), backend, key=key, limits=limits, model=model)
        print(task.id, agent, rollout.ending, rollout.verdict.reward, flush=True)
        return task.id.rpartition("-")[0], rollout.verdict.reward >= 1.0

    async with local_model(slots=jobs) as model:
        quick = model.model_copy(update={"max_tokens": 80, "temperature": 0.0})
        react = await asyncio.gather(*(passes("react", number, quick) for number in range(len(tasks))))
    nop = await asyncio.gather(*(passes("nop", number, None) for number in range(len(tasks))))
    figures: dict[str, object] = {"n": len(tasks)}
    for agent, results in (("react", react), ("nop", nop)):
        solved = sum(passed for _, passed in results)
        low, high = wilson(solved, len(results))
        figures |= {f"{agent}_pass": solved / len(results), f"{agent}_low": low, f"{agent}_high": high}
    for template in sorted({name for name, _ in react}):
        of = [passed for name, passed in react if name == template]
        figures[template] = f"{sum(of)} of {len(of)}"
    return {**figures, "load": os.getloadavg()[0]}


async def make_suite(folder: Path, cache: Path, seed: int) -> None:
    groups = [[load_template(file) for file in files] for files in family_templates("first_steps").values()]
    await generate_templates(groups, get_backend("bubblewrap"), out=folder, n=36, seed=seed, cache=cache, jobs=2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", nargs="?", type=Path, help="of first_steps; made where none is given")
    parser.add_argument("--seed", type=int, default=11, help="of the suite that is made")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        suite, cache = given.suite or Path(scratch) / "suite", Path(scratch) / "cache"
        if given.suite is None:
            asyncio.run(make_suite(suite, cache, given.seed))
        figures = asyncio.run(measure(suite, cache, given.jobs))
    for name, value in figures.items():
        print(f"{name:24} {value:.3f}" if isinstance(value, float) else f"{name:24} {value}")
    if given.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
