"""Part of scale.py: rollouts on small clusters of Ray and Dask, predicted from one at a time in one process.

The nodes are processes of this machine, so that they share its cores: for the simulator they are worker processes of
one host. A node runs one batch at a time and takes the next when that has ended.
"""

import asyncio
import os
import statistics
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from _accounting import Accounting
from _rollouts_timed import TASK, TEST
from _scale_rollouts import Calibration, calibration, cluster, looking, machine_cpu_sec, run

from agents.registry import get_agent
from environments.registry import get_backend
from flows.batches import split
from flows.engines.cluster import LOOPBACK
from flows.scale.demand import demand_of
from flows.scale.simulation import Simulation
from tasks.suite import open_suite, prepare_suite
from trajectories.store import open_store

SEEDS = 20
SETUPS = (("ray", 2, 1), ("ray", 2, 2), ("ray", 3, 2), ("dask", 2, 2))
"""Engine, nodes of one CPU each, sandboxes of a batch."""
SOLVE = """#!/bin/sh
for turn in 1 2 3 4; do
  sleep 0.$(({number} % 5))
  python3 -c 'import time
while time.process_time() < 0.12: sum(range(1000))'
done
echo 'hello world' > /workspace/hello.txt
"""


def write_suite(folder: Path, n: int) -> Path:
    """Like that of rollouts.py, but the reference waits up to 1.6 s and computes for half a second."""
    for number in range(n):
        task = folder / f"busy-{number}"
        for name in ("environment", "tests", "solution"):
            (task / name).mkdir(parents=True)
        (task / "task.toml").write_text(TASK.format(name=task.name, image=""))
        (task / "instruction.md").write_text("Write `hello world` into /workspace/hello.txt.\n")
        (task / "tests" / "test.sh").write_text(TEST)
        (task / "solution" / "solve.sh").write_text(SOLVE.format(number=number))
    return folder


async def engine_figures(folder: Path, n: int, within_sec: float) -> dict[str, Any]:
    """`within_sec`: later no cluster is begun."""
    started = time.perf_counter()
    backend, cache = get_backend("bubblewrap"), Path("~/.cache/gristmill").expanduser()
    suite = open_suite(write_suite(folder / "suite", n), cache=cache)
    await prepare_suite(suite, backend, cache=cache)
    accounting, oracle = Accounting(), get_agent("oracle")
    await run(suite, oracle, backend, 1, folder / "warm", accounting)
    alone = await run(suite, oracle, backend, 1, folder / "alone", accounting)
    accounting.close()
    rollout_ms = 1000 * alone.own_cpu_sec / n
    calibrated = calibration(alone, 0.0, rollout_ms, n)
    print(f"clusters: {n} rollouts, one at a time {60 * n / alone.seconds:.1f} a minute")
    rows = list[dict[str, Any]]()
    for engine, nodes, jobs in SETUPS:
        if find_spec(f"prefect_{engine}") is None:
            print(f"left out: {engine}: pip install 'gristmill[{engine}]'")
            continue
        if rows and time.perf_counter() - started > within_sec:
            print(f"left out: {engine}, {nodes} nodes, {jobs} sandboxes each: no time left (--minutes)")
            continue
        place = folder / f"{engine}-{nodes}-{jobs}"
        seconds, others, rivals = await measured(engine, nodes, jobs, folder / "suite", place, n)
        predicted = expected(calibrated, nodes, jobs, rivals, rollout_ms, n)
        error = 100 * (seconds / predicted - 1)
        rows.append({"engine": engine, "nodes": nodes, "jobs": jobs, "a_minute": round(60 * n / seconds, 1),
                     "predicted_a_minute": round(60 * n / predicted, 1), "error_percent": round(error, 1),
                     "cores_of_others": round(others, 2)})  # fmt: skip
        print(
            f"  {engine}, {nodes} nodes, {jobs} sandboxes each: {60 * n / seconds:.1f} a minute, predicted "
            f"{60 * n / predicted:.1f}, error {error:+.1f} %   {others:.2f} cores used by others"
        )
    errors = [abs(float(row["error_percent"])) for row in rows]
    return {"engine_error_percent": round(statistics.fmean(errors), 1) if errors else None, "engine_rows": rows}


def expected(calibrated: Calibration, nodes: int, jobs: int, rivals: float, rollout_ms: float, n: int) -> float:
    """Seconds from the first start to the last end."""
    parts = list(split(n, jobs, slots=(nodes, jobs)))
    spec = cluster(calibrated, nodes * jobs, rivals, 0.0, rollout_ms)
    data = spec.model_dump(exclude_none=True)
    data["host"]["workers"] = nodes
    data["api"] = {
        "task_runs_a_second": 20,
        "rollouts_a_task_run": parts[0].stop - parts[0].start,
        "next_batch": "after",
    }
    spec = type(spec).model_validate(data)
    demands = [demand_of(story, spec) for story in calibrated.stories]
    return statistics.fmean(Simulation(spec, demands, rollouts=n, seed=seed).play().ended[-1] for seed in range(SEEDS))


async def measured(
    engine: str, nodes: int, jobs: int, suite: Path, folder: Path, n: int
) -> tuple[float, float, float]:  # fmt: skip
    """Seconds from the first rollout's start to the last one's end, by the store; cores and threads of others."""
    folder.mkdir()
    accounting = Accounting()  # before the nodes are there, so that they are counted
    with small_cluster(engine, nodes) as address:
        command = [str(Path(sys.executable).with_name("gristmill")), "rollout", str(suite), "--agent", "oracle"]
        command += ["-j", str(jobs), "--engine", address, "--store", str(folder / "store")]
        tree, busy = accounting.total_sec(), machine_cpu_sec()
        began = time.perf_counter()
        async with looking() as looks, asyncio.timeout(500):
            process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
            _, told = await process.communicate()
        wall = time.perf_counter() - began
        busy, tree = machine_cpu_sec() - busy, accounting.total_sec() - tree
    accounting.close()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: {told.decode().strip()[-1500:]}")
    with open_store(folder / "store") as store:
        rows = [(row.started_at.timestamp(), row.total_sec) for row in store.rollouts()]
    if len(rows) != n:
        raise SystemExit(f"{engine}: {len(rows)} of {n} rollouts are in the store")
    others = max(0.0, busy - tree)
    rivals = statistics.fmean(looks) * others / busy
    return max(at + took for at, took in rows) - min(at for at, _ in rows), others / wall, rivals


@contextmanager
def small_cluster(engine: str, nodes: int) -> Iterator[str]:
    """Nodes with one CPU each, on loopback; the address as `--engine` takes it."""
    if engine == "ray":
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        from ray.cluster_utils import Cluster

        node = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "node_ip_address": LOOPBACK}
        ray_cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
        try:
            for _ in range(nodes - 1):
                ray_cluster.add_node(**node)
            yield f"ray:{ray_cluster.address}"
        finally:
            ray_cluster.shutdown()
        return
    from distributed import LocalCluster

    with LocalCluster(n_workers=nodes, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as dask_cluster:
        yield str(dask_cluster.scheduler_address)
