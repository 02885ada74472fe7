"""Short rollouts end to end, beside the peers: sandbox, agent, diff, fresh sandbox, verifier, verdict, store.

    python benchmarks/rollouts.py [--json] [-n 8] [-j 4] [--rounds 3] [--agent oracle scripted] [--peers NAME … | none]

Tasks are trivial on purpose (write one file), so that what is measured is the machinery and not the tests. All are the
same Harbor folders; the agents are the oracle (one command) and a scripted one (three fixed commands). Everything is
measured in one run and interleaved, after a warm-up of one rollout each; figures are medians of the rounds. Beside the
seconds stand the processor seconds of the whole machine while it lasted: those of the daemon and of all containers are
among them. On a machine that does other work they hold that work, too; `own` seconds, of what runs without a daemon,
do not: they are those of this process and of all that it starts, by a control group (cpuacct).

Beside our two backends stands bubblewrap from the image that Docker and the peers use: the same files, no container.

Floors (_floors.py): the same commands in two sandboxes a rollout, by the bare tool: a `bwrap` a command; `docker run
--rm` twice; `docker run`, an `exec` a command, `cp`, `rm`. Beside them our own sandboxes with the same commands, and
without agent, diff, verifier, trajectory and store.

Peers (docs/throughput.md says what each of them does and does not do): `benchmarks/peers/install.sh` makes their
environments; one that is not there is left out, with the reason.
"""

import argparse
import asyncio
import gc
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from _accounting import Accounting
from _floors import by_bwrap, by_docker_exec, by_docker_run, for_all
from _peers import PEERS, peer, python_of

from agents.agent import Agent, AgentLimits, Session
from agents.registry import get_agent
from agents.rollout import roll_out
from environments import Mount, SandboxSpec, running
from environments.registry import get_backend
from environments.sandbox import Backend
from tasks.suite import open_suite, prepare_suite
from trajectories.rollout import RolloutKey
from trajectories.store import open_store

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
FROM_IMAGE = "gristmill bubblewrap, docker's image"
OWN = ("gristmill bubblewrap", FROM_IMAGE, "its sandboxes alone, bubblewrap", "bwrap a command")  # no daemon's work
COMMANDS = {"oracle": [SOLVE], "scripted": ["ls -la /workspace", SOLVE, "cat /workspace/hello.txt"]}
TICKS = os.sysconf("SC_CLK_TCK")

counted: list[Accounting] = []  # one, while `main` runs, where there is such a control group

Figures = dict[str, float]
Measure = Callable[[Path, Path], Figures]
"""Of a suite's folder and a scratch folder."""


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


async def roll_out_all(suite_folder: Path, agent: Agent, backend: Backend, jobs: int, store_folder: Path) -> Figures:
    """One rollout of each task, `jobs` at a time, stored; timed without the opening of suite and store."""
    cache = Path("~/.cache/gristmill").expanduser()
    suite = open_suite(suite_folder, cache=cache)
    await prepare_suite(suite, backend, cache=cache)
    slots = asyncio.Semaphore(jobs)
    with open_store(str(store_folder)) as store:

        async def one(task_id: str) -> None:
            key = RolloutKey(suite_hash="bench", task_id=task_id, agent=agent.name, backend=backend.name)
            async with slots:
                task = await asyncio.to_thread(suite.task, task_id)
                rollout = await roll_out(task, agent, backend, key=key, limits=AgentLimits(), model=None)
                await asyncio.to_thread(store.record, rollout)
            if not rollout.verdict.is_solved:
                raise RuntimeError(f"{task_id} on {backend.name}: {rollout.ending} {rollout.verdict}")

        gc.collect()  # as flows/batches.py does once
        gc.freeze()
        with timed() as figures:
            await asyncio.gather(*(one(task_id) for task_id in suite.task_ids()))
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


