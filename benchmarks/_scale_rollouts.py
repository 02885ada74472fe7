"""Part of scale.py: real rollouts, `jobs` at a time, and what the simulator says of them."""

import asyncio
import os
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from _accounting import Accounting
from _rollouts_timed import roll_out_each, write_suite

from agents.agent import Agent, Session
from agents.registry import get_agent
from environments.registry import get_backend
from environments.sandbox import Backend
from flows.scale.cluster import ClusterSpec
from flows.scale.demand import demand_of
from flows.scale.recorded import Story, read_recording
from flows.scale.simulation import Simulation
from tasks.suite import Suite, open_suite, prepare_suite
from tasks.task import Provenance
from trajectories.store import open_store

SEEDS = 20
STEPS = 8
CORES = os.cpu_count() or 1
LOOK_SEC = 0.05
TICKS = os.sysconf("SC_CLK_TCK")


class Computing:
    """Eight steps of 50 to 250 ms of computing, each after a wait of 0 to 400 ms as for a model's answer."""

    name = "computing"
    version = "1"

    async def act(self, session: Session) -> None:
        chance = random.Random(session.seed)
        for _ in range(STEPS):
            await asyncio.sleep(chance.uniform(0.0, 0.4))
            seconds = chance.uniform(0.05, 0.25)
            loop = f"python3 -c 'import time\nwhile time.process_time() < {seconds:.3f}: sum(range(1000))'"
            await session.call("bash", {"command": loop})
        await session.call("bash", {"command": "echo 'hello world' > /workspace/hello.txt"})
        await session.call("submit", {})


@dataclass(frozen=True)
class Ran:
    """One run: `n` rollouts. Processor seconds of this process, of its children, and of everybody else."""

    seconds: float
    own_cpu_sec: float
    children_cpu_sec: float
    others_cpu_sec: float
    runnable: float  # threads that ran or wanted to, of everybody, on average
    stories: tuple[Story, ...]

    @property
    def others(self) -> float:
        """Cores that others used."""
        return self.others_cpu_sec / self.seconds

    @property
    def rivals(self) -> float:
        """Threads of others that ran or wanted to, as many as they would be at our priority.

        Shares of the cores are shares of the threads that want one; a step of priority is a factor of 1.25 (sched(7)).
        """
        mine, weight = self.own_cpu_sec + self.children_cpu_sec, 1.25 ** min(0, os.nice(0))
        return weight * self.runnable * self.others_cpu_sec / (self.others_cpu_sec + mine)

    @property
    def rate_alone(self) -> float:
        """Of a core, of a thread of ours that competes with the rivals."""
        return min(1.0, CORES / (1 + self.rivals))


async def rollout_figures(folder: Path, n: int, jobs: list[int], rounds: int, within_sec: float) -> dict[str, Any]:
    """`within_sec`: after a whole round no other begins that would not end within it."""
    started = time.perf_counter()
    backend = get_backend("bubblewrap")
    if missing := backend.missing():
        raise SystemExit("; ".join(missing))
    cache = Path("~/.cache/gristmill").expanduser()
    suite = open_suite(write_suite(folder / "suite", n, ""), cache=cache)
    await prepare_suite(suite, backend, cache=cache)
    agents: tuple[Agent, ...] = (get_agent("oracle"), Computing())
    runs: dict[tuple[str, int], list[Ran]] = {}
    accounting = Accounting()
    if os.nice(0) < 0:  # the shares of control groups would come before our priority
        backend._tree, backend._is_tree_known = None, True  # type: ignore[attr-defined]
    backend.close()  # type: ignore[attr-defined]  # the next launcher is counted
    for number in range(rounds + 1):
        round_began = time.perf_counter()
        for agent in agents:
            for at_a_time in jobs:
                if number == 0 and at_a_time > jobs[0]:
                    continue  # warming up
                place = folder / f"{agent.name}-{at_a_time}-{number}"
                ran = await run(suite, agent, backend, at_a_time, place, accounting)
                print(f"  {agent.name} -j {at_a_time}: {ran.seconds:.1f} s", file=sys.stderr, flush=True)
                if number:
                    runs.setdefault((agent.name, at_a_time), []).append(ran)
        now = time.perf_counter()
        if number and number < rounds and now - started + (now - round_began) > within_sec:
            print(f"{number} of {rounds} rounds: another would not end in time (--minutes)")
            break
    accounting.close()
    best = {key: min(found, key=lambda ran: ran.others) for key, found in runs.items()}
    return compared(best, [agent.name for agent in agents], jobs, n)


