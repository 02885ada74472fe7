"""A dataset cut into a stream of stages, to learn one after another; and what each model of the stream can do.

The scenarios of continual learning (CodeTask-CL; NEVIS'22): in the order of time, or by family or repository. No task
stands in two stages, and a share of each stage's tasks is held out: nothing of them is trained on.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import groupby
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Float, case, cast, func, select
from sqlmodel import col

from trajectories.datasets import Dataset, StageOf, dataset_rollouts, find_dataset, freeze, list_datasets
from trajectories.errors import BadDataset
from trajectories.store import Store
from trajectories.tables import DatasetItemRow, RolloutRow

By = Literal["time", "family", "repository"]
Task = tuple[str, str]  # suite hash, task id


class Stage(BaseModel):
    """`dataset`: what is trained on; `held_out`: the rollouts of the tasks that are not. Both are datasets' names."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="the family or repository, or the number of the stage")
    dataset: str
    held_out: str
    rollouts: int
    tasks: int
    held_out_tasks: tuple[str, ...]


class Accuracies(BaseModel):
    """`rows[i][stage]`: of the i-th model; stages of which it has no rollouts are missing."""

    model_config = ConfigDict(frozen=True)

    stages: tuple[str, ...]
    rows: tuple[dict[str, float], ...]


def cut_stream(
    store: Store, reference: str, *, by: By, stages: int = 5, held_out: float = 0.2, seed: int = 0
) -> list[Stage]:
    """Freeze the stages of a dataset as `NAME-1`, `NAME-1-held-out`, `NAME-2` …, in the order of their first rollouts.

    `stages`: how many there are by time, of about as many rollouts each; by family or repository each is one.
    `held_out`: share of the tasks of a stage, at least one. Raises BadDataset where a stage has fewer than two tasks.
    """
    parent = find_dataset(store, reference)
    tasks: dict[Task, list[RolloutRow]] = {}
    for row in sorted(dataset_rollouts(store, parent), key=lambda row: (row.started_at, row.id)):
        tasks.setdefault((row.suite_hash, row.task_id), []).append(row)
    cut = dict(_cut(tasks, by, stages))
    for name, theirs in cut.items():
        if len(theirs) < 2:
            raise BadDataset(
                f"dataset {parent.reference}: stage {name!r} has one task, so none can be held out; take fewer stages, "
                f"or leave it out of the dataset"
            )
    found = []
    for number, (name, theirs) in enumerate(cut.items(), start=1):
        aside = set(sorted(theirs, key=lambda task: _draw(seed, task))[: max(1, round(held_out * len(theirs)))])
        train, test = (
            freeze(
                store,
                _name(parent.name, number, is_held_out),
                [(row, 0) for task in theirs if (task in aside) == is_held_out for row in tasks[task]],
                where=parent.where,
                recipe=parent.recipe,
                seed=seed,
                left=parent.left,
                stage=StageOf(
                    parent=parent.reference, by=by, number=number, of=len(cut), name=name, is_held_out=is_held_out
                ),
            )
            for is_held_out in (False, True)
        )
        found.append(
            Stage(
                name=name,
                dataset=train.reference,
                held_out=test.reference,
                rollouts=train.rows,
                tasks=len(theirs) - len(aside),
                held_out_tasks=tuple(sorted(task for _, task in aside)),
            )
        )
    return found


def stage_accuracies(store: Store, name: str, models: Sequence[str], *, agent: str = "") -> Accuracies:
    """What each model solves of each stage's held-out tasks: the mean over the tasks of the share of its rollouts.

    `name`: of the dataset that was cut. Raises BadDataset where it was not.
    """
    stages: list[tuple[str, Dataset]] = []
    while versions := list_datasets(store, _name(name, len(stages) + 1, is_held_out=True)):
        stage = versions[-1].stage
        assert stage is not None  # only cut_stream gives such names
        stages.append((stage.name, versions[-1]))
        if stage.number == stage.of:
            break
    else:
        raise BadDataset(f"dataset {name!r} has not been cut into stages; `gristmill dataset stream {name}` does it")
    rows = [
        {stage: rate for stage, tasks in stages if (rate := _accuracy(store, tasks, model, agent)) is not None}
        for model in models
    ]
    return Accuracies(stages=tuple(stage for stage, _ in stages), rows=tuple(rows))


def _name(parent: str, number: int, is_held_out: bool) -> str:
    return f"{parent}-{number}{'-held-out' if is_held_out else ''}"


def _cut(tasks: dict[Task, list[RolloutRow]], by: By, stages: int) -> Iterator[tuple[str, list[Task]]]:
    """`tasks` in the order of their first rollouts. The stages' names and tasks."""
    if by != "time":
        key = {task: getattr(rows[0], by) or "unknown" for task, rows in tasks.items()}
        for name in dict.fromkeys(key.values()):
            yield name, [task for task in tasks if key[task] == name]
        return
    total = sum(map(len, tasks.values()))
    before, numbered = 0, []
    for task, rows in tasks.items():
        numbered.append((min(stages - 1, before * stages // total), task))
        before += len(rows)
    for number, theirs in groupby(numbered, key=lambda each: each[0]):
        yield str(number + 1), [task for _, task in theirs]


def _draw(seed: int, task: Task) -> str:
    return sha256(f"{seed}\0{task[0]}\0{task[1]}".encode()).hexdigest()


def _accuracy(store: Store, stage: Dataset, model: str, agent: str) -> float | None:
    tasks = (
        select(col(RolloutRow.suite_hash), col(RolloutRow.task_id))
        .join(DatasetItemRow, col(DatasetItemRow.rollout_id) == col(RolloutRow.id))
        .where(col(DatasetItemRow.name) == stage.name, col(DatasetItemRow.version) == stage.version)
        .distinct()
        .subquery()
    )
    rates = (
        select(cast(func.avg(case((col(RolloutRow.reward) >= 1.0, 1.0), else_=0.0)), Float).label("rate"))
        .join(tasks, (tasks.c.suite_hash == col(RolloutRow.suite_hash)) & (tasks.c.task_id == col(RolloutRow.task_id)))
        .where(
            col(RolloutRow.model) == model,
            col(RolloutRow.is_unknown).is_(False),
            col(RolloutRow.is_privileged).is_(False),
            *([col(RolloutRow.agent) == agent] if agent else []),
        )
        .group_by(col(RolloutRow.suite_hash), col(RolloutRow.task_id))
        .subquery()
    )
    with store.reading() as session:
        return session.scalar(select(func.avg(rates.c.rate)))
