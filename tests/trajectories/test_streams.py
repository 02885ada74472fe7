"""A dataset becomes a stream of stages, and models that learned them one after another show what they forgot."""

import pytest

from tests.trajectories.conftest import make_rollout
from trajectories.datasets import create_dataset, dataset_rollouts, find_dataset
from trajectories.errors import BadDataset
from trajectories.selection import Recipe
from trajectories.store import Store
from trajectories.streams import Stage, cut_stream, stage_accuracies

REPOSITORIES = ("click", "attrs", "rich")


def record(store: Store, repository: str, task: int, day: int, **changes: object) -> None:
    rollout = make_rollout(
        f"{repository}-{task}",
        started_at=f"2026-01-{day:02}T00:00:00+00:00",
        provenance={"repository": repository, "license": "MIT"},
        **changes,
    )
    store.record(rollout)


@pytest.fixture
def dataset(store: Store) -> Store:
    """Three repositories in the order click, attrs, rich; five tasks each, two rollouts a task."""
    for number, repository in enumerate(REPOSITORIES):
        for task in range(5):
            for attempt in range(2):
                record(store, repository, task, 1 + 5 * number + task, attempt=attempt)
    create_dataset(store, "nightly", where="reward >= 1", recipe=Recipe())
    return store


def tasks_of(store: Store, reference: str) -> set[str]:
    return {row.task_id for row in dataset_rollouts(store, find_dataset(store, reference))}


def test_a_stage_a_repository_in_the_order_in_which_they_came(dataset: Store) -> None:
    stages = cut_stream(dataset, "nightly", by="repository")
    assert [each.name for each in stages] == list(REPOSITORIES)
    assert [(each.rollouts, each.tasks, len(each.held_out_tasks)) for each in stages] == [(8, 4, 1)] * 3
    for stage in stages:
        assert tasks_of(dataset, stage.held_out) == set(stage.held_out_tasks)
        assert not tasks_of(dataset, stage.dataset) & set(stage.held_out_tasks)
    assert str(find_dataset(dataset, "nightly-2").stage) == "stage 2 of 3 of nightly@1 by repository: attrs"
    assert cut_stream(dataset, "nightly", by="repository") == stages, "cut again, it is the same, and no new version"


def test_by_time_no_task_stands_in_two_stages(dataset: Store) -> None:
    record(dataset, "click", 0, 28, attempt=2)  # the first task once more, long after
    create_dataset(dataset, "nightly", where="", recipe=Recipe())
    stages = cut_stream(dataset, "nightly", by="time", stages=3, held_out=0.4)
    everything = [task for stage in stages for task in tasks_of(dataset, stage.dataset) | set(stage.held_out_tasks)]
    assert [stage.name for stage in stages] == ["1", "2", "3"]
    assert len(everything) == len(set(everything)) == 15
    assert "click-0" in tasks_of(dataset, stages[0].dataset) | set(stages[0].held_out_tasks)


def test_what_each_model_can_do_of_each_stage(dataset: Store) -> None:
    stages = cut_stream(dataset, "nightly", by="repository", held_out=0.4)
    solved = {"base": set(), "after-1": {"click"}, "after-2": {"attrs"}}
    for model, theirs in solved.items():
        for stage in stages[:2]:
            roll_out(dataset, stage, model, solves=stage.name in theirs)
    found = stage_accuracies(dataset, "nightly", list(solved), agent="react")
    assert found.stages == REPOSITORIES
    assert found.rows == (
        {"click": 0.0, "attrs": 0.0},
        {"click": 1.0, "attrs": 0.0},
        {"click": 0.5, "attrs": 1.0},  # half forgotten; nobody has tried rich
    )


def roll_out(store: Store, stage: Stage, model: str, *, solves: bool) -> None:
    """What a model does on the held-out tasks: after-2 still knows the first of those of click."""
    for number, task in enumerate(stage.held_out_tasks):
        knows = solves or (model == "after-2" and number == 0)
        record(store, stage.name, int(task[-1]), 28, model=model, reward=1.0 if knows else 0.0)


def test_what_cannot_be_cut_is_told(dataset: Store) -> None:
    record(dataset, "click", 9, 1, model="other")
    create_dataset(dataset, "small", where="model = 'other'", recipe=Recipe())
    with pytest.raises(BadDataset, match="small@1: stage 'click' has one task"):
        cut_stream(dataset, "small", by="repository")
    with pytest.raises(BadDataset, match="'small' has not been cut into stages; `gristmill dataset stream small`"):
        stage_accuracies(dataset, "small", ["m"])
