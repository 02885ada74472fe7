"""Preferences: rollouts of one task that passed against those that failed."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import ClassVar

import pyarrow as pa

from trajectories.errors import BadExport
from trajectories.exports.exporter import (
    MESSAGES,
    ORIGIN,
    TOOLS,
    Example,
    Load,
    Made,
    OneByOne,
    Row,
    Skipped,
)
from trajectories.tables import RolloutRow

MOST_TIMES_LONGER = 3.0
"""Beyond that a trainer would learn length, not what was right."""


class Dpo:
    """TRL's preference format: `prompt`, `chosen`, `rejected` (messages), `tools`.

    Each success is matched with the failure of the same task, prompt and tools that is nearest in length; each rollout
    serves once.
    """

    name: ClassVar[str] = "dpo"
    wants_failures: ClassVar[bool] = True
    schema: ClassVar[pa.Schema] = pa.schema(
        [
            ("prompt", MESSAGES),
            ("chosen", MESSAGES),
            ("rejected", MESSAGES),
            TOOLS,
            ("rejected_rollout_id", pa.string()),
            *ORIGIN,
        ]
    )

    def rows(self, of_task: Sequence[RolloutRow], load: Load) -> Iterator[Made | Skipped]:
        left = sorted(((_length(row), row.id, row) for row in of_task if row.reward < 1), key=lambda each: each[:2])
        for chosen in (row for row in of_task if row.reward >= 1):
            if not left:
                yield Skipped(chosen, "no failing rollout of the task is left to compare it with")
                continue
            length = _length(chosen)
            at = _nearest(left, length)
            other, _, rejected = left[at]
            if max(other, length) > MOST_TIMES_LONGER * min(other, length):
                yield Skipped(
                    chosen, f"no failing rollout of the task is within {MOST_TIMES_LONGER:g} times its length"
                )
                continue
            del left[at]
            try:
                yield Made(_pair(load(chosen), load(rejected), rejected), (chosen, rejected))
            except BadExport as error:
                yield Skipped(chosen, str(error))

    def parquet_row(self, row: Row) -> Row:
        return row

    def beside(self, files: Sequence[str]) -> dict[str, str]:
        return {}


class Kto(OneByOne):
    """TRL's unpaired preference format: `prompt`, `completion` (messages), `label`, `tools`."""

    name: ClassVar[str] = "kto"
    wants_failures: ClassVar[bool] = True
    schema: ClassVar[pa.Schema] = pa.schema(
        [("prompt", MESSAGES), ("completion", MESSAGES), ("label", pa.bool_()), TOOLS, *ORIGIN]
    )

    def row(self, example: Example) -> Row:
        label = example.rollout.verdict.is_solved
        return {"prompt": example.opening, "completion": example.acting, "label": label, "tools": example.tools}


def _nearest(left: Sequence[tuple[int, str, RolloutRow]], length: int) -> int:
    """Place of the rollout whose length is nearest; of several the one whose id comes first. left: by length and id."""
    above = bisect_left(left, length, key=lambda each: each[0])
    places = [above] if above < len(left) else []
    if above > 0:
        places.append(bisect_left(left, left[above - 1][0], key=lambda each: each[0]))  # the first of that length
    return min(places, key=lambda at: (abs(left[at][0] - length), left[at][1]))


def _length(row: RolloutRow) -> int:
    """Tokens that the agent said; of agents without a model, its steps."""
    return row.completion_tokens or row.steps


def _pair(chosen: Example, rejected: Example, row: RolloutRow) -> Row:
    if chosen.opening != rejected.opening or chosen.tools != rejected.tools:
        raise BadExport(f"its pair {row.id} had another prompt or other tools")
    return {
        "prompt": chosen.opening,
        "chosen": chosen.acting,
        "rejected": rejected.acting,
        "tools": chosen.tools,
        "rejected_rollout_id": row.id,
    }
