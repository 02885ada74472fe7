"""A full disk: told with the path and the free bytes; what was recorded is whole, and recording goes on with room."""

from pathlib import Path

import pytest

from tests.e2e.faults.small_disk import small_disk
from tests.trajectories.conftest import make_rollout
from trajectories.errors import StoreFull
from trajectories.store import open_store
from trajectories.upkeep import fsck

ROLLOUTS = [make_rollout(f"t{number}", attempt=number % 3) for number in range(40)]


@pytest.mark.parametrize("bodies_elsewhere", [False, True], ids=["all", "rows alone"])
def test_nothing_half_is_written_to_a_full_disk(bodies_elsewhere: bool, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=4) as disk:
        database = disk.path / "store" / "gristmill.db"
        bodies = str(tmp_path / "bodies") if bodies_elsewhere else None
        recorded = 0
        with open_store(disk.path / "store", blobs=bodies) as store:
            store.record_many(ROLLOUTS[:5])
            disk.fill()
            with pytest.raises(StoreFull, match=r"the disk is full \(\d+ bytes free\); make room there") as told:
                for recorded, rollout in enumerate(ROLLOUTS[5:], start=5):  # noqa: B007
                    store.record(rollout)
            assert str(disk.path) in str(told.value)
            with pytest.raises(StoreFull):  # it does not heal by itself, nor get worse
                store.record(ROLLOUTS[recorded])
            disk.make_room()
            assert store.count() == recorded
            store.record_many(ROLLOUTS)  # the same store goes on
        with open_store(disk.path / "store", blobs=bodies) as again:
            assert fsck(again).faults == []
            rows = list(again.rollouts())
            assert sorted(row.id for row in rows) == sorted(rollout.key.id for rollout in ROLLOUTS)
            assert {row.id: again.body(row) for row in rows} == {rollout.key.id: rollout for rollout in ROLLOUTS}
        assert database.exists()


def test_a_store_cannot_be_made_on_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=1) as disk:
        disk.fill()
        with pytest.raises(StoreFull, match=str(disk.path)):
            open_store(disk.path / "store")
        disk.make_room()
        open_store(disk.path / "store").close()
