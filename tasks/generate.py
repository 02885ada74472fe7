"""A suite from a prepared repository: candidates in turn from every generator, validated, written, counted.

Decisions are taken side by side but used in the candidates' order, so the same seed gives the same bytes on any
machine. Each decision is kept in a journal beside the suite the moment it is taken: killed and started again, the
same call goes on where it was.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import nullcontext
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from environments.sandbox import Backend
from tasks._drafting import Drafter
from tasks._journal import Decision, Journal, kept
from tasks.candidate import Candidate, Generator, Rejection
from tasks.contamination import load_contamination
from tasks.errors import BadTaskFolder
from tasks.folder import RepositoryTask
from tasks.generators import get_generators
from tasks.lm import LmClient, LmConfig
from tasks.repository import Repository
from tasks.suite import MANIFEST, Manifest, SuiteWriter
from tasks.validation import Validator

JOURNAL = ".journal"
MOST_ON_THEIR_WAY = 128
MOST_EMPTY_ROUNDS = 1000  # in which generators wait for one another, each a step further


class Yield(BaseModel):
    """What one generator gave."""

    model_config = ConfigDict(frozen=True)

    generator: str
    candidates: int
    accepted: int
    rejections: dict[str, int]


class GenerateResult(BaseModel):
    """What `generate` did; kept in the suite's manifest."""

    model_config = ConfigDict(frozen=True)

    suite: str
    suite_hash: str
    accepted: int
    candidates: int
    yields: tuple[Yield, ...]


Result = TypeVar("Result", bound=GenerateResult)


class Progress(BaseModel):
    """How far `generate` is."""

    model_config = ConfigDict(frozen=True)

    accepted: int
    candidates: int


async def generate(
    repository: Repository,
    backend: Backend,
    *,
    out: Path,
    n: int,
    seed: int,
    generators: Sequence[str] | None,
    cache: Path,
    jobs: int,
    lm: LmConfig | None = None,
    contamination: Path | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    decide_elsewhere: Callable[[Candidate], Awaitable[Decision]] | None = None,
) -> GenerateResult:
    """Write `n` validated tasks to the suite `out`, or as many as the candidates give.

    `lm`: a model that writes the issue reports, and the bugs of the generators that ask one; `contamination`: a list
    of benchmarks (docs/quality.md), whose tasks are marked; `decide_elsewhere`: what decides about a candidate in place
    of a validator here with `jobs` sandboxes.
    Raises BadTaskFolder if `out` holds a suite made from something else, UnknownGenerator, BadContaminationList,
    VerifierFault, LmFault.
    """
    chosen = get_generators(generators, lm=lm)
    listed = load_contamination(contamination) if contamination is not None else None
    request: dict[str, Any] = {
        "source": repository.source.spec,
        "source_hash": repository.source.hash,
        "n": n,
        "seed": seed,
        "generators": [generator.name for generator in chosen],
    }
    if lm is not None:
        request["model"] = lm.model
    if contamination is not None:
        request["contamination"] = sha256(contamination.read_bytes()).hexdigest()
    if (known := finished_result(out, request, GenerateResult)) is not None:
        on_progress(Progress(accepted=known.accepted, candidates=known.candidates))
        return known
    writer = SuiteWriter(out)
    accepted: list[str] = []
    counts: dict[str, Counter[str]] = {generator.name: Counter() for generator in chosen}
    with Journal(out / JOURNAL, request) as journal, LmClient(lm) if lm is not None else nullcontext() as client:
        drafter = Drafter(repository, seed, lm=client, contamination=listed)
        here = nullcontext() if decide_elsewhere else Validator(repository, backend, jobs=jobs)
        async with here as validator:

            async def decide(candidate: Candidate) -> Decision:
                if (before := journal.find(candidate.id)) is not None:
                    return before
                if decide_elsewhere is not None:
                    decision = await decide_elsewhere(candidate)
                else:
                    assert validator is not None
                    decision = kept(await validator.decide(candidate))
                journal.keep(candidate.id, decision)
                return decision

            async def take(candidate: Candidate, decision: Decision) -> None:
                drafted = await asyncio.to_thread(drafter.draft, candidate, decision)
                for task in drafted:
                    if isinstance(task, Rejection):
                        writer.reject(task)
                    elif len(accepted) < n:
                        if task.id not in writer.task_ids:
                            writer.add(task, repository)
                        accepted.append(task.id)
                    counts[candidate.generator][task.reason if isinstance(task, Rejection) else "accepted"] += 1
                if any(isinstance(task, RepositoryTask) for task in drafted):
                    tell_accepted(chosen, candidate)
                on_progress(Progress(accepted=len(accepted), candidates=sum(each.total() for each in counts.values())))

            stream = in_turn(chosen, repository, seed)
            await _decide_in_order(stream, decide, take, room=lambda: _room(n - len(accepted)))
        for generator in chosen:
            for skipped in getattr(generator, "skipped", ()):
                writer.reject(skipped)
                counts[generator.name][skipped.reason] += 1
        for task_id in writer.task_ids - set(accepted):
            writer.remove(task_id)
        yields = tuple(_yield_of(name, counter) for name, counter in counts.items())
        summary = {
            "accepted": len(accepted),
            "candidates": sum(each.candidates for each in yields),
            "yields": [each.model_dump() for each in yields],
        }
        manifest = writer.finish({"request": request, "result": summary})
        journal.remove()
    return GenerateResult(suite=str(out), suite_hash=manifest.hash, **summary)


