"""A long run in one process: does anything add up?

    python benchmarks/soak.py [--json] [--rollouts 5000] [-j 4] [--backend bubblewrap] [--looks 10]

Short rollouts of a scripted agent (three commands, submit), verified and stored, one after another in one process. At
each look: memory and open files of this process and of its children, mounts, sandboxes' control groups and containers
of this machine. Figures (`--json`): `rollouts`, `minutes`, `rollouts_per_minute`, and for each of these the first look
(after a tenth, when caches are filled) and the last one.
"""

import argparse
import asyncio
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from rollouts import Scripted, write_suite

from agents.agent import AgentLimits
from agents.rollout import roll_out
from environments.registry import get_backend
from tasks.suite import open_suite, prepare_suite
from trajectories.rollout import RolloutKey
from trajectories.store import open_store

TASKS = 50


def look(store: Path) -> dict[str, float]:
    """What could leak, counted now."""
    processes = [Path("/proc/self"), *_children()]
    return {
        "memory_mb": round(sum(_memory(each) for each in processes) / 1024, 1),
        "open_files": sum(len(list((each / "fd").iterdir())) for each in processes if (each / "fd").exists()),
        "processes": len(processes),
        "mounts": len(Path("/proc/self/mountinfo").read_text().splitlines()),
        "control_groups": sum(1 for _ in Path("/sys/fs/cgroup").glob("**/gristmill*/*/")),
        "containers": _containers(),
        "store_mb": round(sum(file.stat().st_size for file in store.rglob("*") if file.is_file()) / 1e6, 1),
    }


def _children() -> list[Path]:
    """Processes below this one, however deep."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found, pending = [], [int(Path("/proc/self").resolve().name)]
    while pending:
        below = parents.get(pending.pop(), [])
        found += below
        pending += below
    return [Path("/proc", str(pid)) for pid in found]


def _memory(process: Path) -> int:
    """Private and shared pages in kB, shared ones by their share."""
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _containers() -> int:
    try:
        done = subprocess.run(["docker", "ps", "-aq", "--filter", "label=gristmill"], capture_output=True, text=True,
                              timeout=30, check=False)  # fmt: skip
    except OSError:
        return 0
    return len(done.stdout.split())


async def soak(rollouts: int, jobs: int, name: str, looks: int) -> dict[str, Any]:
    backend, cache = get_backend(name), Path("~/.cache/gristmill").expanduser()
    if missing := backend.missing():
        raise SystemExit("; ".join(missing))
    seen: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as scratch, open_store(f"{scratch}/store") as store:
        image = await backend.base_image() if name == "docker" else ""  # type: ignore[attr-defined]
        suite = open_suite(write_suite(Path(scratch, "suite"), TASKS, image), cache=cache)
        await prepare_suite(suite, backend, cache=cache)
        slots, failed = asyncio.Semaphore(jobs), 0

        async def one(number: int) -> bool:
            task_id = suite.task_ids()[number % TASKS]
            key = RolloutKey(
                suite_hash="soak", task_id=task_id, agent="scripted", backend=name, attempt=number // TASKS
            )
            async with slots:
                task = await asyncio.to_thread(suite.task, task_id)
                rollout = await roll_out(task, Scripted(), backend, key=key, limits=AgentLimits(), model=None)
                await asyncio.to_thread(store.record, rollout)
            return rollout.verdict.is_solved

        started = time.perf_counter()
        for at in range(looks):
            share = range(at * rollouts // looks, (at + 1) * rollouts // looks)
            failed += (await asyncio.gather(*map(one, share))).count(False)
            seen.append(look(Path(scratch, "store")))
            print(f"{share.stop:6} rollouts, {failed} failed: {seen[-1]}", flush=True)
        minutes = (time.perf_counter() - started) / 60
    return {
        "backend": name,
        "rollouts": rollouts,
        "failed": failed,
        "minutes": round(minutes, 2),
        "rollouts_per_minute": round(rollouts / minutes, 1),
        **{kind: [seen[0][kind], seen[-1][kind]] for kind in seen[0]},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rollouts", type=int, default=5000)
    parser.add_argument("-j", "--jobs", type=int, default=4)
    parser.add_argument("--backend", default="bubblewrap")
    parser.add_argument("--looks", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    row = asyncio.run(soak(given.rollouts, given.jobs, given.backend, given.looks))
    for name, value in row.items():
        print(f"{name:20} {value}")
    if given.json:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
