"""Rows with a number to learn: whole rollouts for a reward model, single steps with their credit."""

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

DISCOUNT = 0.99
"""A step's part in what comes after it shrinks by this from step to step."""


class Reward(OneByOne):
    """`messages`, `tools`, `reward` (0…1), `checks` and `passed` (how many the verifier made, and were met)."""

    name: ClassVar[str] = "reward"
    wants_failures: ClassVar[bool] = True
    schema: ClassVar[pa.Schema] = pa.schema(
        [
            ("messages", MESSAGES),
            TOOLS,
            ("reward", pa.float64()),
            ("checks", pa.int64()),
            ("passed", pa.int64()),
            *ORIGIN,
        ]
    )

    def row(self, example: Example) -> Row:
        verdict = example.rollout.verdict
        return {
            "messages": example.messages,
            "tools": example.tools,
            "reward": verdict.reward,
            "checks": len(verdict.checks),
            "passed": sum(check.passed for check in verdict.checks),
        }


class Steps:
    """One row an assistant message: `prompt` (all before it), `completion` (it alone), and its credit.

    `return` is the rollout's reward, discounted once for each later step; `credit` is that without the mean reward of
    the task's other rollouts (leave-one-out baseline: Kool et al., 2019), so that steps on a task that all solve, or
    none, count for nothing.
    """

    name: ClassVar[str] = "steps"
    wants_failures: ClassVar[bool] = True
    schema: ClassVar[pa.Schema] = pa.schema(
        [
            ("prompt", MESSAGES),
            ("completion", MESSAGES),
            TOOLS,
            ("step", pa.int64()),
            ("steps", pa.int64()),
            ("reward", pa.float64()),
            ("return", pa.float64()),
            ("credit", pa.float64()),
            *ORIGIN,
        ]
    )

    def rows(self, of_task: Sequence[RolloutRow], load: Load) -> Iterator[Made | Skipped]:
        total = sum(row.reward for row in of_task)
        for row in of_task:
            others = len(of_task) - 1
            baseline = (total - row.reward) / others if others else 0.0
            try:
                example = load(row)
            except BadExport as error:
                yield Skipped(row, str(error))
                continue
            for made in _steps(example, row, baseline):
                yield Made(made, (row,))

    def parquet_row(self, row: Row) -> Row:
        return row

    def beside(self, files: Sequence[str]) -> dict[str, str]:
        return {}


def _steps(example: Example, row: RolloutRow, baseline: float) -> Iterator[Row]:
    said = [at for at, message in enumerate(example.messages) if message["role"] == "assistant"]
    for number, at in enumerate(said):
        weight = DISCOUNT ** (len(said) - 1 - number)
        yield {
            "prompt": example.messages[:at],
            "completion": [example.messages[at]],
            "tools": example.tools,
            "step": number + 1,
            "steps": len(said),
            "reward": row.reward,
            "return": weight * row.reward,
            "credit": weight * (row.reward - baseline),
        }