async def run(
    suite: Suite, agent: Agent, backend: Backend, jobs: int, folder: Path, accounting: Accounting
) -> Ran:  # fmt: skip
    """Every task once, stored."""
    with open_store(folder) as store:
        provenance = Provenance(source="x", source_hash="", license="", repository="r")
        known = [(task_id, "f", provenance) for task_id in suite.task_ids()]
        store.register_suite(hash="bench", name="bench", version="1", tasks=known)
        began, own, tree, busy = time.perf_counter(), time.process_time(), accounting.total_sec(), machine_cpu_sec()
        async with looking() as looks:
            await roll_out_each(suite, agent, backend, jobs, store)
        seconds, own = time.perf_counter() - began, time.process_time() - own
        tree, busy = accounting.total_sec() - tree, machine_cpu_sec() - busy
        stories = read_recording(store, "", most=1000, seed=0).stories
    if not accounting.is_there:
        tree = own + sum(_tools_cpu_sec(story) for story in stories)
    return Ran(seconds, own, max(0.0, tree - own), max(0.0, busy - tree), statistics.fmean(looks), stories)


def compared(
    best: dict[tuple[str, int], Ran], agents: list[str], jobs: list[int], n: int
) -> dict[str, Any]:  # fmt: skip
    step_ms, rollout_ms = own_costs([best[agent, 1] for agent in agents], n)
    print(f"{n} rollouts a run; this process computes {step_ms:.1f} ms a step and {rollout_ms:.1f} ms a rollout")
    print(f"  {'agent':<10} {'-j':>3} {'a minute':>9} {'predicted':>10} {'error':>7}   used by others, rivals")
    rows, errors = list[dict[str, Any]](), list[float]()
    for agent in agents:
        calibrated = calibration(best[agent, 1], step_ms, rollout_ms, n)
        for at_a_time in jobs:
            ran = best[agent, at_a_time]
            spec = cluster(calibrated, at_a_time, ran.rivals, step_ms, rollout_ms)
            demands = [demand_of(story, spec) for story in calibrated.stories]
            spans = [Simulation(spec, demands, rollouts=n, seed=seed).play().ended[-1] for seed in range(SEEDS)]
            measured, predicted = 60 * n / ran.seconds, 60 * n / statistics.fmean(spans)
            error = 100 * (predicted / measured - 1)
            if at_a_time > 1:
                errors.append(abs(error))
            rows.append(
                {"agent": agent, "jobs": at_a_time, "measured_a_minute": round(measured, 1),
                 "predicted_a_minute": round(predicted, 1), "error_percent": round(error, 1),
                 "cores_of_others": round(ran.others, 2), "rivals": round(ran.rivals, 2),
                 "cpu_share": round(calibrated.cpu_share, 2)}
            )  # fmt: skip
            print(
                f"  {agent:<10} {at_a_time:3} {measured:9.1f} {predicted:10.1f} {error:+6.1f} %   "
                f"{ran.others:.2f} cores, {ran.rivals:.2f} threads{'   (calibrates)' if at_a_time == 1 else ''}"
            )
    figures = {"error_percent": round(statistics.fmean(errors), 1), "worst_error_percent": round(max(errors), 1)}
    print(f"  mean of the absolute errors: {figures['error_percent']} %, worst {figures['worst_error_percent']} %")
    return {**figures, "cpu_ms_a_step": round(step_ms, 2), "cpu_ms_a_rollout": round(rollout_ms, 1), "rows": rows}


