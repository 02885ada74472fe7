"""Bodies read ahead are those of the rows, whatever happens to their files."""

from pathlib import Path

import pytest

from tests.trajectories.conftest import make_rollout
from trajectories import ahead
from trajectories.ahead import Ahead
from trajectories.compaction import compact
from trajectories.errors import CorruptBlob
from trajectories.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """10 tasks with 3 rollouts each."""
    opened = open_store(tmp_path)
    opened.record_many(make_rollout(f"t{number // 3}", attempt=number % 3) for number in range(30))
    return opened


def read(store: Store) -> dict[str, bytes]:
    with Ahead(store) as reading:
        groups = reading.groups(store.rollouts_by_task())
        return {row.id: reading.text(row) for of_task in groups for row in of_task}


@pytest.mark.parametrize("size", [1, 5_000, 1 << 20])
def test_bodies_are_those_of_their_rows(store: Store, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "BLOCK_BYTES", size)
    assert read(store) == {row.id: store.body_text(row) for row in store.rollouts()}


def test_no_more_is_read_ahead_than_two_blocks(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(store.body_text(next(store.rollouts())))
    monkeypatch.setattr(ahead, "BLOCK_BYTES", 2 * size)
    with Ahead(store) as reading:
        for _ in reading.groups([list(store.rollouts())]):
            assert 2 <= len(reading._texts) <= 3  # of the 30 rows of one task


def test_bodies_that_were_moved_meanwhile_are_found(store: Store) -> None:
    expected = {row.id: store.body_text(row) for row in store.rollouts()}
    store.segments.close()
    with Ahead(store) as reading:
        rows = [[row] for row in store.rollouts()]
        store.record(make_rollout("another"))
        store.segments.close()
        assert compact(store, young_sec=-1).moved == 31
        assert {row.id: reading.text(row) for of_task in reading.groups(rows) for row in of_task} == expected


def test_a_broken_body_is_told_and_the_others_are_read(store: Store) -> None:
    rows = list(store.rollouts())
    (path,) = (Path(store.segments.path(row.body_segment)) for row in rows[:1])
    frames = bytearray(path.read_bytes())
    frames[rows[7].body_start + 8 : rows[7].body_start + 20] = b"\0" * 12
    path.write_bytes(frames)
    with Ahead(store) as reading:
        for (row,) in reading.groups([[row] for row in rows]):
            if row.id != rows[7].id:
                assert reading.text(row) == store.body_text(row)
                continue
            with pytest.raises(CorruptBlob, match=row.id):
                reading.text(row)
