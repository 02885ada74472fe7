"""The scorer: trained on a store, kept with where it comes from, refused where it does not fit."""

from pathlib import Path

import pytest

from agents.memory.errors import PieceFault
from agents.registry import get_agent
from agents.strategies.features import FEATURES, features_of
from agents.strategies.scorer import load_scorer, save_scorer
from agents.strategies.training import train_scorer
from tests.trajectories.conftest import make_rollout, make_trajectory
from trajectories.store import Store, open_store

DIFF = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x = 1\n+clamp = 2\n"


def filled(folder: Path, tasks: int = 12) -> Store:
    """On each task one attempt that changed something and was right, and one that was cut off and wrong."""
    store = open_store(folder)
    for number in range(tasks):
        task = f"t{number}"
        store.record(make_rollout(task, diff=DIFF, attempt=0))
        store.record(
            make_rollout(task, reward=0.0, ending="step_limit", trajectory=make_trajectory(task, 6), attempt=1)
        )
    return store


def test_it_learns_which_of_two_attempts_is_right(tmp_path: Path) -> None:
    with filled(tmp_path / "store") as store:
        scorer = train_scorer(store)
    found = scorer.provenance
    assert (found.rollouts, found.solved, found.tasks, found.pairs, found.pairs_right) == (24, 12, 12, 12, 1.0)
    good = features_of(make_trajectory().steps, DIFF, "submitted")
    bad = features_of(make_trajectory(steps=6).steps, "", "step_limit")
    assert scorer.score(good) > 0.8 > 0.2 > scorer.score(bad)
    save_scorer(scorer, tmp_path / "scorer.json")
    assert load_scorer(tmp_path / "scorer.json") == scorer


def test_every_feature_is_said_and_tests_are_read_from_the_trajectory() -> None:
    found = features_of(make_trajectory().steps, DIFF, "submitted", tests=(3, 4))
    assert set(found) == set(FEATURES)
    assert (found["tests_passed"], found["tests_all_passed"], found["files"]) == (0.75, 0.0, pytest.approx(0.693, 1e-2))


def test_too_little_to_learn_from_is_told(tmp_path: Path) -> None:
    with filled(tmp_path / "store", tasks=3) as store, pytest.raises(PieceFault, match="at least 8 solved"):
        train_scorer(store)


def test_a_file_that_is_no_scorer_is_told_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text("{}")
    agent = get_agent(f"nop+best_of_n:scorer={tmp_path / 's.json'}")
    with open_store(tmp_path / "store") as store, pytest.raises(PieceFault, match=r"s.json: no scorer"):
        agent.open(store)  # type: ignore[attr-defined]
