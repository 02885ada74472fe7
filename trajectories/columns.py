"""What `--where` may ask of a rollout: columns by name, of its row and of what else the store knows of it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Float, Select, SQLColumnExpression, case, cast, func, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from trajectories.tables import FindingRow, MarkRow, RolloutRow, SuiteRow, TaskRow

Column = SQLColumnExpression[Any]


def _found(wanted: Select[Any], *where: ColumnElement[bool]) -> Column:
    """What is found for the rollout at hand; null where there is nothing."""
    return wanted.where(*where).correlate(RolloutRow).scalar_subquery()


def _is_its_task(suite: Any, task: Any) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Whether these columns name the rollout's task."""
    return col(suite) == col(RolloutRow.suite_hash), col(task) == col(RolloutRow.task_id)


def _of_task(column: Any) -> Column:
    """A column of the rollout's task; null where the task is not registered or was not measured."""
    return _found(select(col(column)), *_is_its_task(TaskRow.suite_hash, TaskRow.id))


def _mark(kind: str, *of: ColumnElement[bool]) -> Column:
    """The newest mark of that kind that was not withdrawn; an empty text where there is none."""
    newest = select(col(MarkRow.value)).order_by(col(MarkRow.id).desc()).limit(1)
    return func.coalesce(_found(newest, col(MarkRow.kind) == kind, col(MarkRow.withdrawn_at).is_(None), *of), "")


def _pass_rate() -> Column:
    """Solved rollouts of all honest ones of the same task, by any agent that was not given the reference."""
    peer = aliased(RolloutRow)
    return _found(
        select(cast(func.avg(case((col(peer.reward) >= 1.0, 1.0), else_=0.0)), Float)),
        *_is_its_task(peer.suite_hash, peer.task_id),
        col(peer.is_unknown).is_(False),
        col(peer.is_privileged).is_(False),
        col(peer.attempts) == 0,
    )


COLUMNS: Mapping[str, Column] = {
    "id": col(RolloutRow.id),
    "suite": col(RolloutRow.suite_hash),
    "suite_name": _found(select(col(SuiteRow.name)), col(SuiteRow.hash) == col(RolloutRow.suite_hash)),
    "task": col(RolloutRow.task_id),
    "family": col(RolloutRow.family),
    "repository": col(RolloutRow.repository),
    "license": col(RolloutRow.license),
    "agent": col(RolloutRow.agent),
    "model": col(RolloutRow.model),
    "backend": col(RolloutRow.backend),
    "attempt": col(RolloutRow.attempt),
    "ending": col(RolloutRow.ending),
    "reward": col(RolloutRow.reward),
    "unknown": col(RolloutRow.is_unknown),
    "privileged": col(RolloutRow.is_privileged),
    "steps": col(RolloutRow.steps),
    "tokens": col(RolloutRow.prompt_tokens) + col(RolloutRow.completion_tokens),
    "prompt_tokens": col(RolloutRow.prompt_tokens),
    "completion_tokens": col(RolloutRow.completion_tokens),
    "cost_usd": col(RolloutRow.cost_usd),
    "invalid_tool_calls": col(RolloutRow.invalid_tool_calls),
    "attempts": col(RolloutRow.attempts),
    "findings": _found(
        select(func.count()).select_from(FindingRow), *_is_its_task(FindingRow.suite_hash, FindingRow.task_id)
    ),
    "difficulty_files": _of_task(TaskRow.difficulty_files),
    "difficulty_lines": _of_task(TaskRow.difficulty_lines),
    "difficulty_tests": _of_task(TaskRow.difficulty_tests),
    "difficulty_distance": _of_task(TaskRow.difficulty_distance),
    "difficulty_pass_rate": _pass_rate(),
    "task_mark": _mark("task", *_is_its_task(MarkRow.suite_hash, MarkRow.task_id)),
    "label": _mark("label", col(MarkRow.rollout_id) == col(RolloutRow.id)),
    "total_sec": col(RolloutRow.total_sec),
    "started_at": col(RolloutRow.started_at),
}
