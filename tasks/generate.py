"""A suite from a prepared repository: candidates in turn from every generator, validated, written, counted.

Decisions are taken side by side but used in the candidates' order, so the same seed gives the same bytes on any
machine. Each decision is kept in a journal beside the suite the moment it is taken: killed and started again, the
same call goes on where it was.
"""

import asyncio
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from random import Random
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from environments.sandbox import Backend
from tasks.candidate import Candidate, Generator, Rejection
from tasks.errors import BadTaskFolder
from tasks.folder import RepositoryTask
from tasks.generators import get_generators
from tasks.instruction import LeakFound, write_instruction
from tasks.repository import Repository
from tasks.suite import MANIFEST, Manifest, SuiteWriter
from tasks.task import Provenance
from tasks.testrun import TestResult
from tasks.validation import reference_of, rejected, validate_candidate
from tasks.verifiers.data import Definition, PytestData

JOURNAL = ".journal"


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
    journal = _Journal(out / JOURNAL, request)
    writer = SuiteWriter(out)
    accepted: list[str] = []
    counts: dict[str, Counter[str]] = {generator.name: Counter() for generator in chosen}

    async def decide(candidate: Candidate) -> Decision:
        if (before := journal.find(candidate.id)) is not None:
            return before
        result = await validate_candidate(candidate, repository, backend)
        if isinstance(result, Rejection):
            decision = Decision(rejection=result)
        else:
            decision = Decision(
                fail_to_pass=result.fail_to_pass,
                pass_to_pass=result.pass_to_pass,
                failures=tuple(_without_lines(failure) for failure in result.failures),
            )
        journal.keep(candidate.id, decision)
        return decision

    stream = _in_turn(chosen, repository, seed)
    waiting: list[tuple[Candidate, asyncio.Task[Decision]]] = []
    try:
        while len(accepted) < n:
            while len(waiting) < jobs and (candidate := next(stream, None)) is not None:
                waiting.append((candidate, asyncio.create_task(decide(candidate))))
            if not waiting:
                break
            candidate, deciding = waiting.pop(0)
            decision = await deciding
            rejection = decision.rejection
            if rejection is None:
                task = _task_of(candidate, decision, repository, seed)
                if isinstance(task, Rejection):
                    rejection = task
                else:
                    if task.id not in writer.task_ids:
                        writer.add(task, repository)
                    accepted.append(task.id)
            if rejection is not None:
                writer.reject(rejection)
            counts[candidate.generator][rejection.reason if rejection else "accepted"] += 1
            on_progress(Progress(accepted=len(accepted), candidates=sum(each.total() for each in counts.values())))
    finally:
        for _, deciding in waiting:
            deciding.cancel()
        await asyncio.gather(*(deciding for _, deciding in waiting), return_exceptions=True)
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


def _in_turn(generators: Sequence[Generator], repository: Repository, seed: int) -> Iterator[Candidate]:
    """One candidate of each generator in turn, none twice."""
    streams = [each.candidates(repository, Random(f"{seed} {each.name}")) for each in generators]
    seen: set[str] = set()
    for row in zip_longest(*streams):
        for candidate in row:
            if candidate is not None and candidate.id not in seen:
                seen.add(candidate.id)
                yield candidate


def _task_of(candidate: Candidate, decision: Decision, repository: Repository, seed: int) -> RepositoryTask | Rejection:
    """The task, or a rejection if no instruction can be written that does not give the answer away."""
    source = repository.source
    clean = {path: (source.code / path).read_bytes() for path in candidate.files}
    reference = reference_of(candidate, clean)
    spec = repository.agent_spec()
    try:
        instruction, shown = write_instruction(
            source.name, decision.failures, reference, workdir=spec.workdir, rng=Random(f"{seed} {candidate.id}")
        )
    except LeakFound as leak:
        return rejected(candidate, "instruction leaks", str(leak))
    if not set(decision.fail_to_pass) - set(shown):
        detail = "its one failing test must be shown, and hard-coding what it wants would pass"
        return rejected(candidate, "no failing test is hidden", detail)
    place = candidate.places[0]
    grown = candidate.files[candidate.path].count(b"\n") - clean[candidate.path].count(b"\n")
    return RepositoryTask(
        id=f"{source.name}-{candidate.generator}-{candidate.id}".replace("_", "-"),
        instruction=instruction,
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
            },
        ),
        files=candidate.files,
        reference=reference,
        verifier_data=PytestData(
            fail_to_pass=decision.fail_to_pass,
            pass_to_pass=decision.pass_to_pass,
            stable_tests=repository.stable_tests,
            shown=shown,
            definition=None  # all stable tests decide
            if repository.runs_at_import(place.path, place.first_line, place.last_line)
            else Definition(path=place.path, first_line=place.first_line, last_line=place.last_line + grown),
            import_paths=repository.recipe.import_paths,
            per_test_timeout_sec=_per_test_limit(repository),
        ),
        limits=spec.limits,
    )


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
    """Decisions, one small file each, written by rename: there whole or not at all."""

    def __init__(self, folder: Path, request: dict[str, Any]) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        known = folder / "request.json"
        if known.is_file():
            if json.loads(known.read_text()) != request:
                raise BadTaskFolder(
                    f"{folder.parent}: a suite from another request is half written there; "
                    "give the same source, -n, --seed and generators, or another --out"
                )
        else:
            self._write(known, json.dumps(request))

    def find(self, candidate_id: str) -> Decision | None:
        file = self._folder / f"{candidate_id}.json"
        return Decision.model_validate_json(file.read_text()) if file.is_file() else None

    def keep(self, candidate_id: str, decision: Decision) -> None:
        self._write(self._folder / f"{candidate_id}.json", decision.model_dump_json())

    def remove(self) -> None:
        shutil.rmtree(self._folder)

    @staticmethod
    def _write(file: Path, text: str) -> None:
        new = file.with_suffix(".new")
        with new.open("w") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(file)
