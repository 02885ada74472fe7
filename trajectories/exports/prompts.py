"""Prompts for RL: one row a task, with what an environment of ours needs to start it, and how often it was solved."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import pyarrow as pa

from trajectories.errors import BadExport
from trajectories.exports.exporter import ORIGIN, PROMPT, Example, Load, Made, Row, Skipped
from trajectories.tables import RolloutRow


class _Prompts:
    """A task's prompt is the opening of its first rollout that can be read; failures count, or rates would be 1."""

    wants_failures: ClassVar[bool] = True

    def rows(self, of_task: Sequence[RolloutRow], load: Load) -> Iterator[Made | Skipped]:
        for row in of_task:
            try:
                example = load(row)
            except BadExport as error:
                yield Skipped(row, str(error))
                continue
            yield Made(self.row(example, _facts(of_task)), (row,))
            return

    def row(self, example: Example, facts: dict[str, Any]) -> Row:
        raise NotImplementedError  # pragma: no cover

    def parquet_row(self, row: Row) -> Row:
        return row

    def beside(self, files: Sequence[str]) -> dict[str, str]:
        return {}


def _prompt(example: Example) -> list[Row]:
    """Messages of system and user: role and content alone, as RL trainers give them to a chat template."""
    return [{"role": message["role"], "content": message["content"]} for message in example.opening]


def _judged_by(column: str, how: str) -> list[pa.Field]:
    """How verl and SkyRL are told that a rule gives the reward, and what it needs to know."""
    facts = [("suite", pa.string()), ("task_id", pa.string()), ("tools", pa.string()),
             ("rollouts", pa.int64()), ("pass_rate", pa.float64())]  # fmt: skip
    return [
        pa.field(column, pa.struct([(how, pa.string()), ("ground_truth", pa.string())])),
        pa.field("extra_info", pa.struct(facts)),
    ]


class Verl(_Prompts):
    """verl's RL data: `data_source`, `prompt`, `ability`, `reward_model`, `extra_info`."""

    name: ClassVar[str] = "verl"
    schema: ClassVar[pa.Schema] = pa.schema(
        [
            ("data_source", pa.string()),
            ("prompt", PROMPT),
            ("ability", pa.string()),
            *_judged_by("reward_model", "style"),
            *ORIGIN,
        ]
    )

    def row(self, example: Example, facts: dict[str, Any]) -> Row:
        return {
            "data_source": f"gristmill/{example.rollout.family}",
            "prompt": _prompt(example),
            "ability": example.rollout.family,
            "reward_model": {"style": "rule", "ground_truth": facts["task_id"]},
            "extra_info": {**facts, "tools": json.dumps(example.tools)},
        }


class SkyRl(Verl):
    """SkyRL's data: `data_source`, `prompt`, `env_class`, `reward_spec`, `extra_info`."""

    name: ClassVar[str] = "skyrl"
    schema: ClassVar[pa.Schema] = pa.schema(
        [
            ("data_source", pa.string()),
            ("prompt", PROMPT),
            ("env_class", pa.string()),
            *_judged_by("reward_spec", "method"),
            *ORIGIN,
        ]
    )

    def row(self, example: Example, facts: dict[str, Any]) -> Row:
        rest = super().row(example, facts)
        reward = rest.pop("reward_model")
        del rest["ability"]
        return {
            **rest,
            "env_class": "gristmill",
            "reward_spec": {"method": reward["style"], "ground_truth": reward["ground_truth"]},
        }


class Verifiers(_Prompts):
    """The data set of a `verifiers` environment: `prompt`, `answer` (empty: tests decide), `info` (JSON), `task`."""

    name: ClassVar[str] = "verifiers"
    schema: ClassVar[pa.Schema] = pa.schema(
        [("prompt", PROMPT), ("answer", pa.string()), ("info", pa.string()), ("task", pa.string()), *ORIGIN]
    )

    def row(self, example: Example, facts: dict[str, Any]) -> Row:
        return {
            "prompt": _prompt(example),
            "answer": "",
            "info": json.dumps({**facts, "tools": example.tools}),
            "task": example.rollout.family,
        }


def _facts(of_task: Sequence[RolloutRow]) -> dict[str, Any]:
    """By which our environments find the task (`suite` is its hash), and how hard it has been so far."""
    first = of_task[0]
    solved = sum(row.reward >= 1 for row in of_task)
    return {
        "suite": first.suite_hash,
        "task_id": first.task_id,
        "rollouts": len(of_task),
        "pass_rate": solved / len(of_task),
    }
