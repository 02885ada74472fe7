"""Datasets: frozen, versioned, compared, exported in their order, followed back to their sources."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.trajectories.conftest import lines, make_rollout
from trajectories.datasets import (
    create_dataset,
    dataset_rollouts,
    diff_datasets,
    find_dataset,
    lineage_of,
    list_datasets,
)
from trajectories.errors import BadDataset
from trajectories.exports import export
from trajectories.selection import Recipe, Step
from trajectories.store import Store

NOTHING = Recipe()
GOOD = "reward >= 1"


def test_what_was_frozen_stays_as_it_was(store: Store, reopen: Callable[[], Store]) -> None:
    store.record(make_rollout("a"))
    first = create_dataset(store, "nightly", where=GOOD, recipe=NOTHING)
    assert (first.reference, first.rows, first.left) == ("nightly@1", 1, {"where": 1})
    assert create_dataset(store, "nightly", where=GOOD, recipe=NOTHING).version == 1, "nothing has changed"
    store.record(make_rollout("b"))
    second = create_dataset(store, "nightly", where=GOOD, recipe=NOTHING)
    with reopen() as again:
        assert [each.reference for each in list_datasets(again)] == ["nightly@1", "nightly@2"]
        assert find_dataset(again, "nightly") == second
        assert [row.task_id for row in dataset_rollouts(again, find_dataset(again, "nightly@1"))] == ["a"]


def test_versions_are_compared(store: Store) -> None:
    a, b, c = (make_rollout(task) for task in "abc")
    for rollout in (a, b):
        store.record(rollout)
    create_dataset(store, "d", where="task in ('a', 'b')", recipe=NOTHING)
    store.record(c)
    create_dataset(store, "d", where="task in ('b', 'c')", recipe=NOTHING)
    difference = diff_datasets(store, "d@1", "d@2")
    assert (difference.added, difference.removed, difference.kept) == ((c.key.id,), (a.key.id,), 1)


def test_many_rollouts_come_in_their_order(store: Store) -> None:
    for number in range(620):
        store.record(make_rollout(f"t{number}"))
    recipe = Recipe(steps=(Step(name="sample", options={"n": 510}),))
    dataset = create_dataset(store, "many", where="", recipe=recipe)
    rows = list(dataset_rollouts(store, dataset))
    assert len(rows) == 510 and len({row.id for row in rows}) == 510


@pytest.mark.parametrize(
    ("name", "where", "told"),
    [("a/b", "", "use letters"), ("", "", "use letters"), ("x", "task = 'none'", "nothing is selected")],
)
def test_wrong_datasets_are_told(store: Store, name: str, where: str, told: str) -> None:
    store.record(make_rollout("a"))
    with pytest.raises(BadDataset, match=told):
        create_dataset(store, name, where=where, recipe=NOTHING)
    with pytest.raises(BadDataset, match="there are: none yet"):
        find_dataset(store, "x")


def test_an_export_of_a_dataset_has_its_rollouts_in_their_order(store: Store, tmp_path: Path) -> None:
    for task, solved in (("hard", 1), ("easy", 3)):
        for attempt in range(3):
            store.record(make_rollout(task, attempt=attempt, reward=1.0 if attempt < solved else 0.0))
    recipe = Recipe(steps=(Step(name="curriculum", options={}),))
    create_dataset(store, "d", where=GOOD, recipe=recipe)
    store.record(make_rollout("late"))
    manifest = export(store, to="trl", out=tmp_path / "out", dataset="d", test_share=0)
    rows = lines(tmp_path / "out" / "train.jsonl")
    assert [row["task_id"] for row in rows] == ["easy"] * 3 + ["hard"]
    assert manifest.filters["dataset"] == "d@1"
    with pytest.raises(BadDataset):
        export(store, to="trl", out=tmp_path / "other", dataset="e")


def test_a_row_is_followed_back_to_its_source(store: Store) -> None:
    provenance = {
        "source": "git+https://host/x.git@abc",
        "source_hash": "h",
        "revision": "abc",
        "repository": "x",
        "license": "MIT",
        "generator": "procedural",
    }
    rollout = make_rollout("t", provenance=provenance)
    store.record(rollout)
    create_dataset(store, "d", where="", recipe=NOTHING)
    lineage = lineage_of(store, rollout.key.id)
    assert (lineage.revision, lineage.generator, lineage.agent, lineage.model) == ("abc", "procedural", "react", "m")
    assert lineage.datasets == ("d@1",)
    assert len(lineage.prompt) == 64
