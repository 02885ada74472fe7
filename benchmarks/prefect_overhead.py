"""What Prefect costs: the same rollouts by the plain functions of flows.batches, and by the flow.

    python benchmarks/prefect_overhead.py [--json] [--tasks 12] [--seconds 6] [-j 2] [--rounds 3]

Each task's reference runs for `--seconds` and writes one file, so that a rollout has the length of a short real
one and costs hardly any CPU time: what is left is Gristmill and Prefect. Both ways write to stores of their own,
in the same process, taking turns, with Prefect's API up and warm, as `gristmill rollout` has it.

Two measures. Time of the clock, of the best round of each: the work sleeps, so all that others do on the machine only
adds to it; on a busy machine a round differs from the next by more than Prefect costs. Processor time of this process
and of all that Prefect's server does meanwhile, by which load matters little (medians): what sandboxes compute is not
in it.

`prefect_share`: of the flow's time, what the plain way does not need: (flow - plain) / flow. `prefect_cpu_share`: the
processor time of the flow beyond that of the plain way, and of the server, over the time that the plain way takes, as
if nothing else could be done meanwhile. `prefect_cpu_ms_per_batch` and `prefect_ms_per_batch`: the differences over the
batches of a run. `prefect_share_of_minutes`: what the processor time comes to where a batch is full
(flows.batches.MOST_IN_A_BATCH) and its rollouts last a minute, as those of a model do.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from flows.api import prefect_api
from flows.batches import MOST_IN_A_BATCH, keys_of, run_batch, split
from flows.launch import for_this_command_alone
from flows.place import Place
from flows.requests import RolloutRequest
from tasks.suite import open_suite, prepare_suite
from tests.hello_suite import make_suite

SETTLE_SEC = 1.5


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


@dataclass(frozen=True)
class Spent:
    """Seconds: of the clock, and of the processor in this process and in Prefect's server."""

    wall: float
    own: float
    server: float


def spent(work: Callable[[], int], server: int) -> tuple[int, Spent]:
    before = time.perf_counter(), time.process_time(), cpu_sec(server)
    count = work()
    time.sleep(SETTLE_SEC)  # the server writes down in the background what it was told
    wall = time.perf_counter() - before[0] - SETTLE_SEC
    return count, Spent(wall, time.process_time() - before[1], cpu_sec(server) - before[2])


def cpu_sec(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def server_of_ours() -> int:
    """The process that prefect_api has started."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and b"flows._api_process" in (folder / "cmdline").read_bytes():
                return int(folder.name)
    raise SystemExit("PREFECT_API_URL is set: unset it, for a server of others is not measured here")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--tasks", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("-j", "--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()

    ways: dict[str, Callable[[RolloutRequest, Place], int]] = {"plain": plain, "flow": by_flow}
    rounds: dict[str, list[Spent]] = {name: [] for name in ways}
    count, load = 0, os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        place = Place(store="", cache=root / "cache", backend="bubblewrap", jobs=arguments.jobs)
        warm = make_suite(root / "warm", 2)
        suite = make_suite(root / "suite", arguments.tasks, arguments.seconds)
        agents = [{"agent": "oracle", "attempts": 2}, {"agent": "nop"}]
        request = RolloutRequest.model_validate({"suite": suite, "agents": agents})
        with prefect_api(root / "prefect", cache=Path("~/.cache/gristmill").expanduser()), for_this_command_alone():
            server = server_of_ours()
            first = RolloutRequest.model_validate({"suite": warm, "agents": agents})
            for name, way in ways.items():
                way(first, place.model_copy(update={"store": str(root / f"warm-{name}")}))
            for number in range(arguments.rounds):
                for name, way in list(ways.items())[:: -1 if number % 2 else 1]:
                    here = place.model_copy(update={"store": str(root / f"{name}-{number}")})
                    count, took = spent(partial(way, request, here), server)
                    rounds[name].append(took)

    batches = len(list(split(count, arguments.jobs)))
    figures = compared(rounds, batches, arguments.jobs)
    print(
        f"{count} rollouts ({2 * arguments.tasks} of {arguments.seconds:g} s), {arguments.jobs} at a time, "
        f"{batches} batches, {arguments.rounds} rounds, load {load:.1f} to {os.getloadavg()[0]:.1f}"
    )
    for name, each in rounds.items():
        wall = " ".join(f"{one.wall:.2f}" for one in each)
        own, of_server = (" ".join(f"{value:.2f}" for value in values) for values in
                          ([one.own for one in each], [one.server for one in each]))  # fmt: skip
        print(f"  {name:<6} clock {wall} s   processor: this process {own} s, Prefect's server {of_server} s")
    print(f"  by the clock {100 * figures['prefect_share']:.2f} % of the run (best rounds),", end=" ")
    print(f"{figures['prefect_ms_per_batch']:.0f} ms a batch")
    print(f"  by processor time {100 * figures['prefect_cpu_share']:.2f} %,", end=" ")
    print(f"{figures['prefect_cpu_ms_per_batch']:.0f} ms a batch;", end=" ")
    print(f"{100 * figures['prefect_share_of_minutes']:.2f} % where a batch is {MOST_IN_A_BATCH} rollouts of a minute")
    if arguments.json:
        print(json.dumps({**figures, "rollouts": count, "batches": batches, "load": load}))


def compared(rounds: dict[str, list[Spent]], batches: int, jobs: int) -> dict[str, float]:
    wall = {name: min(one.wall for one in each) for name, each in rounds.items()}
    own = {name: statistics.median(one.own for one in each) for name, each in rounds.items()}
    server = statistics.median(one.server for one in rounds["flow"])  # all of it: the plain way needs none
    cost, cpu_cost = wall["flow"] - wall["plain"], own["flow"] - own["plain"] + server
    return {
        "prefect_share": cost / wall["flow"],
        "prefect_cpu_share": cpu_cost / wall["plain"],
        "prefect_ms_per_batch": 1000 * cost / batches,
        "prefect_cpu_ms_per_batch": 1000 * cpu_cost / batches,
        "prefect_share_of_minutes": cpu_cost / batches / (MOST_IN_A_BATCH * 60 / jobs),
        "plain_seconds": wall["plain"],
        "flow_seconds": wall["flow"],
        "plain_cpu_seconds": own["plain"],
        "flow_cpu_seconds": own["flow"],
        "server_cpu_seconds": server,
    }


if __name__ == "__main__":
    main()
