"""Validation against the naive way: the full suite in a fresh container, each candidate; same candidates, same run.

    python benchmarks/validation.py [--package SPEC …] [--candidates N] [-j JOBS] [--json]

The naive way uses the same runner, limits and rules, so that a candidate that loops costs it seconds and not minutes;
all it does otherwise is to run every stable test in a new Docker container and to look whether one fails. Candidates
are drawn from all kinds of bugs. In rounds: a chunk of candidates screened, screened and confirmed, and run the naive
way, so that the machine's noise meets all three. Both of ours start their sandboxes once, as `gristmill generate` does;
that is in their time, the making of the container's image is not. Figures a package (`--json`, last line):
screening_speedup, speedup (screening and confirmation together), agreement, disagreements (with what the naive way says
when its tests run in other orders: an answer that depends on it is none), tasks_per_core_minute, peak_mb (of this
process and of the largest of its children).
"""

import argparse
import asyncio
import json
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from environments import Backend, get_backend, running
from tasks._batches import State, given_state, run_of
from tasks.candidate import Candidate, Rejection
from tasks.decisions import clean_files as clean_files_of
from tasks.decisions import refuse_cheaply, refuse_run
from tasks.generate import in_turn
from tasks.generators import get_generators
from tasks.repository import Repository, prepare_repository
from tasks.source import fetch_source
from tasks.testrun import TestReport, run_tests_on_each
from tasks.validation import Validator

PACKAGES = ["pypi:sqlparse==0.6.1", "pypi:tomlkit==0.15.2", "pypi:boltons==26.2.0"]
CHUNK = 100
ORDERS = (1, 2, 3)  # of all tests, where the answers differ


T = TypeVar("T")


async def timed(decide: Callable[[Candidate], Awaitable[T]], candidates: list[Candidate]) -> tuple[list[T], float]:
    started = time.perf_counter()
    decisions = await asyncio.gather(*map(decide, candidates))
    return list(decisions), time.perf_counter() - started


async def naive_run(
    state: State, repository: Repository, docker: Backend, *, random_order_seed: int | None = None
) -> TestReport:
    run = run_of(state, repository.stable_tests, repository, random_order_seed=random_order_seed)
    async with running(docker, repository.verifier_spec()) as sandbox:
        (report,) = await run_tests_on_each(sandbox, [run], timeout_sec=1800)
        return report


async def again(candidate: Candidate, repository: Repository, docker: Backend) -> list[str]:
    """What the naive way says in other orders of the tests: whether its answer was one about the candidate at all."""
    answers = []
    for seed in ORDERS:
        report = await naive_run(given_state(candidate), repository, docker, random_order_seed=seed)
        refusal = refuse_run(candidate, report, repository)
        answers.append(refusal.reason if refusal else "accepted")
    return answers


async def naive(
    candidates: list[Candidate], repository: Repository, docker: Backend, jobs: int
) -> tuple[list[str], float]:
    """Reasons, '' for a task."""
    slots = asyncio.Semaphore(jobs)

    async def one(candidate: Candidate) -> str:
        if (refusal := refuse_cheaply(candidate, clean_files_of(candidate, repository))) is not None:
            return refusal.reason
        async with slots:
            report = await naive_run(given_state(candidate), repository, docker)
        refusal = refuse_run(candidate, report, repository)
        return refusal.reason if refusal else ""

    started = time.perf_counter()
    reasons = await asyncio.gather(*(one(each) for each in candidates))
    return list(reasons), time.perf_counter() - started


async def measure(spec: str, count: int, jobs: int, seed: int) -> dict[str, Any]:
    cache = Path("~/.cache/gristmill").expanduser()
    fast, docker = get_backend("bubblewrap"), get_backend("docker")
    for backend in (fast, docker):
        if missing := backend.missing():
            raise SystemExit(f"{backend}: {'; '.join(missing)}")
    started = time.perf_counter()
    repository = await prepare_repository(fetch_source(spec, cache=cache), fast, cache=cache)
    prepared = time.perf_counter() - started
    await naive_run(State({}), repository, docker)  # makes the image
    started = time.perf_counter()
    await naive_run(State({}), repository, docker)
    suite = time.perf_counter() - started
    stream = in_turn(get_generators(None), repository, seed)
    candidates = [each for each in islice(stream, count) if each is not None]
    seconds: Counter[str] = Counter()
    disagreements, accepted, reasons = [], 0, Counter[str]()
    screener, validator = Validator(repository, fast, jobs=jobs), Validator(repository, fast, jobs=jobs)
    async with screener, validator:
        for at in range(0, len(candidates), CHUNK):
            chunk = candidates[at : at + CHUNK]
            _, taken = await timed(screener.screen, chunk)
            seconds["screening"] += taken
            decisions, taken = await timed(validator.decide, chunk)
            seconds["ours"] += taken
            answers, taken = await naive(chunk, repository, docker, jobs)
            seconds["naive"] += taken
            for candidate, decision, answer in zip(chunk, decisions, answers, strict=True):
                reason = decision.reason if isinstance(decision, Rejection) else ""
                accepted += not reason
                reasons[reason or "accepted"] += 1
                if bool(reason) != bool(answer):
                    disagreements.append(
                        {
                            "candidate": candidate.id,
                            "what": f"{candidate.generator}: {candidate.kind} in {candidate.path}:{candidate.symbol}",
                            "ours": reason or "accepted",
                            "naive": answer or "accepted",
                            "naive_in_other_orders": await again(candidate, repository, docker),
                        }
                    )
            so_far = ", ".join(f"{name} {sec:.1f} s" for name, sec in seconds.items())
            done = f"{at + len(chunk)} of {len(candidates)}"
            print(f"  {spec}: {done}: {so_far}, {len(disagreements)} disagreements", file=sys.stderr, flush=True)
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "package": spec,
        "tests": len(repository.stable_tests),
        "suite_seconds": round(suite, 2),
        "prepare_seconds": round(prepared, 1),
        "candidates": len(candidates),
        "accepted": accepted,
        "reasons": dict(reasons.most_common()),
        "screening_speedup": round(seconds["naive"] / seconds["screening"], 1),
        "speedup": round(seconds["naive"] / seconds["ours"], 1),
        "ms_per_candidate": {name: round(1000 * value / len(candidates), 1) for name, value in seconds.items()},
        "agreement": round(1 - len(disagreements) / len(candidates), 4),
        "disagreements": disagreements,
        "tasks_per_core_minute": round(60 * accepted / seconds["ours"] / jobs, 1),
        "peak_mb": round(peak / 1024),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--package", action="append", help="source; may be given several times")
    parser.add_argument("--candidates", type=int, default=100)
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = [asyncio.run(measure(spec, given.candidates, given.jobs, given.seed)) for spec in given.package or PACKAGES]
    print(
        f"{'package':28} {'tests':>6} {'suite s':>8} {'screening':>10} {'all':>7} {'agree':>7} {'tasks/core min':>15}"
    )
    for row in rows:
        print(f"{row['package']:28} {row['tests']:6} {row['suite_seconds']:8} {row['screening_speedup']:9}x "
              f"{row['speedup']:6}x {row['agreement']:7.2%} {row['tasks_per_core_minute']:15}")  # fmt: skip
        for each in row["disagreements"]:
            others = ", ".join(each["naive_in_other_orders"])
            print(f"    {each['what']}: ours {each['ours']}, naive {each['naive']} (in other orders {others})")
    if given.json:
        print(json.dumps({row["package"]: row for row in rows}))


if __name__ == "__main__":
    main()
