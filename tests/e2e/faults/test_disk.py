"""The disk fills while the command runs: exit code 1 and where it is full; with room the same command goes on."""

from pathlib import Path

import pytest

from tests.e2e.conftest import Done
from tests.e2e.faults.conftest import Leftovers, Start, each_once, rows_of
from tests.e2e.faults.small_disk import small_disk
from tests.e2e.helpers import wait_for
from tests.hello_suite import make_suite
from trajectories.store import open_store
from trajectories.upkeep import fsck

ROLLOUT = ("rollout", "suite", "--agent", "oracle", "--agent", "nop", "--attempts", "40", "-j", "2", "--json")


def says_where(done: Done, folder: Path) -> None:
    assert done.code == 1, done.stderr
    last = done.stderr.splitlines()[-1]
    assert "full" in last and "bytes free" in last and str(folder) in last, done.stderr
    assert "the same command goes on" in last and "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_stores_disk(tmp_path: Path, start: Start, leftovers: Leftovers) -> None:
    make_suite(tmp_path / "suite", tasks=2)
    with small_disk(tmp_path / "disk", megabytes=40) as disk:
        store = disk.path / "store"
        settings = {"GRISTMILL_STORE": str(store)}
        command = start(*ROLLOUT, env=settings)
        wait_for("twenty rollouts", lambda: len(rows_of(store / "gristmill.db")) >= 20, 120)
        disk.fill()
        done = command.ended(timeout=60)
        says_where(done, disk.path)
        leftovers.none()

        still = start(*ROLLOUT, env=settings).ended(timeout=60)
        says_where(still, disk.path)

        disk.make_room()
        with open_store(store) as opened:
            assert fsck(opened).faults == []
            before = opened.count()
        assert before >= 20
        again = start(*ROLLOUT, env=settings).ended(timeout=150)
        assert again.code == 0, again.stderr
        assert again.json["already_there"] == before
        each_once(rows_of(store / "gristmill.db"), 160)
        with open_store(store) as opened:
            assert fsck(opened).faults == []


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_disk_of_the_cache(tmp_path: Path, tiny_folder: Path, start: Start, leftovers: Leftovers) -> None:
    """Environments and sources are made there, and the sandboxes' files lie there."""
    generate = ("generate", str(tiny_folder), "-n", "3", "--out", "suite", "--json")
    with small_disk(tmp_path / "disk", megabytes=200) as disk:
        settings = {"GRISTMILL_CACHE": str(disk.path / "cache")}
        command = start(*generate, env=settings)
        wait_for("the cache", lambda: (disk.path / "cache").exists() and any((disk.path / "cache").iterdir()), 60, 0.02)
        disk.fill()
        says_where(command.ended(timeout=120), disk.path)
        leftovers.none()
        disk.make_room()
        again = start(*generate, env=settings).ended(timeout=200)
        assert again.code == 0, again.stderr
        assert again.json["accepted"] == 3
        done = start("rollout", "suite", "--agent", "oracle", "--json", env=settings).ended(timeout=120)
        assert done.json["solved"] == 3, done.stderr
