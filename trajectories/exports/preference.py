"""Preferences: rollouts of one task that passed against those that failed."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

import pyarrow as pa

from trajectories.errors import BadExport
from trajectories.exports.exporter import (
    MESSAGES,
    ORIGIN,
    Example,
    Load,
    Made,
    OneByOne,
    Row,
    Skipped,
    chat_in_arrow,
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
            ("tools", pa.string()),
            ("rejected_rollout_id", pa.string()),
            *ORIGIN,
        ]
    )

    def rows(self, of_task: Sequence[RolloutRow], load: Load) -> Iterator[Made | Skipped]:
        solved = [row for row in of_task if row.reward >= 1]
        left = [row for row in of_task if row.reward < 1]
        for chosen in solved:
            near = sorted(left, key=lambda row: (abs(_length(row) - _length(chosen)), row.id))
            if not near:
                yield Skipped(chosen, "no failing rollout of the task is left to compare it with")
                continue
            rejected = near[0]
            if max(_length(rejected), _length(chosen)) > MOST_TIMES_LONGER * min(_length(rejected), _length(chosen)):
                yield Skipped(
                    chosen, f"no failing rollout of the task is within {MOST_TIMES_LONGER:g} times its length"
                )
                continue
            left.remove(rejected)
            try:
                yield Made(_pair(load(chosen), load(rejected), rejected), (chosen, rejected))
            except BadExport as error:
                yield Skipped(chosen, str(error))

    def parquet_row(self, row: Row) -> Row:
        return chat_in_arrow(row, "prompt", "chosen", "rejected")

    def beside(self, files: Sequence[str]) -> dict[str, str]:
        return {}


class Kto(OneByOne):
    """TRL's unpaired preference format: `prompt`, `completion` (messages), `label`, `tools`."""

    name: ClassVar[str] = "kto"
    wants_failures: ClassVar[bool] = True
    schema: ClassVar[pa.Schema] = pa.schema(
        [("prompt", MESSAGES), ("completion", MESSAGES), ("label", pa.bool_()), ("tools", pa.string()), *ORIGIN]
    )

    def row(self, example: Example) -> Row:
        label = example.rollout.verdict.is_solved
        return {"prompt": example.opening, "completion": example.acting, "label": label, "tools": example.tools}

    def parquet_row(self, row: Row) -> Row:
        return chat_in_arrow(row, "prompt", "completion")


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
