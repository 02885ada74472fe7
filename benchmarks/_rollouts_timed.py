"""What benchmarks/rollouts.py times of ours: rollouts from end to end, and their sandboxes alone; and the clocks."""

import asyncio
import gc
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _accounting import Accounting

from agents.agent import Agent, AgentLimits, Session
from agents.rollout import roll_out
from environments import Mount, SandboxSpec, running
from environments.sandbox import Backend
from tasks.suite import Suite, open_suite, prepare_suite
from trajectories.rollout import RolloutKey
from trajectories.store import Store, open_store

TASK = """schema_version = "1.1"

[task]
name = "bench/{name}"

[verifier]
timeout_sec = 60.0

[agent]
timeout_sec = 60.0

[environment]
{image}workdir = "/workspace"
cpus = 1
memory_mb = 512
"""
TEST = """#!/bin/sh
mkdir -p /logs/verifier
if [ "$(cat /workspace/hello.txt)" = "hello world" ]; then echo 1; else echo 0; fi > /logs/verifier/reward.txt
"""
SOLVE = "echo 'hello world' > /workspace/hello.txt"
COMMANDS = {"oracle": [SOLVE], "scripted": ["ls -la /workspace", SOLVE, "cat /workspace/hello.txt"]}
TICKS = os.sysconf("SC_CLK_TCK")

counted: list[Accounting] = []  # one, while the benchmark runs, where there is such a control group

Figures = dict[str, float]


class Scripted:
    """Fixed commands by the bash tool, then submit."""

    name = "scripted"
    version = "1"

    async def act(self, session: Session) -> None:
        for command in COMMANDS["scripted"]:
            await session.call("bash", {"command": command})
        await session.call("submit", {})


def write_suite(folder: Path, n: int, image: str) -> Path:
    """`n` folders in Harbor's format, as somebody else would write them; without an image for bubblewrap."""
    for number in range(n):
        task = folder / f"hello-{number}"
        for name in ("environment", "tests", "solution"):
            (task / name).mkdir(parents=True)
        line = f'docker_image = "{image}"\n' if image else ""
        (task / "task.toml").write_text(TASK.format(name=task.name, image=line))
        (task / "instruction.md").write_text("Write `hello world` into /workspace/hello.txt.\n")
        (task / "tests" / "test.sh").write_text(TEST)
        (task / "solution" / "solve.sh").write_text(f"#!/bin/sh\n{SOLVE}\n")
    return folder


def tasks_in(suite: Path) -> list[Path]:
    return sorted(file.parent for file in suite.glob("*/task.toml"))


async def roll_out_each(suite: Suite, agent: Agent, backend: Backend, jobs: int, store: Store) -> None:
    """One rollout of each task, `jobs` at a time, stored. Raises RuntimeError where one is not solved."""
    slots = asyncio.Semaphore(jobs)

    async def one(task_id: str) -> None:
        key = RolloutKey(suite_hash="bench", task_id=task_id, agent=agent.name, backend=backend.name)
        async with slots:
            task = await asyncio.to_thread(suite.task, task_id)
            rollout = await roll_out(task, agent, backend, key=key, limits=AgentLimits(), model=None)
            await asyncio.to_thread(store.record, rollout)
        if not rollout.verdict.is_solved:
            raise RuntimeError(f"{task_id} on {backend.name}: {rollout.ending} {rollout.verdict}")

    await asyncio.gather(*map(one, suite.task_ids()))


async def roll_out_all(suite_folder: Path, agent: Agent, backend: Backend, jobs: int, store_folder: Path) -> Figures:
    """One rollout of each task, `jobs` at a time, stored; timed without the opening of suite and store."""
    cache = Path("~/.cache/gristmill").expanduser()
    suite = open_suite(suite_folder, cache=cache)
    await prepare_suite(suite, backend, cache=cache)
    with open_store(str(store_folder)) as store:
        gc.collect()  # as flows/batches.py does once
        gc.freeze()
        with timed() as figures:
            await roll_out_each(suite, agent, backend, jobs, store)
        return figures


async def sandboxes_alone(
    spec: SandboxSpec, commands: list[str], backend: Backend, tasks: list[Path], jobs: int, scratch: Path
) -> Figures:
    """Two sandboxes a task: the agent's commands in the first, the changed file and the test in the second."""
    slots = asyncio.Semaphore(jobs)

    async def one(task: Path) -> None:
        logs = scratch / f"logs-{task.name}"
        (logs / "verifier").mkdir(parents=True)
        for folder in (logs, logs / "verifier"):
            folder.chmod(0o777)
        shown = (("/tests", task / "tests"), ("/logs", logs))
        mounts = tuple(Mount(source=source, target=target, read_only=False) for target, source in shown)
        async with slots:
            async with running(backend, spec) as sandbox:
                for command in commands:
                    await sandbox.run(["bash", "-c", command], timeout_sec=60)
            async with running(backend, spec.model_copy(update={"mounts": mounts})) as sandbox:
                await sandbox.write_files({"hello.txt": b"hello world\n"})
                await sandbox.run(["bash", "/tests/test.sh"], timeout_sec=60)
            if (logs / "verifier" / "reward.txt").read_text().strip() != "1":
                raise RuntimeError(f"{task.name}: our sandboxes alone did not solve it")

    scratch.chmod(0o755)
    with timed() as figures:
        await asyncio.gather(*map(one, tasks))
    return figures


@contextmanager
def timed() -> Iterator[Figures]:
    """`seconds` and `cpu_seconds` of the block, filled in at its end."""
    figures: Figures = {}
    own, cpu, start = own_cpu_sec(), machine_cpu_sec(), time.perf_counter()
    yield figures
    figures |= {"seconds": time.perf_counter() - start, "cpu_seconds": machine_cpu_sec() - cpu}
    figures["own_cpu_seconds"] = own_cpu_sec() - own


def own_cpu_sec() -> float:
    """Of this process and of all that it started: other work on the machine is not in it, nor is a daemon's."""
    return sum(each.total_sec() for each in counted)


def machine_cpu_sec() -> float:
    """Processor seconds of the whole machine since its boot: user, nice, system, irq, softirq (proc(5))."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    return sum(int(fields[at]) for at in (0, 1, 2, 5, 6)) / TICKS
