"""From a suite to a suite of harder tasks. Each is validated like any other: in real sandboxes, by the real verifier.

Decisions are kept in a journal the moment they are taken; killed and started again, the same call goes on where it
was. What is tried, and in what order, depends on the suite and the seed alone.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from environments.sandbox import Backend
from tasks._journal import Decision, Journal
from tasks.candidate import Rejection
from tasks.errors import BadTaskFolder
from tasks.extension.folders import details_of, instance_of, read_piece, with_provenance
from tasks.extension.piece import Piece, Refused
from tasks.extension.plan import WAYS, levels_of
from tasks.suite import MANIFEST, Manifest, Suite, SuiteWriter
from tasks.task import Provenance
from tasks.templates.folder import SCRIPTS
from tasks.templates.validation import Refused as NotValid
from tasks.templates.validation import validate_instance

JOURNAL = ".journal"
GENERATOR = "extend"


class ExtendResult(BaseModel):
    """What `extend` did; kept in the suite's manifest. `levels`: level to how many tasks of it were made."""

    model_config = ConfigDict(frozen=True)

    suite: str
    suite_hash: str
    pieces: int
    accepted: int
    levels: dict[int, int]
    rejections: dict[str, int]


async def extend(
    suite: Suite,
    backend: Backend,
    *,
    by: str,
    levels: int,
    out: Path,
    n: int,
    seed: int,
    cache: Path,
    jobs: int,
    on_progress: Callable[[int], None] = lambda accepted: None,
) -> ExtendResult:
    """Write `n` extended tasks to the suite `out`, or as many as the pieces give; levels 2 … `levels` take turns.

    Raises BadTaskFolder if `out` holds a suite made from something else or the suite has nothing to extend,
    ValueError for an unknown way, VerifierFault, EnvironmentFault.
    """
    if by not in WAYS:
        raise ValueError(f"no way of extension is called {by!r}; there are: {', '.join(WAYS)}")
    request = {"suite": suite.manifest.hash, "by": by, "levels": levels, "n": n, "seed": seed}
    if (known := _finished(out, request)) is not None:
        on_progress(known.accepted)
        return known
    writer = SuiteWriter(out)
    reasons: Counter[str] = Counter()

    def reject(made_of: str, reason: str, detail: str) -> None:
        reasons[reason] += 1
        writer.reject(Rejection(candidate_id=made_of, generator=by, reason=reason, detail=detail))

    pieces = await asyncio.to_thread(_pieces, suite, by, reject)
    tell = lambda made_of, refused: reject(made_of, refused.reason, refused.detail)  # noqa: E731
    streams = await asyncio.to_thread(levels_of, pieces, by=by, levels=levels, seed=seed, tell=tell)
    made: Counter[int] = Counter()
    accepted: list[str] = []
    with Journal(out / JOURNAL, request) as journal:

        async def decide(piece: Piece) -> tuple[Decision, dict[str, bytes]]:
            if (before := journal.find(piece.id)) is not None and (before.rejection or piece.id in writer.task_ids):
                return before, {}
            found = await validate_instance(
                instance_of(piece), backend, cache=cache, scratch=cache / "tmp", recipe=piece.around.recipe
            )
            rejection = None
            if isinstance(found, NotValid):
                rejection = Rejection(candidate_id=piece.id, generator=by, reason=found.reason, detail=found.detail)
            decision = Decision(rejection=rejection)
            return decision, {} if isinstance(found, NotValid) else found

        def take(piece: Piece, decision: Decision, contents: Mapping[str, bytes]) -> None:
            if decision.rejection is not None:
                reject(decision.rejection.candidate_id, decision.rejection.reason, decision.rejection.detail)
            elif len(accepted) < n:
                if piece.id not in writer.task_ids:
                    whole = with_provenance(contents, _provenance(piece, suite, seed))
                    writer.add_folder(piece.id, whole, SCRIPTS)
                accepted.append(piece.id)
                made[piece.level] += 1
                on_progress(len(accepted))
            if journal.find(piece.id) is None:
                journal.keep(piece.id, decision)

        await _in_order(_turns(streams), decide, take, jobs=jobs, room=lambda: n - len(accepted))
        for task_id in writer.task_ids - set(accepted):
            writer.remove(task_id)
        summary = {
            "pieces": len(pieces),
            "accepted": len(accepted),
            "levels": {str(level): made[level] for level in sorted(streams)},
            "rejections": dict(reasons.most_common()),
        }
        manifest = writer.finish({"request": request, "result": summary})
        journal.remove()
    return ExtendResult.model_validate({"suite": str(out), "suite_hash": manifest.hash, **summary})


