"""Pass rates against the phrasing and the level of tasks."""

from pathlib import Path

import pytest

from tasks.task import Provenance
from tests.trajectories.conftest import make_rollout
from trajectories.reports import level_report, phrasing_report
from trajectories.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two instances in two phrasings, three attempts each; and tasks of two levels."""
    store = open_store(tmp_path / "store")
    tasks = []
    for index in (0, 1):
        for phrasing in ("plain", "brief"):
            details = {"instance": f"i{index}", "phrasing": phrasing}
            tasks.append((f"{index}-{phrasing}", "f", Provenance(source="x", source_hash="h", details=details)))
    for level in (1, 2):
        details = {"by": "depth", "level": level}
        tasks.append((f"depth-{level}", "facts", Provenance(source="x", source_hash="h", details=details)))
    store.register_suite(hash="suite", name="s", version="1", tasks=tasks)
    return store


def roll(store: Store, task: str, family: str, *rewards: float) -> None:
    for attempt, reward in enumerate(rewards):
        store.record(make_rollout(task, attempt=attempt, reward=reward, family=family))


def test_sensitivity_is_the_difference_between_phrasings_of_one_instance(store: Store) -> None:
    roll(store, "0-plain", "f", 1, 1)
    roll(store, "0-brief", "f", 0, 0)
    roll(store, "1-plain", "f", 1, 1)
    roll(store, "1-brief", "f", 1, 1)
    (row,) = phrasing_report(store)
    assert (row.instances, row.phrasings) == (2, {"brief": 0.5, "plain": 1.0})
    assert (row.sensitivity, row.consistency) == (0.5, 0.5)


def test_luck_within_a_phrasing_lowers_consistency_and_not_sensitivity(store: Store) -> None:
    roll(store, "0-plain", "f", 1, 0)
    roll(store, "0-brief", "f", 0, 1)
    (row,) = phrasing_report(store)
    assert (row.sensitivity, row.consistency) == (0.0, 0.5)


def test_an_instance_in_one_phrasing_says_nothing(store: Store) -> None:
    roll(store, "0-plain", "f", 1)
    assert phrasing_report(store) == []


def test_levels_are_counted_apart(store: Store) -> None:
    roll(store, "depth-1", "facts", 1, 1, 0)
    roll(store, "depth-2", "facts", 0, 0, 0)
    rows = level_report(store, "family = 'facts'")
    assert [(row.kind, row.level, row.n, row.solved) for row in rows] == [("depth", 1, 3, 2), ("depth", 2, 3, 0)]
    assert rows[0].low < rows[0].pass_rate < rows[0].high