@dataclass(frozen=True)
class Calibration:
    stories: tuple[Story, ...]
    cpu_share: float  # of start, diff, sandbox down and verifier


def own_costs(alone: list[Ran], n: int) -> tuple[float, float]:
    """Milliseconds of this process a step and a rollout: the line through the agents, which differ in steps."""
    steps = [statistics.fmean(len(story.acts) for story in ran.stories) for ran in alone]
    costs = [1000 * ran.own_cpu_sec / n for ran in alone]
    slope = max(0.0, (costs[-1] - costs[0]) / (steps[-1] - steps[0]))
    return slope, max(0.0, costs[0] - slope * steps[0])


def calibration(alone: Ran, step_ms: float, rollout_ms: float, n: int) -> Calibration:
    """What the recorded phases do not say: time outside of them, and how much of what is no tool was computing.

    Where others competed, waiting for a core is taken out of what was recorded.
    """
    recorded = sum(
        story.start_sec + story.end_sec + story.verify_sec + story.other_sec
        + sum(act.pause_sec + act.tool_sec for act in story.acts)
        for story in alone.stories
    )  # fmt: skip
    outside = max(0.0, alone.seconds - recorded) / n  # reading the task, writing the rollout
    stories = tuple(replace(story, other_sec=story.other_sec + outside) for story in alone.stories)
    rest = sum(story.start_sec + story.end_sec + story.verify_sec + story.other_sec for story in stories)
    tools = sum(_tools_cpu_sec(story) for story in stories)
    share = min(1.0, max(0.0, alone.children_cpu_sec - tools) / rest)
    waited = 1 / alone.rate_alone - 1  # for a second of computing
    return Calibration(tuple(_without_rivals(story, share, waited, rollout_ms) for story in stories), share)


def _without_rivals(story: Story, share: float, waited: float, rollout_ms: float) -> Story:
    kept = 1 - min(0.9, share * waited)
    tools = story.cpu_share or 0.0
    acts = tuple(replace(act, tool_sec=act.tool_sec * (1 - min(0.9, tools * waited))) for act in story.acts)
    other_sec = max(0.0, story.other_sec * kept - waited * rollout_ms / 1000)
    return replace(
        story, acts=acts, start_sec=story.start_sec * kept, end_sec=story.end_sec * kept,
        verify_sec=story.verify_sec * kept, other_sec=other_sec,
        cpu_share=None if story.cpu_share is None else tools / (1 - min(0.9, tools * waited)),
    )  # fmt: skip


def _tools_cpu_sec(story: Story) -> float:
    return (story.cpu_share or 0.0) * sum(act.tool_sec for act in story.acts)


def cluster(calibrated: Calibration, jobs: int, rivals: float, step_ms: float, rollout_ms: float) -> ClusterSpec:
    """This machine, with what others want of it."""
    return ClusterSpec.model_validate(
        {
            "hosts": 1,
            "host": {
                "cores": CORES,
                "rivals": rivals,
                "memory_gb": 1000,
                "sandboxes": jobs,
                "starts_at_once": jobs,
                "cpu_share": calibrated.cpu_share,
                "cpu_ms_a_step": step_ms,
                "cpu_ms_a_rollout": rollout_ms,
            },
        }
    )


# ------------------------------------------------------------------- processor time


def machine_cpu_sec() -> float:
    """All cores, all processes: user, nice, system, irq, softirq."""
    fields = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return (fields[0] + fields[1] + fields[2] + fields[5] + fields[6]) / TICKS


@asynccontextmanager
async def looking() -> AsyncIterator[list[float]]:
    """How many threads of the machine run or want to, looked at all the time of the block."""
    looks: list[float] = []

    async def look() -> None:
        while True:
            running = next(each for each in Path("/proc/stat").read_text().splitlines() if "procs_running" in each)
            looks.append(int(running.split()[1]) - 1)  # without this one, which looks
            await asyncio.sleep(LOOK_SEC)

    task = asyncio.create_task(look())
    try:
        yield looks
    finally:
        task.cancel()