def _pieces(suite: Suite, by: str, reject: Callable[[str, str, str], None]) -> list[Piece]:
    """What of a suite can be extended; only width does without a typed output. Raises BadTaskFolder if nothing can."""
    pieces = []
    for task_id, folder in sorted(suite.folders.items()):
        try:
            piece = read_piece(folder)
            if piece.output is None and by != "width":
                raise Refused("no typed output")
            pieces.append(piece)
        except Refused as refused:
            reject(task_id, refused.reason, refused.detail)
    if not pieces:
        raise BadTaskFolder(
            f"{suite.folder}: no task can be extended; graded tasks with a typed output can, as those of the "
            "family linked_facts (docs/extension.md)"
        )
    return pieces


def _turns(streams: Mapping[int, Iterator[Piece]]) -> Iterator[Piece]:
    """One of each level in turn."""
    waiting = deque(streams[level] for level in sorted(streams))
    while waiting:
        stream = waiting.popleft()
        if (piece := next(stream, None)) is not None:
            yield piece
            waiting.append(stream)


async def _in_order(
    stream: Iterator[Piece],
    decide: Callable[[Piece], Any],
    take: Callable[[Piece, Decision, Mapping[str, bytes]], None],
    *,
    jobs: int,
    room: Callable[[], int],
) -> None:
    """Decide side by side, take in the stream's order: what is made does not depend on who is faster."""
    waiting: deque[tuple[Piece, asyncio.Task[Any]]] = deque()
    slots = asyncio.Semaphore(jobs)

    async def limited(piece: Piece) -> Any:
        async with slots:
            return await decide(piece)

    try:
        while room() > 0:
            while len(waiting) < min(2 * jobs, room()) and (piece := next(stream, None)) is not None:
                waiting.append((piece, asyncio.create_task(limited(piece))))
            if not waiting:
                break
            piece, deciding = waiting.popleft()
            take(piece, *(await deciding))
    finally:
        for _, deciding in waiting:
            deciding.cancel()
        await asyncio.gather(*(deciding for _, deciding in waiting), return_exceptions=True)


def _provenance(piece: Piece, suite: Suite, seed: int) -> Provenance:
    return Provenance(
        source=f"suite:{suite.manifest.name}",
        source_hash=suite.manifest.hash,
        license=piece.around.license,
        repository=piece.around.family,
        generator=GENERATOR,
        seed=seed,
        details=details_of(piece),
    )


def _finished(out: Path, request: Mapping[str, Any]) -> ExtendResult | None:
    """The result of the same call, if it was carried out to its end. Raises BadTaskFolder for another's suite."""
    if not (out / MANIFEST).is_file():
        return None
    try:
        manifest = Manifest.model_validate_json((out / MANIFEST).read_text())
        if manifest.provenance.get("request") != request:
            raise BadTaskFolder(f"{out}: holds a suite that was made from something else; give another --out")
        result: Any = manifest.provenance["result"]
        return ExtendResult.model_validate({"suite": str(out), "suite_hash": manifest.hash, **result})
    except (ValidationError, KeyError) as error:
        raise BadTaskFolder(f"{out / MANIFEST}: cannot be read ({error}); give another --out") from error
