"""A suite from a prepared repository: candidates in turn from every generator, validated, written, counted.

Decisions are taken side by side but used in the candidates' order, so the same seed gives the same bytes on any
machine. Each decision is kept in a journal beside the suite the moment it is taken: killed and started again, the
same call goes on where it was.
"""

import asyncio
import json
import os
import shutil
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from environments.sandbox import Backend
from tasks._scratch import write_at_once
from tasks.candidate import Brief, Candidate, Generator, Rejection
from tasks.errors import BadTaskFolder
from tasks.folder import RepositoryTask
from tasks.generators import get_generators
from tasks.instruction import LeakFound, write_instruction
from tasks.repository import Repository
from tasks.selection import is_known
from tasks.suite import MANIFEST, Manifest, SuiteWriter
from tasks.task import Provenance
from tasks.testrun import TestResult
from tasks.validation import Validated, Validator, clean_files, reference_of, rejected
from tasks.verifiers.data import Definition, PytestData

JOURNAL = ".journal"
MOST_ON_THEIR_WAY = 128
MOST_FAILURES_KEPT = 50


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


class Progress(BaseModel):
    """How far `generate` is."""

    model_config = ConfigDict(frozen=True)

    accepted: int
    candidates: int


class Decision(BaseModel):
    """What the journal keeps of one candidate: a rejection, or what its tests did."""

    model_config = ConfigDict(frozen=True)

    rejection: Rejection | None = None
    fail_to_pass: tuple[str, ...] = ()
    pass_to_pass: tuple[str, ...] = ()
    failures: tuple[TestResult, ...] = ()


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
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> GenerateResult:
    """Write `n` validated tasks to the suite `out`, or as many as the candidates give.

    Raises BadTaskFolder if `out` holds a suite made from something else, UnknownGenerator, VerifierFault.
    """
    chosen = get_generators(generators)
    request = {
        "source": repository.source.spec,
        "source_hash": repository.source.hash,
        "n": n,
        "seed": seed,
        "generators": [generator.name for generator in chosen],
    }
    if (known := _finished(out, request)) is not None:
        on_progress(Progress(accepted=known.accepted, candidates=known.candidates))
        return known
    writer = SuiteWriter(out)
    accepted: list[str] = []
    counts: dict[str, Counter[str]] = {generator.name: Counter() for generator in chosen}
    with _Journal(out / JOURNAL, request) as journal:
        async with Validator(repository, backend, jobs=jobs) as validator:

            async def decide(candidate: Candidate) -> Decision:
                if (before := journal.find(candidate.id)) is not None:
                    return before
                result = await validator.decide(candidate)
                decision = _kept(result)
                journal.keep(candidate.id, decision)
                return decision

            def take(candidate: Candidate, decision: Decision) -> None:
                tasks = [decision.rejection] if decision.rejection else _tasks_of(candidate, decision, repository, seed)
                for task in tasks:
                    if isinstance(task, Rejection):
                        writer.reject(task)
                    elif len(accepted) < n:
                        if task.id not in writer.task_ids:
                            writer.add(task, repository)
                        accepted.append(task.id)
                    counts[candidate.generator][task.reason if isinstance(task, Rejection) else "accepted"] += 1
                if any(isinstance(task, RepositoryTask) for task in tasks):
                    tell_accepted(chosen, candidate)
                on_progress(Progress(accepted=len(accepted), candidates=sum(each.total() for each in counts.values())))

            await _decide_in_order(
                in_turn(chosen, repository, seed), decide, take, room=lambda: _room(n - len(accepted))
            )
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
    take: Callable[[Candidate, Decision], None],
    *,
    room: Callable[[], int],
) -> None:
    """Decide side by side, take in order. What is asked of the stream, and when, depends on decisions alone."""
    waiting: deque[tuple[Candidate, asyncio.Future[Decision]]] = deque()
    try:
        while room():
            if len(waiting) <= room() // 2:
                while len(waiting) < room() and (candidate := next(stream, None)) is not None:
                    waiting.append((candidate, asyncio.ensure_future(decide(candidate))))
            if not waiting:
                break
            candidate, deciding = waiting[0]
            decision = await deciding
            waiting.popleft()
            take(candidate, decision)
    finally:
        for _, deciding in waiting:
            deciding.cancel()
        await asyncio.gather(*(deciding for _, deciding in waiting), return_exceptions=True)


def in_turn(generators: Sequence[Generator], repository: Repository, seed: int) -> Iterator[Candidate | None]:
    """One candidate of each generator in turn, none twice; None where none of them has one now, but may later."""
    streams = {each.name: iter(each.candidates(repository, Random(f"{seed} {each.name}"))) for each in generators}
    seen: set[str] = set()
    ended = object()
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
        if not has_any:
            yield None


def tell_accepted(generators: Sequence[Generator], candidate: Candidate) -> None:
    """Some generators build on what has become a task."""
    for generator in generators:
        if (accepted := getattr(generator, "accepted", None)) is not None:
            accepted(candidate)


def _kept(result: Validated | Rejection) -> Decision:
    if isinstance(result, Rejection):
        return Decision(rejection=result)
    failures = tuple(_without_lines(failure) for failure in result.failures[:MOST_FAILURES_KEPT])
    return Decision(fail_to_pass=result.fail_to_pass, pass_to_pass=result.pass_to_pass, failures=failures)


def _tasks_of(
    candidate: Candidate, decision: Decision, repository: Repository, seed: int
) -> list[RepositoryTask | Rejection]:
    """A task for each brief, or why there is none."""
    return [_task_of(candidate, brief, decision, repository, seed) for brief in candidate.briefs]


