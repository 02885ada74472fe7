"""Check, mend, clean and copy a store: nothing that is whole is lost, and a kill leaves no fault."""

import json
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import delete, update
from sqlmodel import col
from typer.testing import CliRunner

from flows.cli import store as command
from tests.trajectories.conftest import make_rollout
from trajectories.backup import backup, restore
from trajectories.datasets import create_dataset
from trajectories.errors import BadBackup, NotInStore
from trajectories.selection import Recipe
from trajectories.store import Store, open_store
from trajectories.tables import RolloutRow, StepsRow, VerdictRow
from trajectories.upkeep import _remove, fsck, gc


def blob_of(store: Store, rollout_id: str) -> Path:
    """Its body as an earlier version would have written it."""
    (row,) = store.rollouts(f"id = '{rollout_id}'")
    if row.body_segment:
        store.blobs.put(store.body_text(row))
        with store.writing() as session:
            session.execute(update(RolloutRow).where(col(RolloutRow.id) == row.id).values(body_segment=""))
            session.commit()
    path = store.blobs.local_path(row.body)
    assert path is not None
    return path


def segment_of(store: Store, rollout_id: str) -> Path:
    (row,) = store.rollouts(f"id = '{rollout_id}'")
    path = store.segments.local_path(row.body_segment)
    assert path is not None
    return path


def test_a_whole_store_has_no_faults(store: Store) -> None:
    store.record(make_rollout("a"))
    store.record(make_rollout("b", reward=0.0, error="lost"))
    store.record(make_rollout("b"))
    checked = fsck(store)
    assert (checked.rollouts, checked.segments, checked.blobs, checked.faults) == (2, 1, 0, [])
    assert checked.slack > 0  # what was replaced


def test_a_rollout_whose_body_is_lost_is_removed_so_that_it_is_done_again(store: Store) -> None:
    lost, broken, whole = make_rollout("lost"), make_rollout("broken"), make_rollout("whole")
    for rollout in (lost, broken, whole):
        store.record(rollout)
    blob_of(store, lost.key.id).unlink()
    blob_of(store, broken.key.id).write_bytes(b"no zstandard")
    assert [fault.kind for fault in fsck(store).faults] == ["lost-body", "lost-body"]
    assert fsck(store, is_repairing=True).repaired == 2
    assert fsck(store).faults == []
    assert store.finished([lost.key, broken.key, whole.key]) == {whole.key.id}
    assert store.record(broken) and store.load(broken.key.id) == broken


@pytest.mark.parametrize(
    "harm",
    [
        delete(StepsRow),
        delete(VerdictRow),
        update(StepsRow).values(packed="[]"),
    ],
)
def test_rows_are_derived_anew_from_the_body(harm: Any, store: Store) -> None:
    rollout = make_rollout("a")
    store.record(rollout)
    with store.writing() as session:
        session.execute(harm)
        session.commit()
    (fault,) = fsck(store, is_repairing=True).faults
    assert (fault.kind, fault.where) == ("wrong-rows", f"rollout {rollout.key.id}")
    assert fsck(store).faults == []


def test_a_blob_that_is_used_again_while_gc_runs_stays(store: Store) -> None:
    name = store.blobs.put(b"listed as old, and put again before it is removed")
    assert _remove(store, name, young_sec=60) is None
    assert store.blobs.get(name, wanted_by="test")


def test_what_a_killed_gc_had_moved_aside_is_put_back(store: Store) -> None:
    rollout = make_rollout("a")
    store.record(rollout)
    path = blob_of(store, rollout.key.id)
    path.rename(path.with_suffix(".removing"))
    assert fsck(store).faults == []
    assert store.load(rollout.key.id) == rollout


def test_a_blob_that_is_not_what_its_name_says_is_found_without_a_row(store: Store) -> None:
    name = store.blobs.put(b"something")
    other = store.blobs.put(b"other")
    paths = store.blobs.local_path(name), store.blobs.local_path(other)
    assert paths[0] and paths[1]
    paths[0].write_bytes(paths[1].read_bytes())
    (fault,) = fsck(store, is_repairing=True).faults
    assert (fault.kind, fault.where) == ("corrupt-blob", name)
    assert not paths[0].exists() and paths[1].exists()  # the other is young


def test_gc_removes_old_blobs_of_no_rollout_only(store: Store) -> None:
    store.record(make_rollout("a"))
    young, old, used_again = (store.blobs.put(text) for text in (b"young", b"old", b"used again"))
    for name, _ in store.blobs.names():
        if name != young:
            os.utime(store.blobs.local_path(name) or "", (0, 0))
    store.blobs.put(b"used again")
    assert (gone := gc(store)).blobs == 1 and gone.bytes > 0
    left = {name for name, _ in store.blobs.names()}
    assert {young, used_again} <= left and old not in left
    assert fsck(store).faults == []


def test_retention_keeps_what_datasets_hold(store: Store) -> None:
    for task in ("kept", "old"):
        store.record(make_rollout(task))
    store.record(make_rollout("failed", reward=0.0))
    create_dataset(store, "nightly", where="task = 'kept'", recipe=Recipe())
    assert gc(store, keep_days=1, where="reward >= 1", young_sec=-1).rollouts == 1
    assert sorted(row.task_id for row in store.rollouts()) == ["failed", "kept"]
    assert (gc(store, keep_days=1, young_sec=-1).rollouts, fsck(store).rollouts) == (1, 1)


