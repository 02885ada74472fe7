"""Validation against the naive way: the full suite in a fresh container, each candidate; same candidates, same run.

    python benchmarks/validation.py [--package SPEC …] [--candidates N] [-j JOBS] [--rounds R] [--json]

The naive way uses the same runner, limits and rules, so that a candidate that loops costs it seconds and not minutes;
all it does otherwise is to run every stable test in a new Docker container and to look whether one fails. Candidates
are drawn from all kinds of bugs.

In rounds, so that the machine's noise meets all: in each, all candidates are screened, then screened and confirmed
(each time from nothing: sandboxes are started, caches are empty), and a share of them is run the naive way. Ours counts
as the mean of its rounds, the naive way as the sum of its shares. The making of the container's image is not counted.

Figures a package (`--json`, last line): screening_speedup, speedup (screening and confirmation together), the same of
each round, agreement (an answer of ours that is not the same in all rounds is none), disagreements (with what the naive
way says when it is asked again, and with its tests in other orders), steady_agreement (without those of which the naive
way says now this and now that: such an answer is about a test and not about the candidate), tasks_per_core_minute,
peak_mb (of this process), peak_mb_all (with all sandboxes of ours), loads (of the machine, before each part).
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections import Counter
from itertools import islice
from pathlib import Path
from statistics import mean
from typing import Any

from _validation_ways import Memory, decided, forget, naive, naive_again, naive_run, screened

from environments import Backend, get_backend
from tasks._batches import State
from tasks.candidate import Candidate
from tasks.generate import in_turn
from tasks.generators import get_generators
from tasks.repository import Repository, prepare_repository
from tasks.source import fetch_source

PACKAGES = ["pypi:boltons==26.2.0", "pypi:pydash==5.1.2", "pypi:tomlkit==0.15.2"]
CACHE = Path("~/.cache/gristmill").expanduser()


class Comparison:
    """Of one package."""

    def __init__(self, spec: str, repository: Repository, candidates: list[Candidate], jobs: int, rounds: int) -> None:
        self.spec = spec
        self.repository = repository
        self.candidates = candidates
        self.jobs = jobs
        self.rounds = rounds
        self.fast, self.docker = get_backend("bubblewrap"), _containers()
        self.seconds: dict[str, list[float]] = {"screening": [], "ours": [], "naive": []}
        self.ours: list[list[str]] = []
        self.naive: list[str] = []
        self.loads: list[float] = []
        self.memory = Memory()

    async def run(self) -> None:
        size = -(-len(self.candidates) // self.rounds)
        for at in range(0, len(self.candidates), size):
            with self.memory.watched():
                self._begin()
                self.seconds["screening"].append(await screened(self.candidates, self.repository, self.fast, self.jobs))
                self._begin()
                reasons, taken = await decided(self.candidates, self.repository, self.fast, self.jobs)
            self.seconds["ours"].append(taken)
            self.ours.append(reasons)
            self._begin()
            share = self.candidates[at : at + size]
            answers, taken = await naive(share, self.repository, self.docker, self.jobs)
            self.seconds["naive"].append(taken)
            self.naive += answers
            self._tell(len(share))

    def _begin(self) -> None:
        forget()
        self.loads.append(round(os.getloadavg()[0], 1))

    def _tell(self, size: int) -> None:
        last = {name: seconds[-1] for name, seconds in self.seconds.items()}
        done = f"{len(self.naive)} of {len(self.candidates)}"
        print(f"  {self.spec}: {done}; all screened {last['screening']:.1f} s, and confirmed {last['ours']:.1f} s, "
              f"{size} the naive way {last['naive']:.1f} s; so far {self.speedup('screening'):.1f}x, "
              f"{self.speedup('ours'):.1f}x; load {self.loads[-3:]}; unlike {self.unlike()}",
              file=sys.stderr, flush=True)  # fmt: skip

    def speedup(self, way: str) -> float:
        """Of what the naive way has done so far."""
        each_naive = sum(self.seconds["naive"]) / len(self.naive)
        return each_naive / (mean(self.seconds[way]) / len(self.candidates))

    def unlike(self) -> list[int]:
        """Candidates about which the answers differ: ours and the naive way's, or ours of one round and another."""
        return [
            at for at, answer in enumerate(self.naive) if {bool(reasons[at]) for reasons in self.ours} != {bool(answer)}
        ]

    async def disagreements(self) -> list[dict[str, Any]]:
        found = []
        for at in self.unlike():
            candidate = self.candidates[at]
            again = await naive_again(candidate, self.repository, self.docker)
            found.append(
                {
                    "candidate": candidate.id,
                    "what": f"{candidate.generator}: {candidate.kind} in {candidate.path}:{candidate.symbol}",
                    "ours": [reasons[at] or "accepted" for reasons in self.ours],
                    "naive": self.naive[at] or "accepted",
                    "is_naive_steady": all((answer == "accepted") == (not self.naive[at]) for answer in again),
                    "naive_again": again,
                }
            )
        return found


