"""A rollout as the viewer shows it: steps with running totals, in pages; a timeline; search. Plain data, no web.

A page of steps is made when it is looked at, so that a rollout of 10,000 steps costs one read of its body. The last few
rollouts that were read are kept.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from threading import Lock

from dashboard.steps import Shown, ShownCall, as_json, calls_of, is_error, metadata_of, parts_of, shown, text_of
from trajectories.atif import Step
from trajectories.rollout import Rollout
from trajectories.store import Store
from trajectories.tables import RolloutRow

PAGE = 50  # steps
CUT = 20_000  # characters of one text; the whole is loaded when asked for
BARS = 160  # of the timeline
KEPT = 4  # rollouts


@dataclass(frozen=True)
class ShownStep:
    """`position` counts from 0. `after_sec`: since the first step; `took_sec`: since the step before."""

    position: int
    step_id: int
    source: str
    model: str
    is_error: bool
    attempts: tuple[tuple[str, str], ...]
    message: Shown | None
    reasoning: Shown | None
    calls: tuple[ShownCall, ...]
    loose: tuple[Shown, ...]
    metadata: Shown | None
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    total_tokens: int
    total_cost_usd: float
    at: str
    after_sec: float | None
    took_sec: float | None
    is_cut: bool


@dataclass(frozen=True)
class Hit:
    """A place where a search found something: the part of the step, and the text around."""

    step_id: int
    part: str
    before: str
    match: str
    after: str


@dataclass(frozen=True)
class Bar:
    """Some steps in a row on the timeline. `height` in 0…1 by tokens or characters."""

    first: int
    last: int
    kind: str
    height: float


class View:
    """One rollout, ready to be paged through."""

    def __init__(self, rollout: Rollout) -> None:
        self.rollout = rollout
        self.steps = rollout.trajectory.steps
        self._tokens, self._costs = [0], [0.0]
        for step in self.steps:
            prompt, completion, cost = _spent(step)
            self._tokens.append(self._tokens[-1] + prompt + completion)
            self._costs.append(self._costs[-1] + cost)
        self._times = [_moment(step.timestamp) for step in self.steps]
        self._attempts: dict[int, list[tuple[str, str]]] = {}
        for attempt in rollout.attempts:
            self._attempts.setdefault(attempt.step_id, []).append((attempt.kind, attempt.evidence))

    def pages(self) -> list[tuple[int, int, int]]:
        """(first position, first step id, last step id) of each page."""
        starts = range(0, len(self.steps), PAGE)
        return [(at, self.steps[at].step_id, self.steps[min(at + PAGE, len(self.steps)) - 1].step_id) for at in starts]

    def page(self, start: int, *, size: int = PAGE, cut: int | None = CUT) -> list[ShownStep]:
        """Steps from a position on. `cut` None: every text whole."""
        return [self.step(at, cut=cut) for at in range(max(0, start), min(start + size, len(self.steps)))]

    def position(self, step_id: int) -> int | None:
        """Of the step with that id; None where there is none."""
        return self._positions.get(step_id)

    @cached_property
    def _positions(self) -> dict[int, int]:
        return {step.step_id: at for at, step in reversed(list(enumerate(self.steps)))}

    def step(self, at: int, *, cut: int | None = CUT) -> ShownStep:
        step = self.steps[at]
        prompt, completion, cost = _spent(step)
        calls, loose = calls_of(step, cut)
        message, reasoning = text_of(step.message), step.reasoning_content or ""
        metadata = metadata_of(step)
        longest = max((len(text) for _, text in parts_of(step)), default=0)
        now = self._times[at]
        return ShownStep(
            position=at,
            step_id=step.step_id,
            source=step.source,
            model=step.model_name or "",
            is_error=is_error(step),
            attempts=tuple(self._attempts.get(step.step_id, ())),
            message=shown(message, cut) if message else None,
            reasoning=shown(reasoning, cut) if reasoning else None,
            calls=calls,
            loose=loose,
            metadata=shown(as_json(metadata), cut) if metadata else None,
            prompt_tokens=prompt,
            completion_tokens=completion,
            cost_usd=cost,
            total_tokens=self._tokens[at + 1],
            total_cost_usd=self._costs[at + 1],
            at=step.timestamp or "",
            after_sec=_since(self._times[0], now),
            took_sec=_since(self._times[at - 1], now) if at else None,
            is_cut=cut is not None and longest > cut,
        )

    def timeline(self) -> list[Bar]:
        """At most BARS bars; a bar is an error where any of its steps is one."""
        if not self.steps:
            return []
        edges = sorted({round(number * len(self.steps) / BARS) for number in range(BARS + 1)})
        spans = list(pairwise(edges))
        sizes = [sum(_size(step) for step in self.steps[start:end]) / (end - start) for start, end in spans]
        most = max(*sizes, 1) if len(sizes) > 1 else max(sizes[0], 1)
        return [
            Bar(
                first=self.steps[start].step_id,
                last=self.steps[end - 1].step_id,
                kind=self._kind(start, end),
                height=0.12 + 0.88 * (size / most) ** 0.5,
            )
            for (start, end), size in zip(spans, sizes, strict=True)
        ]

    def _kind(self, start: int, end: int) -> str:
        some = self.steps[start:end]
        if any(step.step_id in self._attempts for step in some):
            return "attempt"
        if any(is_error(step) for step in some):
            return "error"
        if any(step.tool_calls for step in some):
            return "tool"
        return some[0].source

    def search(self, query: str, *, most: int = 200) -> tuple[list[Hit], int]:
        """Steps that hold the text, in any case, one hit for each part of a step; and how many there are in all."""
        wanted, hits, total = query.lower(), list[Hit](), 0
        if not wanted.strip():
            return [], 0
        for step in self.steps:
            for part, text in parts_of(step):
                # Lower case may be longer than the text (İ): then the place is only near.
                found = text.lower().find(wanted)
                if found < 0:
                    continue
                total += 1
                if len(hits) < most:
                    end = found + len(query)
                    before, after = text[max(0, found - 40) : found], text[end : end + 80]
                    hits.append(Hit(step.step_id, part, before, text[found:end], after))
        return hits, total


class Views:
    """The last few rollouts that were looked at, by their body; safe for threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, View] = OrderedDict()
        self._lock = Lock()

    def of(self, store: Store, row: RolloutRow) -> View:
        """Raises CorruptBlob."""
        with self._lock:
            if (known := self._kept.get(row.body)) is not None:
                self._kept.move_to_end(row.body)
                return known
        view = View(store.body(row))
        with self._lock:
            self._kept[row.body] = view
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return view


def _spent(step: Step) -> tuple[int, int, float]:
    if step.metrics is None:
        return 0, 0, 0.0
    return step.metrics.prompt_tokens or 0, step.metrics.completion_tokens or 0, step.metrics.cost_usd or 0.0


def _size(step: Step) -> int:
    """What a step weighs on the timeline: characters."""
    return sum(len(text) for _, text in parts_of(step))


def _moment(timestamp: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(timestamp) if timestamp else None
    except ValueError:
        return None


def _since(before: datetime | None, now: datetime | None) -> float | None:
    if before is None or now is None or (before.tzinfo is None) != (now.tzinfo is None):
        return None
    return max(0.0, (now - before).total_seconds())