def measures_of(agent: str, image: str, options: argparse.Namespace) -> dict[str, tuple[str, Measure]]:
    """What to time with this agent, by name: on tasks with which image, and how."""
    commands, jobs = COMMANDS[agent], options.jobs
    found: dict[str, tuple[str, Measure]] = {}

    def ours(backend: Backend) -> Measure:
        made: Agent = get_agent("oracle") if agent == "oracle" else Scripted()
        return lambda suite, scratch: asyncio.run(roll_out_all(suite, made, backend, jobs, scratch / "store"))

    def alone(backend: Backend, own_image: str) -> Measure:
        spec = SandboxSpec(image=own_image or None)
        return lambda suite, scratch: asyncio.run(
            sandboxes_alone(spec, commands, backend, tasks_in(suite), jobs, scratch)
        )

    def floor(by: Callable[[Path, list[str]], None]) -> Measure:
        def measure(suite: Path, scratch: Path) -> Figures:
            with timed() as figures:
                for_all(by, tasks_in(suite), commands, jobs)
            return figures

        return measure

    def by_peer(name: str, kind: str) -> Measure:
        return lambda suite, scratch: peer(
            name, kind=kind, agent=agent, commands=commands, suite=suite, image=image, jobs=jobs, scratch=scratch
        )

    for backend_name, own_image in (
        ("bubblewrap", ""),
        *((("bubblewrap", image),) if image else ()),
        ("docker", image),
    ):
        backend = get_backend(backend_name)
        if backend.missing() or (backend_name == "docker" and not image):
            continue
        if backend_name == "bubblewrap" and own_image:
            found[FROM_IMAGE] = own_image, ours(backend)
            continue
        found[f"gristmill {backend_name}"] = own_image, ours(backend)
        found[f"its sandboxes alone, {backend_name}"] = own_image, alone(backend, own_image)
        if backend_name == "bubblewrap":
            found["bwrap a command"] = "", floor(by_bwrap)
    if image:
        found["docker run --rm, twice"] = image, floor(by_docker_run)
        found["docker run, exec, cp, rm; run --rm"] = image, floor(by_docker_exec)
    for name in options.peers:
        for kind in PEERS[name][1]:
            if kind != "docker" or image:
                found[f"{name} {kind}"] = image, by_peer(name, kind)
    return found


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


def tasks_in(suite: Path) -> list[Path]:
    return sorted(file.parent for file in suite.glob("*/task.toml"))


def median_of(values: list[Figures], name: str) -> float:
    return statistics.median(value[name] for value in values)


def measured(agent: str, image: str, options: argparse.Namespace, left_out: dict[str, str]) -> dict[str, list[Figures]]:
    """Every measure's rounds, interleaved; what does not work goes into `left_out` with its reason."""
    measures = measures_of(agent, image, options)
    taken: dict[str, list[Figures]] = {name: [] for name in measures}
    for number in range(options.rounds + 1):
        for name, (own_image, measure) in measures.items():
            is_warm_up = number == 0
            if name in left_out or (is_warm_up and name.partition(" ")[0] in PEERS):  # they warm up themselves
                continue
            try:
                with tempfile.TemporaryDirectory(prefix="gristmill-bench-") as folder:
                    suite = write_suite(Path(folder, "suite"), 1 if is_warm_up else options.n, own_image)
                    value = measure(suite, Path(folder))
            except (RuntimeError, OSError, ValueError, subprocess.SubprocessError) as error:
                left_out[name] = str(error)
                continue
            if not is_warm_up:
                taken[name].append(value)
    return {name: values for name, values in taken.items() if values}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("-n", type=int, default=8)
    parser.add_argument("-j", "--jobs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--agent", nargs="+", choices=list(COMMANDS), default=list(COMMANDS))
    parser.add_argument("--peers", nargs="*", choices=[*PEERS, "none"], default=list(PEERS))
    options = parser.parse_args()
    options.peers = [name for name in options.peers if name != "none"]
    left_out = {
        name: "not installed: benchmarks/peers/install.sh" for name in options.peers if not python_of(name).exists()
    }
    options.peers = [name for name in options.peers if name not in left_out]
    docker = get_backend("docker")
    image = ""
    if missing := docker.missing():
        left_out["docker"] = "; ".join(missing)
    else:
        image = asyncio.run(docker.base_image())  # type: ignore[attr-defined]

    rows: dict[str, dict[str, object]] = {}
    accounting = Accounting()
    counted.extend([accounting] if accounting.is_there else [])
    try:
        for agent in options.agent:
            report(agent, measured(agent, image, options, left_out), options, rows)
    finally:
        counted.clear()
        accounting.close()
    for name, reason in left_out.items():
        print(f"left out: {name}: {reason}")
    if options.json:
        print(json.dumps({**figures_of(rows), "left_out": left_out, "rows": rows}))


