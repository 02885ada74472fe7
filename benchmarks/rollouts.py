"""Short rollouts end to end, beside the peers: sandbox, agent, diff, fresh sandbox, verifier, verdict, store.

    python benchmarks/rollouts.py [--json] [-n 8] [-j 4] [--rounds 3] [--agent oracle scripted] [--peers NAME … | none]

Tasks are trivial on purpose (write one file), so that what is measured is the machinery and not the tests. All are the
same Harbor folders; the agents are the oracle (one command) and a scripted one (three fixed commands). Everything is
measured in one run and interleaved; figures are medians of the rounds.

Floors: `docker run --rm` twice a rollout, and `bwrap` twice a rollout (the bare tools); and our own sandboxes doing
nothing but the same commands in two sandboxes a rollout, without agent, diff, verifier, trajectory and store.

Peers (docs/throughput.md says what each of them does and does not do): `benchmarks/peers/install.sh` makes their
environments; one that is not there is left out, with the reason.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agents.agent import Agent, AgentLimits, Session
from agents.registry import get_agent
from agents.rollout import roll_out
from environments import SandboxSpec, running
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
COMMANDS = {"oracle": [SOLVE], "scripted": ["ls -la /workspace", SOLVE, "cat /workspace/hello.txt"]}
PEERS = {
    "mini-swe-agent": ("mini_swe_agent.py", ("docker",)),  # its `local` has no folder of its own a task
    "inspect-ai": ("inspect_ai_eval.py", ("docker", "local")),
    "harbor": ("harbor_job.py", ("docker",)),
}
PEER_TIMEOUT_SEC = 900

Measure = Callable[[Path], dict[str, float]]


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


async def roll_out_all(suite_folder: Path, agent: Agent, backend: Backend, jobs: int, store_folder: Path) -> float:
    """Seconds for one rollout of each task, `jobs` at a time, stored."""
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

        start = time.perf_counter()
        await asyncio.gather(*(one(task_id) for task_id in suite.task_ids()))
        return time.perf_counter() - start


async def sandboxes_alone(spec: SandboxSpec, commands: list[str], backend: Backend, n: int, jobs: int) -> float:
    """Seconds for `n` times two sandboxes: the agent's commands in the first, the test's in the second."""
    slots = asyncio.Semaphore(jobs)

    async def one() -> None:
        async with slots:
            for each in (commands, [f"{SOLVE}; cat /workspace/hello.txt"]):
                async with running(backend, spec) as sandbox:
                    for command in each:
                        await sandbox.run(["bash", "-c", command], timeout_sec=60)

    start = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(n)))
    return time.perf_counter() - start


def bare(command: list[str], n: int, jobs: int) -> float:
    """Seconds for `command` run twice for each of `n`, `jobs` at a time."""
    start = time.perf_counter()
    started: list[subprocess.Popen[bytes]] = []
    for _ in range(2 * n):
        while len(started) >= jobs:
            started = [process for process in started if process.poll() is None]
            time.sleep(0.001)
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
    for process in started:
        process.wait()
    return time.perf_counter() - start


def peer(name: str, kind: str, agent: str, image: str, n: int, jobs: int, folder: Path) -> dict[str, float]:
    """One batch of a peer, by its own program in its own environment. Raises RuntimeError with the end of its words."""
    ask = {
        "suite": str(write_suite(folder / "suite", n, image)),
        "image": image,
        "jobs": jobs,
        "kind": kind,
        "agent": agent,
        "commands": COMMANDS[agent],
        "scratch": str(folder),
    }
    place = Path(__file__).with_name("peers")
    command = [str(python_of(name)), str(place / PEERS[name][0]), json.dumps(ask)]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=PEER_TIMEOUT_SEC, check=False)
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).strip()[-1500:])
    told: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    if told["solved"] != n:
        raise RuntimeError(f"it solved {told['solved']} of {n}: {done.stderr.strip()[-1000:]}")
    return told


def python_of(name: str) -> Path:
    cache = Path(os.environ.get("GRISTMILL_CACHE", "~/.cache/gristmill")).expanduser()
    return cache / "peers" / name / "bin" / "python"


def measures_of(agent: str, image: str, options: argparse.Namespace) -> dict[str, Measure]:
    """What to time with this agent, by name."""
    n, jobs = options.n, options.jobs
    found: dict[str, Measure] = {}
    for backend_name, own_image in (("bubblewrap", ""), ("docker", image)):
        backend = get_backend(backend_name)
        if backend.missing() or (backend_name == "docker" and not image):
            continue
        made: Agent = get_agent("oracle") if agent == "oracle" else Scripted()

        def ours(
            folder: Path, made: Agent = made, backend: Backend = backend, own_image: str = own_image
        ) -> dict[str, float]:
            suite = write_suite(folder / "suite", n, own_image)
            return {"seconds": asyncio.run(roll_out_all(suite, made, backend, jobs, folder / "store"))}

        def alone(folder: Path, backend: Backend = backend, own_image: str = own_image) -> dict[str, float]:
            spec = SandboxSpec(image=own_image or None)
            return {"seconds": asyncio.run(sandboxes_alone(spec, COMMANDS[agent], backend, n, jobs))}

        found[f"gristmill {backend_name}"] = ours
        found[f"its sandboxes alone, {backend_name}"] = alone
    if image:
        run = ["docker", "run", "--rm", "--network", "none", image, "true"]
        found["docker run --rm, twice"] = lambda folder: {"seconds": bare(run, n, jobs)}
    for name in options.peers:
        for kind in PEERS[name][1]:
            if kind == "docker" and not image:
                continue
            found[f"{name} {kind}"] = lambda folder, name=name, kind=kind: peer(  # type: ignore[misc]
                name, kind, agent, image, n, jobs, folder
            )
    return found


def median_of(values: list[dict[str, float]], name: str) -> float:
    return statistics.median(value[name] for value in values)


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

    figures: dict[str, object] = {}
    rows: dict[str, dict[str, object]] = {}
    for agent in options.agent:
        measures = measures_of(agent, image, options)
        taken: dict[str, list[dict[str, float]]] = {name: [] for name in measures}
        for number in range(options.rounds + 1):
            for name, measure in measures.items():
                is_warm_up = number == 0 and not name.startswith(("gristmill", "its"))
                if is_warm_up or name in left_out:
                    continue
                try:
                    with tempfile.TemporaryDirectory() as folder:
                        value = measure(Path(folder))
                except (RuntimeError, OSError, ValueError, subprocess.SubprocessError) as error:
                    left_out[name] = str(error)
                    continue
                if number > 0:
                    taken[name].append(value)
        report(agent, {name: values for name, values in taken.items() if values}, options, rows)
    for name, reason in left_out.items():
        print(f"left out: {name}: {reason}")
    figures = figures_of(rows)
    if options.json:
        print(json.dumps({**figures, "left_out": left_out, "rows": rows}))


def report(
    agent: str,
    taken: dict[str, list[dict[str, float]]],
    options: argparse.Namespace,
    rows: dict[str, dict[str, object]],
) -> None:
    """The table for people; what it shows goes into `rows`."""
    load = os.getloadavg()[0]
    seconds = {name: median_of(values, "seconds") for name, values in taken.items()}
    print(f"{agent}: {options.n} rollouts, {options.jobs} at a time, median of {options.rounds} (load {load:.1f})")
    for name, value in seconds.items():
        row: dict[str, object] = {"seconds": round(value, 3), "rollouts_per_minute": round(60 * options.n / value, 1)}
        tail = ""
        peer_name, _, kind = name.partition(" ")
        if peer_name in PEERS:
            row["version"] = taken[name][0]["version"]
            row["cleaned_seconds"] = round(median_of(taken[name], "cleaned_seconds"), 3)
            own = "docker" if kind == "docker" else "bubblewrap"
            if f"gristmill {own}" in seconds:
                row["ratio"] = round(value / seconds[f"gristmill {own}"], 2)
                row["cleaned_ratio"] = round(float(str(row["cleaned_seconds"])) / seconds[f"gristmill {own}"], 2)
                tail = f"   {row['ratio']} x ours; {row['cleaned_ratio']} x until nothing is left   ({row['version']})"
        rows[f"{name}, {agent}"] = row
        print(f"  {name:<34} {value:7.2f} s  {60 * options.n / value:7.0f} a minute{tail}")


def figures_of(rows: dict[str, dict[str, object]]) -> dict[str, object]:
    """The figures that DESIGN names, by the oracle where it was measured."""
    agent = "oracle" if any(name.endswith("oracle") for name in rows) else "scripted"

    def seconds(name: str) -> float | None:
        row = rows.get(f"{name}, {agent}")
        return float(str(row["seconds"])) if row else None

    docker, bubblewrap = seconds("gristmill docker"), seconds("gristmill bubblewrap")
    floor, alone = seconds("docker run --rm, twice"), seconds("its sandboxes alone, bubblewrap")
    alone_docker = seconds("its sandboxes alone, docker")
    return {
        "docker_8x4_seconds": docker,
        "rollouts_per_minute": rows[f"gristmill docker, {agent}"]["rollouts_per_minute"] if docker else None,
        "overhead_ratio": round(docker / floor, 3) if docker and floor else None,
        "docker_over_sandboxes_ratio": round(docker / alone_docker, 3) if docker and alone_docker else None,
        "bubblewrap_8x4_seconds": bubblewrap,
        "bubblewrap_rollouts_per_minute": (
            rows[f"gristmill bubblewrap, {agent}"]["rollouts_per_minute"] if bubblewrap else None
        ),
        "bubblewrap_overhead_ratio": round(bubblewrap / alone, 3) if bubblewrap and alone else None,
        "peers": {name: row["ratio"] for name, row in rows.items() if "ratio" in row},
    }


if __name__ == "__main__":
    main()
