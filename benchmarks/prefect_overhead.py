"""What Prefect costs: the same rollouts by the plain functions of flows.batches, and by the flow.

    python benchmarks/prefect_overhead.py [--json] [--tasks 12] [--seconds 6] [-j 2] [--rounds 2]

Each task's reference runs for `--seconds` and writes one file, so that a rollout has the length of a short real
one and costs hardly any CPU time: what is left is Gristmill and Prefect. Both ways write to stores of their own,
in the same process, taking turns, with Prefect's API up and warm, as `gristmill rollout` has it.

The best round of each counts: the work sleeps, so all that others do on the machine only adds to it.

`prefect_share`: of the flow's time, what the plain way does not need: (flow - plain) / flow. `prefect_ms_per_batch`
is the same difference over the batches of a run, `prefect_share_of_minutes` what it comes to where a batch is full
(flows.batches.MOST_IN_A_BATCH) and its rollouts last a minute, as those of a model do.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from flows.api import prefect_api
from flows.batches import MOST_IN_A_BATCH, keys_of, run_batch, split
from flows.launch import without_heartbeats
from flows.place import Place
from flows.requests import RolloutRequest
from tasks.suite import open_suite, prepare_suite

TASK = """schema_version = "1.1"
[task]
name = "bench/slow-{number}"
[verifier]
timeout_sec = 60.0
[agent]
timeout_sec = 120.0
[environment]
workdir = "/workspace"
cpus = 1
memory_mb = 512
"""
TEST = """#!/bin/sh
mkdir -p /logs/verifier
if [ "$(cat /workspace/hello.txt)" = hello ]; then echo 1; else echo 0; fi > /logs/verifier/reward.txt
"""


def write_suite(folder: Path, tasks: int, seconds: float) -> Path:
    """Folders in Harbor's format, as somebody else would write them."""
    for number in range(tasks):
        task = folder / f"slow-{number}"
        for name in ("environment", "tests", "solution"):
            (task / name).mkdir(parents=True)
        (task / "task.toml").write_text(TASK.format(number=number))
        (task / "instruction.md").write_text("Write `hello` into /workspace/hello.txt.\n")
        (task / "tests" / "test.sh").write_text(TEST)
        (task / "solution" / "solve.sh").write_text(f"#!/bin/sh\nsleep {seconds}\necho hello > /workspace/hello.txt\n")
    return folder


def plain(request: RolloutRequest, place: Place) -> int:
    """All rollouts as one batch, `place.jobs` at a time: what the flow does, without Prefect. Returns how many."""
    suite = open_suite(request.suite, cache=place.cache)
    asyncio.run(prepare_suite(suite, place.open_backend(), cache=place.cache))
    written = asyncio.run(
        run_batch(
            keys_of(request, suite, place.backend),
            suite=suite,
            place=place,
            models={},
            jobs=place.jobs,
            on_done=lambda rollout: None,
        )
    )
    return len(written)


def by_flow(request: RolloutRequest, place: Place) -> int:
    from flows.rollout import rollout_flow

    summary = rollout_flow(request, place)
    if summary.unknown:
        raise SystemExit(f"{summary.unknown} rollouts were lost to the infrastructure")
    return summary.asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--tasks", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("-j", "--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()

    ways: dict[str, Callable[[RolloutRequest, Place], int]] = {"plain": plain, "flow": by_flow}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        place = Place(store="", cache=root / "cache", backend="bubblewrap", jobs=arguments.jobs)
        warm = write_suite(root / "warm", 2, 0)
        suite = write_suite(root / "suite", arguments.tasks, arguments.seconds)
        agents = [{"agent": "oracle", "attempts": 2}, {"agent": "nop"}]
        request = RolloutRequest.model_validate({"suite": suite, "agents": agents})
        with prefect_api(root / "prefect", cache=Path("~/.cache/gristmill").expanduser()), without_heartbeats():
            first = RolloutRequest.model_validate({"suite": warm, "agents": agents})
            for name, way in ways.items():
                way(first, place.model_copy(update={"store": str(root / f"warm-{name}")}))
            for number in range(arguments.rounds):
                for name, way in list(ways.items())[:: -1 if number % 2 else 1]:
                    start = time.perf_counter()
                    count = way(request, place.model_copy(update={"store": str(root / f"{name}-{number}")}))
                    seconds[name].append(time.perf_counter() - start)

    best = {name: min(values) for name, values in seconds.items()}
    batches = len(list(split(count, arguments.jobs)))
    cost = best["flow"] - best["plain"]
    share = cost / best["flow"]
    full = cost / batches / (MOST_IN_A_BATCH * 60 / arguments.jobs + cost / batches)
    print(
        f"{count} rollouts ({2 * arguments.tasks} of {arguments.seconds:g} s), {arguments.jobs} at a time, "
        f"{batches} batches, best of {arguments.rounds} rounds"
    )
    for name, value in best.items():
        print(f"  {name:<8} {value:7.2f} s   " + " ".join(f"{one:.2f}" for one in seconds[name]))
    print(f"  Prefect: {100 * share:.1f} % of the run, {1000 * cost / batches:.0f} ms a batch;")
    print(f"  {100 * full:.2f} % where a batch is {MOST_IN_A_BATCH} rollouts of a minute")
    if arguments.json:
        print(
            json.dumps(
                {
                    "prefect_share": share,
                    "prefect_ms_per_batch": 1000 * cost / batches,
                    "prefect_share_of_minutes": full,
                    "plain_seconds": best["plain"],
                    "flow_seconds": best["flow"],
                    "rollouts": count,
                    "batches": batches,
                }
            )
        )


if __name__ == "__main__":
    main()