def report(
    agent: str, taken: dict[str, list[Figures]], options: argparse.Namespace, rows: dict[str, dict[str, object]]
) -> None:
    """The table for people; what it shows goes into `rows`."""
    load = os.getloadavg()[0]
    seconds = {name: median_of(values, "seconds") for name, values in taken.items()}
    print(f"{agent}: {options.n} rollouts, {options.jobs} at a time, median of {options.rounds} (load {load:.1f})")
    for name, value in seconds.items():
        cpu, slowest = median_of(taken[name], "cpu_seconds"), max(each["seconds"] for each in taken[name])
        row: dict[str, object] = {
            "seconds": round(value, 3),
            "slowest": round(slowest, 3),
            "cpu_seconds": round(cpu, 2),
            "rollouts_per_minute": round(60 * options.n / value, 1),
        }
        tail = ""
        if name in OWN and counted:
            row["own_cpu_seconds"] = round(median_of(taken[name], "own_cpu_seconds"), 4)
            tail = f"   own {row['own_cpu_seconds']:.3f} s"
        peer_name, _, kind = name.partition(" ")
        if peer_name in PEERS:
            row["version"] = taken[name][0]["version"]
            row["cleaned_seconds"] = round(median_of(taken[name], "cleaned_seconds"), 3)
            own = "docker" if kind == "docker" else "bubblewrap"
            if f"gristmill {own}" in seconds:
                row["ratio"] = round(value / seconds[f"gristmill {own}"], 2)
                row["cleaned_ratio"] = round(float(str(row["cleaned_seconds"])) / seconds[f"gristmill {own}"], 2)
                tail = f"   {row['ratio']} x ours; {row['cleaned_ratio']} x until nothing is left   ({row['version']})"
            if kind == "docker" and FROM_IMAGE in seconds:  # the same image, without its containers
                row["ratio_to_bubblewrap"] = round(value / seconds[FROM_IMAGE], 2)
                tail += f"   {row['ratio_to_bubblewrap']} x bubblewrap from the same image"
        rows[f"{name}, {agent}"] = row
        a_minute = 60 * options.n / value
        print(f"  {name:<38} {value:7.2f} s  to {slowest:6.2f}  {a_minute:7.0f} a minute  cpu {cpu:6.2f} s{tail}")


def figures_of(rows: dict[str, dict[str, object]]) -> dict[str, object]:
    """The figures that DESIGN names, by the oracle where it was measured."""
    agent = "oracle" if any(name.endswith("oracle") for name in rows) else "scripted"

    def figure(name: str, what: str = "seconds") -> float | None:
        row = rows.get(f"{name}, {agent}")
        return float(str(row[what])) if row and what in row else None

    def ratio(one: str, other: str, what: str = "seconds") -> float | None:
        above, below = figure(one, what), figure(other, what)
        return round(above / below, 3) if above and below else None

    docker, bubblewrap = "gristmill docker", "gristmill bubblewrap"
    return {
        "docker_8x4_seconds": figure(docker),
        "rollouts_per_minute": figure(docker, "rollouts_per_minute"),
        "overhead_ratio": ratio(docker, "docker run --rm, twice"),
        "overhead_cpu_ratio": ratio(docker, "docker run --rm, twice", "cpu_seconds"),
        "docker_over_exec_ratio": ratio(docker, "docker run, exec, cp, rm; run --rm"),
        "docker_over_sandboxes_ratio": ratio(docker, "its sandboxes alone, docker"),
        "bubblewrap_8x4_seconds": figure(bubblewrap),
        "bubblewrap_rollouts_per_minute": figure(bubblewrap, "rollouts_per_minute"),
        "bubblewrap_overhead_ratio": ratio(bubblewrap, "bwrap a command"),
        "bubblewrap_overhead_cpu_ratio": ratio(bubblewrap, "bwrap a command", "cpu_seconds"),
        "bubblewrap_overhead_own_cpu_ratio": ratio(bubblewrap, "bwrap a command", "own_cpu_seconds"),
        "bubblewrap_over_sandboxes_own_cpu_ratio": ratio(
            bubblewrap, "its sandboxes alone, bubblewrap", "own_cpu_seconds"
        ),
        "bubblewrap_over_sandboxes_ratio": ratio(bubblewrap, "its sandboxes alone, bubblewrap"),
        "bubblewrap_image_8x4_seconds": figure(FROM_IMAGE),
        "bubblewrap_image_rollouts_per_minute": figure(FROM_IMAGE, "rollouts_per_minute"),
        "bubblewrap_image_over_docker_ratio": ratio(FROM_IMAGE, docker),
        "peers": {name: row["ratio"] for name, row in rows.items() if "ratio" in row},
        "peers_over_bubblewrap_image": {
            name: row["ratio_to_bubblewrap"] for name, row in rows.items() if "ratio_to_bubblewrap" in row
        },
    }


if __name__ == "__main__":
    main()
