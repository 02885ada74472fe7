"""Batches cover every rollout once, and are of even size."""

import pytest

from flows.batches import BATCHES_AT_ONCE, MOST_IN_A_BATCH, split


@pytest.mark.parametrize(("count", "jobs"), [(0, 2), (1, 2), (7, 2), (12, 4), (1000, 2), (5000, 8)])
def test_batches_cover_everything_once(count: int, jobs: int) -> None:
    items = list(range(count))
    batches = [items[part] for part in split(count, jobs)]
    assert [item for batch in batches for item in batch] == items
    assert all(0 < len(batch) <= MOST_IN_A_BATCH for batch in batches)


@pytest.mark.parametrize(("count", "jobs"), [(8, 4), (200, 16), (5, 8), (100, 128)])
def test_the_batches_that_run_together_fill_the_slots(count: int, jobs: int) -> None:
    first = list(split(count, jobs))[:BATCHES_AT_ONCE]
    assert sum(part.stop - part.start for part in first) >= min(count, jobs)