def _room(wanted: int) -> int:
    """How many candidates may be on their way: enough to be validated together, not many more than will be needed."""
    return max(8, min(MOST_ON_THEIR_WAY, 2 * wanted)) if wanted > 0 else 0


async def _decide_in_order(
    stream: Iterator[Candidate | None],
    decide: Callable[[Candidate], Awaitable[Decision]],
    take: Callable[[Candidate, Decision], Awaitable[None]],
    *,
    room: Callable[[], int],
) -> None:
    """Decide side by side, take in order. What is asked of the stream, and when, depends on decisions alone."""
    waiting: deque[tuple[Candidate, asyncio.Future[Decision]]] = deque()
    try:
        while room():
            if len(waiting) <= room() // 2:
                # in a thread: some generators ask a model
                while len(waiting) < room() and (candidate := await asyncio.to_thread(next, stream, None)) is not None:
                    waiting.append((candidate, asyncio.ensure_future(decide(candidate))))
            if not waiting:
                break
            candidate, deciding = waiting[0]
            decision = await deciding
            waiting.popleft()
            await take(candidate, decision)
    finally:
        for _, deciding in waiting:
            deciding.cancel()
        await asyncio.gather(*(deciding for _, deciding in waiting), return_exceptions=True)


def in_turn(generators: Sequence[Generator], repository: Repository, seed: int) -> Iterator[Candidate | None]:
    """One candidate of each generator in turn, none twice; None where none of them has one now, but may later."""
    streams = {each.name: iter(each.candidates(repository, Random(f"{seed} {each.name}"))) for each in generators}
    seen: set[str] = set()
    ended = object()
    empty_rounds = 0
    while streams:
        has_any = False
        for name, stream in list(streams.items()):
            candidate = next(stream, ended)
            if candidate is ended:
                del streams[name]
            elif isinstance(candidate, Candidate) and candidate.id not in seen:
                has_any = True
                seen.add(candidate.id)
                yield candidate
            elif candidate is not None:
                has_any = True
        empty_rounds = 0 if has_any else empty_rounds + 1
        if empty_rounds > MOST_EMPTY_ROUNDS:
            yield None


def tell_accepted(generators: Sequence[Generator], candidate: Candidate) -> None:
    """Some generators build on what has become a task."""
    for generator in generators:
        if (accepted := getattr(generator, "accepted", None)) is not None:
            accepted(candidate)


def _yield_of(name: str, counter: Counter[str]) -> Yield:
    rejections = {reason: count for reason, count in counter.most_common() if reason != "accepted"}
    return Yield(generator=name, candidates=counter.total(), accepted=counter["accepted"], rejections=rejections)


def finished_result(out: Path, request: dict[str, Any], kind: type[Result]) -> Result | None:
    """The result of the same call, if it was carried out to its end. Raises BadTaskFolder for another's suite."""
    if not (out / MANIFEST).is_file():
        return None
    try:
        manifest = Manifest.model_validate_json((out / MANIFEST).read_text())
        if manifest.provenance.get("request") != request:
            raise BadTaskFolder(f"{out}: holds a suite that was made from something else; give another --out")
        return kind.model_validate(
            {"suite": str(out), "suite_hash": manifest.hash, **manifest.provenance["result"]}  # type: ignore[dict-item]
        )
    except ValidationError as error:
        raise BadTaskFolder(f"{out / MANIFEST}: cannot be read ({error}); give another --out") from error