def test_a_backup_is_a_store_and_comes_back(store: Store, tmp_path: Path) -> None:
    rollouts = [make_rollout(f"t{number}") for number in range(3)]
    for rollout in rollouts:
        store.record(rollout)
    create_dataset(store, "nightly", where="reward >= 1", recipe=Recipe())
    store.blobs.put(b"of no rollout")
    assert backup(store, tmp_path / "backup").blobs == 3
    with open_store(tmp_path / "backup") as copy:
        assert (fsck(copy).rollouts, fsck(copy).faults, fsck(copy).slack) == (3, [], 0)
    with open_store(tmp_path / "back") as back:
        assert restore(tmp_path / "backup", back).rollouts == 3
        assert [back.load(rollout.key.id) for rollout in rollouts] == rollouts
        with pytest.raises(BadBackup, match="not empty"):
            restore(tmp_path / "backup", back)
    with pytest.raises(BadBackup, match="there already"):
        backup(store, tmp_path / "backup")
    with pytest.raises(BadBackup, match="no backup"), open_store(tmp_path / "new") as new:
        restore(tmp_path / "nothing", new)


def test_a_backup_is_restored_to_either_database(store: Store, tmp_path: Path) -> None:
    with open_store(tmp_path / "source") as source:
        source.record(make_rollout("a"))
        backup(source, tmp_path / "backup")
    restore(tmp_path / "backup", store)
    assert store.record(make_rollout("b"))
    assert fsck(store).faults == [] and store.count() == 2


def test_a_backup_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        rollout = make_rollout("a")
        store.record(rollout)
        segment_of(store, rollout.key.id).unlink()
        with pytest.raises(Exception, match="missing"):
            backup(store, tmp_path / "backup")
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def _gc(folder: Path) -> None:
    with open_store(folder) as store:
        gc(store, keep_days=1, where="reward = 0", young_sec=-1)


def _backup(folder: Path) -> None:
    with open_store(folder) as store:
        backup(store, folder.parent / "backup")


def _restore(folder: Path) -> None:
    with open_store(folder.parent / "restored") as store:
        restore(folder.parent / "kept", store)


def test_a_killed_restore_is_repeated(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        for number in range(20):
            store.record(make_rollout(f"t{number}"))
        backup(store, tmp_path / "kept")
    for seconds in (0.02, 0.06, 0.1):
        if _killed(_restore, tmp_path / "store", seconds):
            with open_store(tmp_path / "restored") as restored:
                assert fsck(restored).faults == [] and restored.count() in (0, 20)
    with open_store(tmp_path / "restored") as restored:
        if restored.count() == 0:
            restore(tmp_path / "kept", restored)
        assert restored.count() == 20


def _killed(work: Callable[[Path], None], folder: Path, seconds: float) -> bool:
    """Whether it was still at work when it was killed after that time."""
    process = multiprocessing.get_context("fork").Process(target=work, args=(folder,))
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("work", [_gc, _backup])
def test_kill_9_leaves_no_fault(work: Callable[[Path], None], tmp_path: Path) -> None:
    folder, chance = tmp_path / "store", random.Random(7)
    with open_store(folder) as store:
        for number in range(40):
            store.record(make_rollout(f"t{number}", reward=float(number % 2)))
    for _ in range(5):
        _killed(work, folder, chance.uniform(0.005, 0.15))
        with open_store(folder) as store:
            assert fsck(store).faults == []
            assert store.count("reward >= 1") == 20
        if (tmp_path / "backup").exists():
            with open_store(tmp_path / "backup") as copy:
                assert (fsck(copy).faults, copy.count()) == ([], 40)
            (tmp_path / "backup").rename(tmp_path / f"backup-{time.time_ns()}")
    work(folder)  # and it goes through in the end
    assert not list(tmp_path.glob(".backup*"))


def test_the_commands(tmp_path: Path) -> None:
    app, run = typer.Typer(), CliRunner()
    command.add_to(app)
    at = ["--store", str(tmp_path / "store")]
    with open_store(tmp_path / "store") as store:
        rollout = make_rollout("a")
        store.record(rollout)
        assert run.invoke(app, ["store", "backup", str(tmp_path / "backup"), *at]).exit_code == 0
        blob_of(store, rollout.key.id).unlink()
    said = run.invoke(app, ["store", "fsck", *at])
    assert said.exit_code == 1 and "lost-body" in said.stdout
    assert run.invoke(app, ["store", "fsck", "--repair", *at]).exit_code == 0
    assert json.loads(run.invoke(app, ["store", "gc", "--json", *at]).stdout)["blobs"] == 0
    assert run.invoke(app, ["store", "restore", str(tmp_path / "backup"), *at]).exit_code == 0
    with open_store(tmp_path / "store") as store:
        assert store.load(rollout.key.id) == rollout
        with pytest.raises(NotInStore):
            store.load("other")
