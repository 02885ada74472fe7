"""`gristmill memory`: what is learned from a store, written to files that agents take; what it lacks is told."""

import json
from pathlib import Path

import pytest

from agents.memory.workflow import load_workflows
from agents.strategies.scorer import load_scorer
from tests.trajectories.conftest import make_rollout, make_trajectory
from trajectories.store import open_store

from .conftest import Run

DIFF = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x = 1\n+clamp = 2\n"


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """On each of twelve tasks an attempt that was right, and one that was cut off and wrong."""
    with open_store(tmp_path / ".gristmill") as store:
        for number in range(12):
            task = f"t{number}"
            store.record(make_rollout(task, diff=DIFF, attempt=0))
            wrong = make_trajectory(task, 6)
            store.record(make_rollout(task, reward=0.0, ending="step_limit", trajectory=wrong, attempt=1))
    return tmp_path


def test_workflows_are_induced_and_can_be_given_to_an_agent(gristmill: Run, filled: Path) -> None:
    done = gristmill("memory", "workflows", "--out", "w.yaml")
    assert done.code == 0 and "of 12 rollouts; written: w.yaml" in done.stdout
    found = load_workflows(filled / "w.yaml")
    said = gristmill("memory", "workflows", "--out", "w.yaml", "--json").json
    assert said == {"workflows": len(found), "rollouts": 12, "unreadable": 0, "out": "w.yaml"} and found
    assert gristmill("memory", "workflows", "--out", "w.yaml", "--where", "reward >= 2", "--json").json["rollouts"] == 0


def test_a_scorer_is_trained_and_says_how_good_it_is(gristmill: Run, filled: Path) -> None:
    pytest.importorskip("sklearn")
    done = gristmill("memory", "scorer", "--out", "s.json")
    assert done.code == 0 and "24 rollouts, 12 solved, 12 tasks; written: s.json" in done.stdout
    assert "held out: 1.00 of 12 pairs of one task in the right order" in done.stdout
    scorer = load_scorer(filled / "s.json")
    assert (
        gristmill("memory", "scorer", "--out", "s.json", "--json").json["pairs_right"] == scorer.provenance.pairs_right
    )


def test_too_little_to_train_on_is_told(gristmill: Run, filled: Path) -> None:
    done = gristmill("memory", "scorer", "--out", "s.json", "--where", "task = 't1'")
    assert done.code == 1 and "2 rollouts, 1 of them solved: it needs at least 8 solved" in done.stderr
    assert not (filled / "s.json").exists()


def test_an_allocation_is_searched_on_what_is_recorded(gristmill: Run, filled: Path) -> None:
    arms = sorted(_arms(filled))
    costs = [part for arm in arms for part in ("--cost", f"{arm}=0.5")]
    done = gristmill("memory", "allocate", "--budget", "2", "--samples", "1,2", "--trials", "4", *costs)
    assert done.code == 0 and "of 2, in " in done.stdout
    found = gristmill("memory", "allocate", "--budget", "2", "--samples", "1,2", *costs, "--json").json
    assert found["cost"] <= 2 and 0 <= found["score"] <= 1


@pytest.mark.parametrize(
    "options, said",
    [
        (["--cost", "react"], "--cost is like"),
        (["--cost", "react=much"], "--cost is like"),
        (["--cost", "react=1", "--samples", "some"], "--samples like 1,2,4"),
        (["--cost", "react=1", "--strategy", "luck"], "there are guided, random and grid"),
        (["--cost", "nobody=1"], "the store has no rollout of nobody; it has: "),
    ],
)
def test_wrong_options_are_told(gristmill: Run, filled: Path, options: list[str], said: str) -> None:
    done = gristmill("memory", "allocate", "--budget", "2", *options)
    assert done.code == 2 and said in " ".join(done.stderr.split())


def test_a_wrong_filter_is_told(gristmill: Run, filled: Path) -> None:
    done = gristmill("memory", "workflows", "--out", "w.yaml", "--where", "colour = 'red'")
    assert done.code in (1, 2) and "colour" in done.stderr and "Traceback" not in done.stderr


def _arms(folder: Path) -> set[str]:
    with open_store(folder / ".gristmill") as store:
        return {f"{row.agent} {row.model}".strip() for row in store.rollouts("")}


def test_json_is_one_object_on_the_last_line(gristmill: Run, filled: Path) -> None:
    assert isinstance(json.loads(gristmill("memory", "workflows", "--out", "w.yaml", "--json").stdout), dict)
