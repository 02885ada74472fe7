"""A suite from templates: instances drawn in order, validated side by side, written, counted.

Decisions are used in the order of the draws, so the same seed gives the same bytes on any machine. Each is kept the
moment it is taken: killed and started again, the same call goes on where it was.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from environments.errors import EnvironmentBuildFailed, EnvironmentFault
from environments.sandbox import Backend
from tasks._journal import Decision, Journal
from tasks.candidate import Rejection
from tasks.errors import BadTemplate, VerifierFault
from tasks.generate import JOURNAL, GenerateResult, Progress, Yield, finished_result
from tasks.recipe import Recipe
from tasks.suite import SuiteWriter
from tasks.templates.drawing import sequence, wordings
from tasks.templates.folder import SCRIPTS
from tasks.templates.instance import Instance
from tasks.templates.lock import only_writer
from tasks.templates.taxonomy import Coverage, coverage
from tasks.templates.template import Template
from tasks.templates.validation import Refused, recipe_of, validate_draw

MOST_STALE = 200  # draws in a row that give nothing new
TRIES = 3  # of an instance whose sandbox or verifier was lost
MOST_REFUSED = 50  # instances in a row that are no task


class TemplatesResult(GenerateResult):
    """What `generate_templates` did; kept in the suite's manifest."""

    coverage: tuple[Coverage, ...] = ()
    ended: dict[str, str] = Field(default_factory=dict, description="template -> why it gives no more, where it ended")


@dataclass
class _Stream:
    """One template's draws, and what has become of them."""

    template: Template
    draws: Iterator[list[Instance]]
    recipe: Recipe | None = None
    counts: Counter[str] = field(default_factory=Counter)
    leaves: list[dict[str, str]] = field(default_factory=list)
    waiting: "deque[tuple[list[Instance], asyncio.Task[list[dict[str, bytes] | None] | Refused]]]" = field(
        default_factory=deque
    )
    seen: set[str] = field(default_factory=set)
    refused_in_a_row: int = 0
    drawn: int = 0
    ended: str = ""

    def next_new(self) -> list[Instance]:
        """The next draw with something new in it; empty, and `ended` says why, where there is none."""
        for _ in range(MOST_STALE):
            self.drawn += 1
            if fresh := [each for each in next(self.draws) if each.id not in self.seen]:
                self.seen |= {each.id for each in fresh}
                return fresh
            self.counts["drawn before"] += 1
        self.ended = f"{MOST_STALE} draws in a row gave nothing new: it has about {len(self.seen)} distinct instances"
        return []


