"""Two rollouts of a task beside each other: steps that do the same are in one row, what only one does stands alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Literal

from dashboard.steps import action_of
from trajectories.atif import Step

MOST_ALIGNED = 1_500  # steps of a side; longer rollouts are put side by side by number
MOST_LINES = 400  # of an action that are compared line by line


@dataclass(frozen=True)
class Line:
    """A line of an action. `is_only`: the other side's action does not have it."""

    text: str
    is_only: bool


@dataclass(frozen=True)
class Pair:
    """Positions of the two steps, or None. `kind`: the same action, another one, or on one side alone."""

    left: int | None
    right: int | None
    kind: Literal["same", "differs", "left", "right"]
    left_lines: tuple[Line, ...] = ()
    right_lines: tuple[Line, ...] = ()


def aligned(left: Sequence[Step], right: Sequence[Step]) -> list[Pair]:
    """All steps of both, in order. Actions are equal where tool, arguments, or the message without a call are."""
    ours, theirs = (
        [f"{step.source} {action_of(step)}" for step in left],
        [f"{step.source} {action_of(step)}" for step in right],
    )
    if max(len(ours), len(theirs), 0) > MOST_ALIGNED:
        return [
            _pair(left, right, at if at < len(ours) else None, at if at < len(theirs) else None, ours, theirs)
            for at in range(max(len(ours), len(theirs)))
        ]
    pairs = []
    for _, a, b, c, d in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        pairs += [_pair(left, right, one, other, ours, theirs) for one, other in zip_longest(range(a, b), range(c, d))]
    return pairs


def first_difference(pairs: Sequence[Pair]) -> int | None:
    """Number of the first row that is not the same; None where all are."""
    return next((number for number, pair in enumerate(pairs) if pair.kind != "same"), None)


def _pair(
    left: Sequence[Step],
    right: Sequence[Step],
    one: int | None,
    other: int | None,
    ours: Sequence[str],
    theirs: Sequence[str],
) -> Pair:
    if one is None or other is None:
        return Pair(one, other, "right" if one is None else "left")
    if ours[one] == theirs[other]:
        return Pair(one, other, "same")
    mine, yours = tuple(_lines(left[one])), tuple(_lines(right[other]))
    return Pair(
        one,
        other,
        "differs",
        tuple(Line(text, text not in yours) for text in mine),
        tuple(Line(text, text not in mine) for text in yours),
    )


def _lines(step: Step) -> Iterator[str]:
    lines = action_of(step).splitlines()
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"[{len(lines) - MOST_LINES} more lines]"
