"""The ways to validate that benchmarks/validation.py compares, and what is read of this process and those below it."""

import asyncio
import gc
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import _lru_cache_wrapper
from pathlib import Path

from environments import Backend, running
from tasks._batches import State, given_state, run_of
from tasks._environment import interpreters
from tasks.candidate import Candidate, Rejection
from tasks.decisions import clean_files, refuse_cheaply, refuse_run
from tasks.repository import Repository
from tasks.testrun import TestReport, run_tests_on_each
from tasks.validation import Validator

ORDERS = (None, 1, 2, 3)  # of all tests, where the answers differ: file order once more, and three random ones


async def screened(candidates: Sequence[Candidate], repository: Repository, backend: Backend, jobs: int) -> float:
    """Seconds, with the starts of all sandboxes."""
    started = time.perf_counter()
    async with Validator(repository, backend, jobs=jobs) as validator:
        await asyncio.gather(*map(validator.screen, candidates))
        return time.perf_counter() - started


async def decided(
    candidates: Sequence[Candidate], repository: Repository, backend: Backend, jobs: int
) -> tuple[list[str], float]:
    """Screened and confirmed: reasons, '' for a task; seconds, with the starts of all sandboxes."""
    started = time.perf_counter()
    async with Validator(repository, backend, jobs=jobs) as validator:
        decisions = await asyncio.gather(*map(validator.decide, candidates))
        seconds = time.perf_counter() - started
    return [each.reason if isinstance(each, Rejection) else "" for each in decisions], seconds


async def naive(
    candidates: Sequence[Candidate], repository: Repository, docker: Backend, jobs: int
) -> tuple[list[str], float]:
    """All stable tests in a fresh container for each: reasons, '' for a task; seconds."""
    slots = asyncio.Semaphore(jobs)

    async def one(candidate: Candidate) -> str:
        if (refusal := refuse_cheaply(candidate, clean_files(candidate, repository))) is not None:
            return refusal.reason
        async with slots:
            report = await naive_run(given_state(candidate), repository, docker)
        refusal = refuse_run(candidate, report, repository)
        return refusal.reason if refusal else ""

    started = time.perf_counter()
    reasons = await asyncio.gather(*map(one, candidates))
    return list(reasons), time.perf_counter() - started


async def naive_run(
    state: State, repository: Repository, docker: Backend, *, random_order_seed: int | None = None
) -> TestReport:
    run = run_of(state, repository.stable_tests, repository, random_order_seed=random_order_seed)
    async with running(docker, repository.verifier_spec()) as sandbox:
        (report,) = await run_tests_on_each(sandbox, [run], timeout_sec=1800)
        return report


async def naive_again(candidate: Candidate, repository: Repository, docker: Backend) -> list[str]:
    """In each of ORDERS: whether the naive way's answer was one about the candidate at all."""
    answers = []
    for seed in ORDERS:
        report = await naive_run(given_state(candidate), repository, docker, random_order_seed=seed)
        refusal = refuse_run(candidate, report, repository)
        answers.append(refusal.reason if refusal else "accepted")
    return answers


def forget() -> None:
    """What this process has computed of the candidates so far: each round starts with nothing.

    Which Pythons the machine has is nothing of the candidates.
    """
    for each in gc.get_objects():
        module = getattr(each, "__module__", "") if isinstance(each, _lru_cache_wrapper) else ""
        if module.startswith("tasks.") and module != interpreters.__module__:
            each.cache_clear()


class Memory:
    """The most that this process and all below it have had at a time: `own_mb`, `all_mb` (proportional shares)."""

    EVERY_SEC = 0.5
    SHARE = 0.02  # of a core at most, whatever a look takes: it is not to slow what it looks at

    def __init__(self) -> None:
        self.own_mb = self.all_mb = 0.0

    @contextmanager
    def watched(self) -> Iterator[None]:
        end = threading.Event()
        thread = threading.Thread(target=self._watch, args=(end,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join()

    def _watch(self, end: threading.Event) -> None:
        pause = self.EVERY_SEC
        while not end.wait(pause):
            started = time.perf_counter()
            own = _pss_mb(os.getpid())
            self.own_mb = max(self.own_mb, own)
            self.all_mb = max(self.all_mb, own + sum(map(_pss_mb, _below(os.getpid()))))
            pause = max(self.EVERY_SEC, (time.perf_counter() - started) / self.SHARE)


def _below(process: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            text = (place / "stat").read_text()
        except OSError:
            continue  # it has ended
        children.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(int(place.name))
    found: list[int] = []
    waiting = [process]
    while waiting:
        of_one = children.get(waiting.pop(), [])
        found += of_one
        waiting += of_one
    return found


def _pss_mb(process: int) -> float:
    try:
        lines = Path("/proc", str(process), "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)