async def generate_templates(
    groups: Sequence[Sequence[Template]],
    backend: Backend,
    *,
    out: Path,
    n: int,
    seed: int,
    phrasing: str = "",
    cache: Path,
    jobs: int,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> TemplatesResult:
    """Write `n` validated instances of each group of templates (a family) to the suite `out`, shared over the group.

    `phrasing`: one by name, or 'all' of each draw (each counts as an instance); default: the first.
    Raises BadTemplate, BadTaskFolder if `out` holds a suite made from something else or is being written, TaskFault.
    """
    templates = [template for group in groups for template in group]
    _check(templates, phrasing)
    request: dict[str, Any] = {
        "templates": {template.name: template.hash for template in templates},
        "n": n,
        "seed": seed,
        "phrasing": phrasing,
    }
    cache = cache.resolve()
    with only_writer(out):
        if (known := finished_result(out, request, TemplatesResult)) is not None:
            on_progress(Progress(accepted=known.accepted, candidates=known.candidates))
            return known
        writer = SuiteWriter(out)
        with Journal(out / JOURNAL, request) as journal:
            work = _Work(backend, writer, journal, cache, jobs, on_progress)
            streams = []
            for group in groups:
                made = [_Stream(each, sequence(each, seed, phrasing=phrasing)) for each in group]
                streams += made
                try:
                    await work.fill(made, n)
                except BadTemplate:
                    if not work.accepted:  # once it is mended, the same call is another request
                        journal.remove()
                    raise
                finally:
                    await _stop(made)
            return _finish(writer, journal, streams, work, request, out)


def _check(templates: Sequence[Template], phrasing: str) -> None:
    names: dict[str, Template] = {}
    for template in templates:
        if (other := names.setdefault(template.name, template)) is not template:
            raise template.fault(("name",), f"{other.located.file} has the same name; give it another one")
        wordings(template, phrasing)


class _Work:
    """What all streams share while a suite is made."""

    def __init__(
        self,
        backend: Backend,
        writer: SuiteWriter,
        journal: Journal,
        cache: Path,
        jobs: int,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self.backend, self.writer, self.journal, self.cache = backend, writer, journal, cache
        self.jobs, self.on_progress = jobs, on_progress
        self.slots = asyncio.Semaphore(jobs)
        self.accepted: list[str] = []
        self.decided = 0

    async def fill(self, group: list[_Stream], n: int) -> None:
        """Give each stream an even share; what some cannot give, the others do, as far as they can."""
        left = n
        while left > 0 and (able := [each for each in group if not each.ended]):
            able.sort(key=lambda each: each.counts["accepted"])
            shares = [left // len(able) + (at < left % len(able)) for at in range(len(able))]
            for stream, share in zip(able, shares, strict=True):
                left -= await self._take(stream, share)

    async def _take(self, stream: _Stream, wanted: int) -> int:
        """Accept up to this many instances of a stream; fewer only if it ends."""
        taken = 0
        if wanted and stream.recipe is None and stream.template.source.environment.packages:
            stream.recipe = await self._recipe(stream.template)
        while taken < wanted:
            while len(stream.waiting) < min(2 * self.jobs, wanted - taken) and not stream.ended:
                draw = await asyncio.to_thread(stream.next_new)
                if draw:
                    stream.waiting.append((draw, asyncio.create_task(self._decide(draw, stream.recipe))))
            if not stream.waiting:
                break
            draw, deciding = stream.waiting[0]
            decided = await deciding
            stream.waiting.popleft()
            taken += self._settle(stream, draw, decided, wanted - taken)
            if stream.refused_in_a_row >= MOST_REFUSED:
                common = ", ".join(f"{reason} {count}" for reason, count in stream.counts.most_common() if reason)
                stream.ended = f"{MOST_REFUSED} instances in a row were refused ({common})"
                break
        return taken

    async def _recipe(self, template: Template) -> Recipe | None:
        try:
            return await recipe_of(tuple(template.source.environment.packages), self.backend, self.cache)
        except EnvironmentBuildFailed as fault:
            raise template.fault(("environment", "packages"), f"cannot be had: {fault}") from fault

    async def _decide(self, draw: list[Instance], recipe: Recipe | None) -> "list[dict[str, bytes] | None] | Refused":
        """The folders of a draw's phrasings (None: written already), or why it is no task."""
        before = self.journal.find(draw[0].id)
        if before is not None and before.rejection is not None:
            return Refused(before.rejection.reason, before.rejection.detail)
        if before is not None and all(each.id in self.writer.task_ids for each in draw):
            return [None] * len(draw)
        for tries_left in reversed(range(TRIES)):
            try:
                async with self.slots:
                    scratch = self.cache / "tmp"
                    return await validate_draw(draw, self.backend, cache=self.cache, scratch=scratch, recipe=recipe)
            except (EnvironmentFault, VerifierFault):
                if not tries_left:
                    raise
        raise AssertionError("the last try ends the loop")

    def _settle(
        self, stream: _Stream, draw: list[Instance], decided: "list[dict[str, bytes] | None] | Refused", room: int
    ) -> int:
        """Write a decided draw; how many tasks it gave."""
        self.decided += 1
        first = draw[0]
        if isinstance(decided, Refused):
            rejection = Rejection(
                candidate_id=first.id, generator=first.template, reason=decided.reason, detail=decided.detail
            )
            if self.journal.find(first.id) is None:
                self.journal.keep(first.id, Decision(rejection=rejection))
                self.writer.reject(rejection)
            stream.counts[decided.reason] += 1
            stream.refused_in_a_row += 1
            self._tell()
            return 0
        stream.refused_in_a_row = 0
        kept = list(zip(draw, decided, strict=True))[:room]
        for instance, contents in kept:
            if contents is not None:
                self.writer.add_folder(instance.id, contents, SCRIPTS)
            self.accepted.append(instance.id)
            stream.counts["accepted"] += 1
        if self.journal.find(first.id) is None:
            self.journal.keep(first.id, Decision())
        stream.leaves.append(dict(first.leaves))
        self._tell()
        return len(kept)

    def _tell(self) -> None:
        self.on_progress(Progress(accepted=len(self.accepted), candidates=self.decided))


async def _stop(streams: list[_Stream]) -> None:
    deciding = [task for stream in streams for _, task in stream.waiting]
    for task in deciding:
        task.cancel()
    await asyncio.gather(*deciding, return_exceptions=True)


def _finish(
    writer: SuiteWriter, journal: Journal, streams: list[_Stream], work: _Work, request: dict[str, Any], out: Path
) -> TemplatesResult:
    for task_id in writer.task_ids - set(work.accepted):
        writer.remove(task_id)
    covered = [
        coverage(sampler.tree, (each[sampler.name] for each in stream.leaves), template=stream.template.name,
                 parameter=sampler.name)
        for stream in streams
        for sampler in stream.template.samplers
        if sampler.tree is not None
    ]  # fmt: skip
    yields = [_yield_of(stream) for stream in streams]
    summary = {
        "accepted": len(work.accepted),
        "candidates": sum(each.candidates for each in yields),
        "yields": [each.model_dump() for each in yields],
        "coverage": [each.model_dump() for each in covered],
        "ended": {stream.template.name: stream.ended for stream in streams if stream.ended},
    }
    manifest = writer.finish({"request": request, "result": summary})
    journal.remove()
    return TemplatesResult.model_validate({"suite": str(out), "suite_hash": manifest.hash, **summary})


def _yield_of(stream: _Stream) -> Yield:
    rejections = {reason: count for reason, count in stream.counts.most_common() if reason != "accepted"}
    return Yield(
        generator=stream.template.name,
        candidates=stream.counts.total(),
        accepted=stream.counts["accepted"],
        rejections=rejections,
    )