def _task_of(
    candidate: Candidate, brief: Brief, decision: Decision, repository: Repository, seed: int
) -> RepositoryTask | Rejection:
    """The task, or a rejection if no instruction can be written that does not give the answer away."""
    source = repository.source
    reference = candidate.reference or reference_of(candidate, clean_files(candidate, repository))
    spec = repository.agent_spec()
    try:
        instruction, shown = write_instruction(
            source.name,
            decision.failures,
            reference,
            workdir=spec.workdir,
            rng=Random(f"{seed} {candidate.id}"),
            template=brief.template,
            context=brief.context,
            shows_failures=brief.shows_failures,
        )
    except LeakFound as leak:
        return rejected(candidate, "instruction leaks", str(leak))
    if shown and not set(decision.fail_to_pass) - set(shown):
        detail = "its one failing test must be shown, and hard-coding what it wants would pass"
        return rejected(candidate, "no failing test is hidden", detail)
    return RepositoryTask(
        id="-".join(filter(None, (source.name, candidate.generator, candidate.id, brief.name))).replace("_", "-"),
        instruction=instruction,
        family=candidate.family,
        provenance=Provenance(
            source=source.spec,
            source_hash=source.hash,
            revision=source.revision,
            license=source.license,
            repository=source.name,
            generator=candidate.generator,
            seed=seed,
            details={
                "kind": candidate.kind,
                "path": candidate.path,
                "symbol": candidate.symbol,
                "lines": list(candidate.places[0].changed_lines),
                **({"brief": brief.name} if brief.name else {}),
                **candidate.details,
            },
        ),
        files=candidate.files,
        absent=candidate.absent,
        hidden=candidate.hidden,
        reference=reference,
        verifier_data=PytestData(
            fail_to_pass=decision.fail_to_pass,
            pass_to_pass=decision.pass_to_pass,
            stable_tests=repository.stable_tests if candidate.is_bug else decision.pass_to_pass,
            shown=shown,
            is_withheld=not shown,
            allowed=candidate.allowed,
            definition=_definition_of(candidate, repository),
            import_paths=repository.recipe.import_paths,
            per_test_timeout_sec=_per_test_limit(repository),
        ),
        limits=spec.limits,
    )


def _definition_of(candidate: Candidate, repository: Repository) -> Definition | None:
    """The definition whose tests decide while nothing else is changed; None: all stable tests decide."""
    place = candidate.places[0]
    if not candidate.is_bug or candidate.absent or len(candidate.places) > 1 or len(candidate.files) > 1:
        return None
    if not is_known(place, repository) or repository.runs_at_import(place.path, place.first_line, place.last_line):
        return None
    clean = (repository.source.code / place.path).read_bytes()
    grown = candidate.files[place.path].count(b"\n") - clean.count(b"\n")
    return Definition(path=place.path, first_line=place.first_line, last_line=place.last_line + grown)


def _per_test_limit(repository: Repository) -> float:
    """Ten times the slowest clean test, in steps of 10 s: coarse, so that another machine writes the same bytes."""
    slowest = max(repository.clean_seconds.values(), default=0.0)
    return 10.0 * max(1, round(slowest))


def _without_lines(result: TestResult) -> TestResult:
    return result.model_copy(update={"lines": {}, "duration_sec": 0.0})


def _yield_of(name: str, counter: Counter[str]) -> Yield:
    rejections = {reason: count for reason, count in counter.most_common() if reason != "accepted"}
    return Yield(generator=name, candidates=counter.total(), accepted=counter["accepted"], rejections=rejections)


def _finished(out: Path, request: dict[str, Any]) -> GenerateResult | None:
    """The result of the same call, if it was carried out to its end. Raises BadTaskFolder for another's suite."""
    if not (out / MANIFEST).is_file():
        return None
    try:
        manifest = Manifest.model_validate_json((out / MANIFEST).read_text())
        if manifest.provenance.get("request") != request:
            raise BadTaskFolder(f"{out}: holds a suite that was made from something else; give another --out")
        return GenerateResult.model_validate(
            {"suite": str(out), "suite_hash": manifest.hash, **manifest.provenance["result"]}  # type: ignore[dict-item]
        )
    except ValidationError as error:
        raise BadTaskFolder(f"{out / MANIFEST}: cannot be read ({error}); give another --out") from error


class _Journal:
    """Decisions, a line each, appended the moment they are taken; a line that a kill cut short is none."""

    def __init__(self, folder: Path, request: dict[str, Any]) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        known = folder / "request.json"
        if not known.is_file():
            write_at_once(known, json.dumps(request).encode())
        elif json.loads(known.read_text()) != request:
            raise BadTaskFolder(
                f"{folder.parent}: a suite from another request is half written there; "
                "give the same source, -n, --seed and generators, or another --out"
            )
        self._file = folder / "decisions.jsonl"
        self._places = dict(self._read())

    def _read(self) -> Iterator[tuple[str, int]]:
        """Candidate id -> where its line begins. The end of a line that was cut short is cut off."""
        if not self._file.is_file():
            return
        at = 0
        with self._file.open("rb+") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    file.truncate(at)
                    break
                yield line.partition(b" ")[0].decode(), at
                at += len(line)

    def __enter__(self) -> "_Journal":
        self._opened = self._file.open("ab+")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def find(self, candidate_id: str) -> Decision | None:
        if candidate_id not in self._places:
            return None
        self._opened.seek(self._places[candidate_id])
        return Decision.model_validate_json(self._opened.readline().partition(b" ")[2])

    def keep(self, candidate_id: str, decision: Decision) -> None:
        self._places[candidate_id] = self._opened.seek(0, os.SEEK_END)
        self._opened.write(f"{candidate_id} {decision.model_dump_json()}\n".encode())
        self._opened.flush()

    def remove(self) -> None:
        shutil.rmtree(self._folder)
