"""Failing rollouts are grouped by what went wrong, whatever numbers and paths their messages hold."""

from pathlib import Path

import pytest

from tasks.verdict import Check, Verdict
from tests.trajectories.conftest import make_rollout
from trajectories.clusters import Signature, failure_clusters, normalised
from trajectories.rollout import Rollout
from trajectories.store import Store, open_store


def failing(task: str, detail: str, *, ending: str = "submitted", name: str = "tests/t.py::test_a") -> Rollout:
    verdict = Verdict(reward=0.0, checks=(Check(name=name, passed=False, detail=detail),))
    return make_rollout(task, reward=0.0, verdict=verdict, ending=ending)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path)


def test_messages_lose_what_differs_from_run_to_run() -> None:
    one = normalised("TypeError: got 3 of <f at 0x7f12ab> in /tmp/a1/x.py, expected 'abc'")
    other = normalised("TypeError: got 14 of <f at 0x55aa00> in /work/b/x.py, expected 'd'")
    assert one == other == "TypeError: got N of <f at ADDRESS> in PATH, expected VALUE"


def test_the_same_trouble_is_one_cluster_and_another_is_not(store: Store) -> None:
    for number in range(3):
        store.record(failing(f"t{number}", f"line\nE   AssertionError: assert {number} == {number + 9}"))
    store.record(failing("t9", "ModuleNotFoundError: No module named 'yaml'"))
    store.record(make_rollout("solved"))
    store.record(make_rollout("lost", reward=0.0, error="no sandbox"))
    found = failure_clusters(store)
    assert (found.read, found.failing) == (4, 4)
    assert [cluster.size for cluster in found.clusters] == [3, 1]
    assert found.clusters[0].title == "AssertionError: assert N == N"
    assert found.clusters[0].tasks == 3
    assert found.clusters[1].examples[0].said == "ModuleNotFoundError: No module named 'yaml'"


def test_messages_that_are_nearly_alike_are_joined(store: Store) -> None:
    told = "ValueError: the token at the end of the statement was not closed by a bracket as it should be"
    store.record(failing("t1", told))
    store.record(failing("t2", told + " here"))
    assert [cluster.size for cluster in failure_clusters(store).clusters] == [2]


def test_without_messages_the_ending_and_the_names_of_checks_tell(store: Store) -> None:
    store.record(failing("t1", "", name="t.py::test_a[1]"))
    store.record(failing("t2", "", name="t.py::test_a[2]"))
    silent = make_rollout("t3", reward=0.0, verdict=Verdict(reward=0.0), ending="step_limit")
    store.record(silent)
    found = failure_clusters(store)
    assert [cluster.title for cluster in found.clusters] == [
        "failed: t.py::test_a",
        "step limit, no check said anything",
    ]


def test_a_filter_chooses_and_bodies_are_read_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        store.record(failing(f"t{number}", "OSError: disk"))
    known: dict[str, Signature] = {}
    assert failure_clusters(store, "task = 't1'", known=known).read == 1
    assert len(known) == 1
    assert failure_clusters(store, most=2, known=known).failing == 4
    failure_clusters(store, known=known)
    monkeypatch.setattr(store, "body", None)
    assert failure_clusters(store, known=known).read == 4
