"""Short rollouts end to end: sandbox, oracle, diff, fresh sandbox, verifier, verdict, store.

    python benchmarks/rollouts.py [--json] [-n 8] [-j 4] [--rounds 3]

Tasks are trivial on purpose (write one file), so that what is measured is Gristmill and not the tests.
The floor is the bare tool doing the least that two sandboxes a rollout need, in the same run and
interleaved: `docker run --rm` twice a rollout; `bwrap` twice a rollout.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agents.agent import AgentLimits
from agents.registry import get_agent
from agents.rollout import roll_out
from environments.registry import get_backend
from environments.sandbox import Backend
from tasks.suite import open_suite, prepare_suite
from trajectories.rollout import RolloutKey
from trajectories.store import open_store

TASK = """schema_version = "1.1"

[task]
name = "bench/hello"

[verifier]
timeout_sec = 60.0

[agent]
timeout_sec = 60.0

[environment]
docker_image = "{image}"
workdir = "/workspace"
cpus = 1
memory_mb = 512
"""
TEST = """#!/bin/sh
mkdir -p /logs/verifier
if [ "$(cat /workspace/hello.txt)" = "hello world" ]; then echo 1; else echo 0; fi > /logs/verifier/reward.txt
"""


def write_suite(folder: Path, n: int, image: str) -> Path:
    """`n` folders in Harbor's format, as somebody else would write them."""
    for number in range(n):
        task = folder / f"hello-{number}"
        for name in ("environment", "tests", "solution"):
            (task / name).mkdir(parents=True)
        (task / "task.toml").write_text(TASK.format(image=image))
        (task / "instruction.md").write_text("Write `hello world` into /workspace/hello.txt.\n")
        (task / "tests" / "test.sh").write_text(TEST)
        (task / "solution" / "solve.sh").write_text("#!/bin/sh\necho 'hello world' > /workspace/hello.txt\n")
    return folder


async def roll_out_all(suite_folder: Path, backend: Backend, jobs: int, store_folder: Path, cache: Path) -> float:
    """Seconds for one oracle rollout of each task, `jobs` at a time, stored."""
    suite = open_suite(suite_folder, cache=cache)
    await prepare_suite(suite, backend, cache=cache)
    slots = asyncio.Semaphore(jobs)
    agent = get_agent("oracle")
    with open_store(str(store_folder)) as store:

        async def one(task_id: str) -> None:
            key = RolloutKey(suite_hash="bench", task_id=task_id, agent="oracle", backend=backend.name)
            async with slots:
                rollout = await roll_out(suite.task(task_id), agent, backend, key=key, limits=AgentLimits(), model=None)
            if not rollout.verdict.is_solved:
                raise SystemExit(f"{task_id} on {backend.name}: {rollout.ending} {rollout.verdict}")
            store.record(rollout)

        start = time.perf_counter()
        await asyncio.gather(*(one(task_id) for task_id in suite.task_ids()))
        return time.perf_counter() - start


def bare(command: list[str], n: int, jobs: int) -> float:
    """Seconds for `command` run twice for each of `n`, `jobs` at a time."""
    start = time.perf_counter()
    running: list[subprocess.Popen[bytes]] = []
    for _ in range(2 * n):
        while len(running) >= jobs:
            running = [process for process in running if process.poll() is None]
            time.sleep(0.001)
        running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
    for process in running:
        process.wait()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("-n", type=int, default=8)
    parser.add_argument("-j", "--jobs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    cache = Path("~/.cache/gristmill").expanduser()
    docker = get_backend("docker", cache=cache)
    if missing := docker.missing():
        raise SystemExit("\n".join(missing))
    image = asyncio.run(docker.base_image())  # type: ignore[attr-defined]
    floor = ["docker", "run", "--rm", "--network", "none", image, "true"]

    seconds: dict[str, list[float]] = {"gristmill docker": [], "docker run --rm, twice": []}
    measures: dict[str, Callable[[Path], float]] = {
        "gristmill docker": lambda folder: asyncio.run(
            roll_out_all(
                write_suite(folder / "suite", arguments.n, image), docker, arguments.jobs, folder / "store", cache
            )
        ),
        "docker run --rm, twice": lambda folder: bare(floor, arguments.n, arguments.jobs),
    }
    for _ in range(arguments.rounds):
        for name, measure in measures.items():
            with tempfile.TemporaryDirectory() as folder:
                seconds[name].append(measure(Path(folder)))

    medians = {name: statistics.median(values) for name, values in seconds.items()}
    print(f"{arguments.n} oracle rollouts, {arguments.jobs} at a time, median of {arguments.rounds} rounds")
    for name, value in medians.items():
        print(f"  {name:<28} {value:6.2f} s   {60 * arguments.n / value:7.0f} a minute")
    if arguments.json:
        print(
            json.dumps(
                {
                    "docker_8x4_seconds": medians["gristmill docker"],
                    "rollouts_per_minute": 60 * arguments.n / medians["gristmill docker"],
                    "overhead_ratio": medians["gristmill docker"] / medians["docker run --rm, twice"],
                }
            )
        )


if __name__ == "__main__":
    main()
