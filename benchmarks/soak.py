"""A long run in one process: does anything add up?

    python benchmarks/soak.py [--json] [--rollouts 5000] [--docker 300] [-j 4] [--looks 10]

Short rollouts of a scripted agent (three commands, submit), verified and stored, in one process: `--rollouts` of them
by bubblewrap, then `--docker` in containers (0: none). At each look: memory and open files of this process and of its
children, mounts in all their mount namespaces, control groups and containers of this process's sandboxes. Figures
(`--json`, of each part): `rollouts`, `minutes`, `rollouts_per_minute`, and for each of these the first look (after a
tenth, when caches are filled) and the last one.
"""

import argparse
import asyncio
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from _rollouts_timed import Scripted, write_suite

from agents.agent import AgentLimits
from agents.rollout import roll_out
from environments._docker_images import OWNER_LABEL, owner_label
from environments._owner import owner_mark
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
        "mounts": _mounts(processes),
        "control_groups": sum(1 for _ in Path("/sys/fs/cgroup").glob(f"**/gristmill/{owner_mark()}-*/")),
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


def _mounts(processes: list[Path]) -> int:
    """In all mount namespaces of these processes."""
    found: dict[str, int] = {}
    for each in processes:
        try:
            found[str((each / "ns" / "mnt").readlink())] = len((each / "mountinfo").read_text().splitlines())
        except OSError:
            continue  # it has ended
    return sum(found.values())


def _memory(process: Path) -> int:
    """Private and shared pages in kB, shared ones by their share."""
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _containers() -> int:
    listing = ["docker", "ps", "--all", "--quiet", "--filter", f"label={OWNER_LABEL}={owner_label()}"]
    try:
        done = subprocess.run(listing, capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return 0
    return len(done.stdout.split())


async def soak(rollouts: int, jobs: int, name: str, looks: int) -> dict[str, Any]:
    backend, cache = get_backend(name), Path("~/.cache/gristmill").expanduser()
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
            told = " ".join(f"{kind} {value}" for kind, value in seen[-1].items())
            print(
                f"  {share.stop:6} rollouts, {failed} failed, {time.perf_counter() - started:.0f} s: {told}", flush=True
            )
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
    parser.add_argument("--rollouts", type=int, default=5000, help="by bubblewrap; 0 for none")
    parser.add_argument("--docker", type=int, default=300, help="in containers; 0 for none")
    parser.add_argument("-j", "--jobs", type=int, default=4)
    parser.add_argument("--looks", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows, left_out = {}, {}
    for name, rollouts in (("bubblewrap", given.rollouts), ("docker", given.docker)):
        if not rollouts:
            continue
        if missing := get_backend(name).missing():
            left_out[name] = "; ".join(missing)
            print(f"left out: {name}: {left_out[name]}")
            continue
        print(f"{name}: {rollouts} rollouts, {given.jobs} at a time (load {os.getloadavg()[0]:.1f})")
        rows[name] = asyncio.run(soak(rollouts, given.jobs, name, given.looks))
        for figure, value in rows[name].items():
            print(f"  {figure:20} {value}")
    if given.json:
        print(json.dumps({**rows, "left_out": left_out}))


if __name__ == "__main__":
    main()
