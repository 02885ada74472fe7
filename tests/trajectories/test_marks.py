"""What people say of tasks and rollouts: kept with who and when, undone without being lost, and used in selection."""

from pathlib import Path

import pytest

from tasks.task import Provenance
from tests.trajectories.conftest import make_rollout
from trajectories.errors import BadMark, NotInStore
from trajectories.exports import export
from trajectories.marks import (
    count_marks,
    label_rollout,
    labels_of,
    mark_task,
    marks_of,
    note_rollout,
    recent_marks,
    standing,
    unlabelled,
    withdraw,
)
from trajectories.selection import Recipe, Step, select
from trajectories.store import Store


@pytest.fixture
def reviewed(store: Store) -> Store:
    """Three solved tasks of one suite, without marks."""
    tasks = [(f"t{number}", "repository", Provenance(source="x", source_hash="0")) for number in range(1, 4)]
    store.register_suite(hash="suite", name="s", version="1", tasks=tasks)
    for name, *_ in tasks:
        store.record(make_rollout(name))
    return store


def key(task: str) -> str:
    return make_rollout(task).key.id


def test_the_newest_mark_holds_and_undoing_it_brings_the_one_before_back(reviewed: Store) -> None:
    label_rollout(reviewed, key("t1"), label="Good", note="clean", who="ann")
    newer = label_rollout(reviewed, key("t1"), label="bad", who="bob")
    marks = marks_of(reviewed, "suite", "t1", key("t1"))
    assert (held := standing(marks, "label")) and (held.value, held.who) == ("bad", "bob")
    assert labels_of(reviewed, [key("t1"), key("t2")]) == {key("t1"): "bad"}

    undone = withdraw(reviewed, newer.id, who="ann")
    assert undone.is_withdrawn and undone.withdrawn_by == "ann"
    assert labels_of(reviewed, [key("t1")]) == {key("t1"): "good"}
    history = recent_marks(reviewed)
    assert [(mark.value, mark.is_withdrawn) for mark in history] == [("bad", True), ("good", False)]
    assert history[0].made_at.tzinfo is not None
    assert withdraw(reviewed, newer.id, who="eve").withdrawn_by == "ann"  # once is enough


def test_a_task_is_marked_with_a_reason(reviewed: Store) -> None:
    with pytest.raises(BadMark, match="with a reason"):
        mark_task(reviewed, "suite", "t1", value="bad", reason=" ", who="ann")
    with pytest.raises(BadMark, match="bad or fine"):
        mark_task(reviewed, "suite", "t1", value="awful", reason="x", who="ann")
    with pytest.raises(NotInStore, match="'t9'"):
        mark_task(reviewed, "suite", "t9", value="bad", reason="x", who="ann")
    mark_task(reviewed, "suite", "t1", value="bad", reason="the test is wrong", who="")
    (mark,) = marks_of(reviewed, "suite", "t1")
    assert (mark.value, mark.note, mark.who) == ("bad", "the test is wrong", "local")
    assert count_marks(reviewed).bad_tasks == 1


@pytest.mark.parametrize("label", ["", "  ", "<script>", "x" * 41])
def test_a_label_is_a_few_plain_words(reviewed: Store, label: str) -> None:
    with pytest.raises(BadMark, match="label"):
        label_rollout(reviewed, key("t1"), label=label, who="ann")


def test_notes_stand_beside_labels(reviewed: Store) -> None:
    note_rollout(reviewed, key("t1"), note="look at step 3\0", who="ann")
    marks = marks_of(reviewed, "suite", "t1", key("t1"))
    assert [mark.note for mark in marks] == ["look at step 3"]
    assert standing(marks, "label") is None
    with pytest.raises(BadMark, match="empty"):
        note_rollout(reviewed, key("t1"), note="", who="ann")
    with pytest.raises(NotInStore, match="0000"):
        note_rollout(reviewed, "0000", note="x", who="ann")


def test_marks_are_columns_of_the_filter(reviewed: Store) -> None:
    label_rollout(reviewed, key("t1"), label="good", who="ann")
    mark_task(reviewed, "suite", "t2", value="bad", reason="leaks", who="ann")
    assert [row.task_id for row in reviewed.rollouts("label = 'good'")] == ["t1"]
    assert [row.task_id for row in reviewed.rollouts("task_mark = 'bad'")] == ["t2"]
    assert reviewed.count("label = '' and task_mark = ''") == 1
    mark_task(reviewed, "suite", "t2", value="fine", reason="", who="ann")
    assert reviewed.count("task_mark = 'bad'") == 0


def test_exports_leave_out_what_is_marked_bad_and_count_it(reviewed: Store, tmp_path: Path) -> None:
    mark_task(reviewed, "suite", "t1", value="bad", reason="leaks", who="ann")
    label_rollout(reviewed, key("t2"), label="bad", who="ann")
    manifest = export(reviewed, to="trl", out=tmp_path / "one", split_by="task", test_share=0.0)
    assert (manifest.rollouts, manifest.left_out["marks"]) == (1, 2)
    both = export(reviewed, to="trl", out=tmp_path / "two", split_by="task", test_share=0.0, include_marked=True)
    assert (both.rollouts, both.left_out["marks"]) == (3, 0)


def test_a_recipe_selects_by_review(reviewed: Store) -> None:
    def chosen(**options: object) -> list[str]:
        recipe = Recipe(steps=(Step(name="reviewed", options=options),))
        return sorted(item.task for item in select(reviewed, where="", recipe=recipe).items)

    label_rollout(reviewed, key("t1"), label="good", who="ann")
    label_rollout(reviewed, key("t2"), label="bad", who="ann")
    mark_task(reviewed, "suite", "t3", value="bad", reason="leaks", who="ann")
    assert chosen() == ["t1"]
    assert chosen(bad_tasks=True) == ["t1", "t3"]
    assert chosen(only=["good"]) == ["t1"]
    assert chosen(without=[], bad_tasks=True) == ["t1", "t2", "t3"]


def test_what_nobody_labelled_waits_for_a_reviewer(reviewed: Store) -> None:
    label_rollout(reviewed, key("t1"), label="good", who="ann")
    waiting = unlabelled(reviewed, "reward >= 1")
    assert {row.task_id for row in waiting} == {"t2", "t3"}
    assert [row.id for row in unlabelled(reviewed, after=waiting[0].id)] == [waiting[1].id]
