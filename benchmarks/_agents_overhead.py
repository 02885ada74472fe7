"""What an agent costs beside its model: 64 `react` rollouts at once against a quick server in a process of its own.

    python benchmarks/agents.py [--json] [-n 64] [--steps 10] [--delay 0.5]

The sandboxes are real (bubblewrap). Their share is measured apart, in the same run, by an agent that makes the same
calls without a model; `cpu_ms_per_step` is what `react` takes of this process's CPU beyond it (LangChain, HTTP, JSON,
recording), `all_ms_per_step` is everything in this process, `sandbox_ms_per_step` what the sandboxes' own processes
take. Memory is the peak above that before the rollouts began. `busy`: the share of time that the server had work.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from agents.agent import Agent, AgentLimits, Session
from agents.models import ModelConfig
from agents.registry import get_agent
from agents.rollout import roll_out
from environments import Backend, get_backend
from tasks.suite import open_suite
from tasks.task import Task
from tasks.templates import family_templates, load_template
from tasks.templates.generate import generate_templates
from tasks.verdict import Verdict
from trajectories.rollout import RolloutKey

SERVER = Path(__file__).with_name("_quick_server.py")


class Scripted:
    """The calls that the quick server asks for, without a model."""

    name = "scripted"
    version = "1"

    def __init__(self, steps: int, delay: float) -> None:
        self.steps, self.delay = steps, delay

    async def act(self, session: Session) -> None:
        for _ in range(self.steps - 1):
            await asyncio.sleep(self.delay)
            await session.call("write", {"path": "a.txt", "content": "a"})
        await session.call("submit", {})


@dataclass(frozen=True)
class Cost:
    """CPU in seconds, memory in MB above that before."""

    own: float
    children: float
    wall: float
    megabytes: float


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def rollouts(agent: Agent, model: ModelConfig | None, task: Task, backend: Backend, n: int, steps: int) -> Cost:
    peak = before = resident_mb()

    async def watch() -> None:
        nonlocal peak
        while True:
            peak = max(peak, resident_mb())
            await asyncio.sleep(0.05)

    async def one(number: int) -> None:
        key = RolloutKey(suite_hash="bench", task_id=task.id, agent=agent.name, backend="bubblewrap", attempt=number)
        limits = AgentLimits(steps=steps + 2, seconds=300)
        rollout = await roll_out(task, agent, backend, key=key, limits=limits, model=model, verdicts=verdicts)
        assert rollout.ending == "submitted", f"{rollout.ending}: {rollout.ending_detail}"

    verdicts: dict[str, Verdict] = {}  # all come to the same files: judged once, as this is not about verifiers
    watching = asyncio.create_task(watch())
    start, own, children = time.perf_counter(), time.process_time(), children_cpu()
    await asyncio.gather(*(one(number) for number in range(n)))
    cost = Cost(time.process_time() - own, children_cpu() - children, time.perf_counter() - start, peak - before)
    watching.cancel()
    return cost


def children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def measure(n: int, steps: int, delay: float, scratch: Path) -> dict[str, float]:
    backend = get_backend("bubblewrap")
    groups = [[load_template(file) for file in family_templates("first_steps")["first_steps"][-1:]]]
    await generate_templates(groups, backend, out=scratch / "suite", n=1, seed=1, cache=scratch, jobs=1)
    suite = open_suite(scratch / "suite", cache=scratch)
    task = suite.task(suite.task_ids()[0])
    server = subprocess.Popen([sys.executable, str(SERVER), str(delay), str(steps)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        model = ModelConfig(name="quick", model="quick", base_url=f"{url}/v1", concurrency=n)
        react, scripted = get_agent("react"), Scripted(steps, delay)
        await rollouts(react, model, task, backend, 1, steps)  # imports, caches
        await rollouts(scripted, None, task, backend, 1, steps)
        without = await rollouts(scripted, None, task, backend, n, steps)
        began = requests_of(url)
        cost = await rollouts(react, model, task, backend, n, steps)
        ended = requests_of(url)
    finally:
        server.kill()
        server.wait()
    count = n * steps
    had = ended["busy"] * ended["seconds"] - began["busy"] * began["seconds"]
    return {
        "cpu_ms_per_step": 1000 * (cost.own - without.own) / count,
        "all_ms_per_step": 1000 * cost.own / count,
        "sandbox_ms_per_step": 1000 * cost.children / count,
        "mb_per_rollout": cost.megabytes / n,
        "busy": min(1.0, had / cost.wall),
        "most_at_once": ended["most_at_once"],
        "wall_seconds": cost.wall,
        "rollouts": n,
        "steps": steps,
        "delay_seconds": delay,
        "load": os.getloadavg()[0],
    }


def requests_of(url: str) -> dict[str, float]:
    with urlopen(f"{url}/busy", timeout=10) as answer:
        return dict(json.loads(answer.read()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=64, help="rollouts at once")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--delay", type=float, default=0.5, help="seconds that the server takes for an answer")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        figures = asyncio.run(measure(given.n, given.steps, given.delay, Path(scratch)))
    for name, value in figures.items():
        print(f"{name:22} {value:10.2f}")
    if given.json:
        print(json.dumps({name: round(value, 4) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