async def measure(spec: str, count: int, jobs: int, seed: int, rounds: int) -> dict[str, Any]:
    _need(get_backend("bubblewrap"), get_backend("docker"))
    started = time.perf_counter()
    repository = await prepare_repository(fetch_source(spec, cache=CACHE), get_backend("bubblewrap"), cache=CACHE)
    prepared = time.perf_counter() - started
    docker = _containers()
    await naive_run(State({}), repository.model_copy(update={"stable_tests": repository.stable_tests[:1]}), docker)
    started = time.perf_counter()  # that made the image
    await naive_run(State({}), repository, docker)
    suite = time.perf_counter() - started
    print(f"  {spec}: {len(repository.stable_tests)} tests, {suite:.1f} s in a container", file=sys.stderr, flush=True)
    stream = in_turn(get_generators(None), repository, seed)
    candidates = [each for each in islice(stream, count) if each is not None]
    comparison = Comparison(spec, repository, candidates, jobs, rounds)
    await comparison.run()
    disagreements = await comparison.disagreements()
    reasons = comparison.ours[0]
    seconds = comparison.seconds
    return {
        "package": spec,
        "tests": len(repository.stable_tests),
        "suite_seconds": round(suite, 2),
        "prepare_seconds": round(prepared, 1),
        "candidates": len(candidates),
        "accepted": reasons.count(""),
        "reasons": dict(Counter(reason or "accepted" for reason in reasons).most_common()),
        "screening_speedup": round(comparison.speedup("screening"), 1),
        "speedup": round(comparison.speedup("ours"), 1),
        "seconds": {name: [round(each, 1) for each in some] for name, some in seconds.items()},
        "ms_per_candidate": {
            name: round(1000 * (sum(some) if name == "naive" else mean(some)) / len(candidates), 1)
            for name, some in seconds.items()
        },
        "loads": comparison.loads,
        "agreement": round(1 - len(disagreements) / len(candidates), 4),
        "steady_agreement": round(1 - sum(each["is_naive_steady"] for each in disagreements) / len(candidates), 4),
        "disagreements": disagreements,
        "tasks_per_core_minute": round(60 * reasons.count("") / mean(seconds["ours"]) / jobs, 1),
        "peak_mb": round(comparison.memory.own_mb),
        "peak_mb_all": round(comparison.memory.all_mb),
    }


def _containers() -> Backend:
    """Docker with a container for each sandbox, not one that is kept for all of an image."""
    return get_backend("docker", keep_containers=False)


def _need(*backends: Backend) -> None:
    for backend in backends:
        if missing := backend.missing():
            raise SystemExit(f"{backend}: {'; '.join(missing)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--package", action="append", help="source; may be given several times")
    parser.add_argument("--candidates", type=int, default=100)
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = [
        asyncio.run(measure(spec, given.candidates, given.jobs, given.seed, given.rounds))
        for spec in given.package or PACKAGES
    ]
    print(f"{'package':24} {'tests':>6} {'suite s':>8} {'screening':>10} {'all':>7} {'agree':>8} "
          f"{'tasks/core min':>15} {'MB':>5} {'all MB':>7}")  # fmt: skip
    for row in rows:
        print(f"{row['package']:24} {row['tests']:6} {row['suite_seconds']:8} {row['screening_speedup']:9}x "
              f"{row['speedup']:6}x {row['agreement']:8.2%} {row['tasks_per_core_minute']:15} {row['peak_mb']:5} "
              f"{row['peak_mb_all']:7}")  # fmt: skip
        for each in row["disagreements"]:
            ours, others = (", ".join(each[name]) for name in ("ours", "naive_again"))
            print(f"    {each['what']}: ours {ours}, naive {each['naive']} (again, and in other orders: {others})")
    if given.json:
        print(json.dumps({row["package"]: row for row in rows}))


if __name__ == "__main__":
    main()
