"""kill -9 at random moments: no rollout is lost or there twice, and nothing half is served.

Each work is prepared, done by a process that is killed at seeded moments of the time that it takes, and what is left is
looked at and then finished. 5 moments each here, 50 each where slow tests run.
"""

import hashlib
import json
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import MetaData, inspect

from tests.trajectories.conftest import make_rollout
from tests.trajectories.killing import killed_after
from trajectories import schema, store
from trajectories.blobs import Blobs
from trajectories.compaction import compact
from trajectories.engine import make_engine
from trajectories.exports import export
from trajectories.rollout import Rollout
from trajectories.rows import rows_of, unpack_steps
from trajectories.store import open_store
from trajectories.tables import StepsRow
from trajectories.upkeep import fsck, gc

ROLLOUTS = [make_rollout(f"t{number}", attempt=number % 3) for number in range(36)]


def all_are_whole(folder: Path, expected: list[Rollout]) -> None:
    """Each is there once, as it was written, and nothing disagrees with anything."""
    with open_store(folder) as opened:
        rows = list(opened.rollouts())
        assert {row.id for row in rows} <= {rollout.key.id for rollout in expected} and len(rows) == len(expected)
        found = {row.id: opened.body(row) for row in rows}
        assert found == {rollout.key.id: rollout for rollout in expected}
        assert fsck(opened).faults == []


# ------------------------------------------------------------------- the works


def nothing(folder: Path) -> None:
    open_store(folder).close()


def ingest(folder: Path) -> None:
    store.BATCH = 7
    with open_store(folder) as opened:
        opened.record_many(ROLLOUTS[:28])
        for rollout in ROLLOUTS[28:]:
            opened.record(rollout)


def ingested(folder: Path) -> None:
    with open_store(folder) as opened:
        count = opened.count()
        assert count % 7 == 0 or count > 28, "whole batches"
        assert fsck(opened).faults == []
        assert sum(opened.body(row) == ROLLOUTS[int(row.task_id[1:])] for row in opened.rollouts()) == count
    ingest(folder)
    all_are_whole(folder, ROLLOUTS)


def scattered(folder: Path) -> None:
    """Many small segments, one with room between its bodies, and blobs of an earlier version."""
    old_store(folder, ROLLOUTS[:20])
    with open_store(folder) as opened:
        for rollout in ROLLOUTS[20:]:
            opened.record(make_rollout(rollout.key.task_id, attempt=rollout.key.attempt, reward=0.0, error="lost"))
            opened.record(rollout)
            if len(rollout.key.task_id) % 2:
                opened.segments.close()


def compaction(folder: Path) -> None:
    with open_store(folder) as opened:
        compact(opened, young_sec=-1)


def compacted(folder: Path) -> None:
    all_are_whole(folder, ROLLOUTS)
    compaction(folder)
    all_are_whole(folder, ROLLOUTS)
    with open_store(folder) as opened:
        gc(opened, young_sec=-1)  # blobs that had been moved, and not yet removed
        assert (fsck(opened).slack, fsck(opened).blobs) == (0, 0)


def old_store(folder: Path, rollouts: list[Rollout] = ROLLOUTS) -> None:
    """As the version before segments wrote it: a blob a body, a row a step."""
    folder.mkdir()
    blobs, engine = Blobs(str(folder / "blobs")), make_engine(f"sqlite:///{folder / 'gristmill.db'}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "HEAD", "0004")
        schema.migrate(engine)
    (tables := MetaData()).reflect(engine)
    with engine.begin() as connection:
        for rollout in rollouts:
            rows = rows_of(rollout)
            body = blobs.put(rollout.model_dump_json().encode())
            connection.execute(tables.tables["rollouts"].insert(), {**rows.rollout, "body": body})
            connection.execute(tables.tables["verdicts"].insert(), rows.verdict)
            steps = [{"rollout_id": rollout.key.id, **step._asdict()} for step in unpack_steps(rows.steps["packed"])]
            connection.execute(tables.tables["steps"].insert(), steps)
    engine.dispose()


def migrated(folder: Path) -> None:
    """Before it is opened again: the old tables or the new ones, never some of both."""
    engine = make_engine(f"sqlite:///{folder / 'gristmill.db'}")
    names = set(inspect(engine).get_table_names())
    engine.dispose()
    assert ("steps" in names) != (StepsRow.__tablename__ in names)
    all_are_whole(folder, ROLLOUTS)


def filled(folder: Path) -> None:
    with open_store(folder) as opened:
        opened.record_many(ROLLOUTS)


def exporting(folder: Path) -> None:
    with open_store(folder) as opened:
        export(opened, to="trl", out=folder / "out", overwrite=True)


def exported(folder: Path) -> None:
    check_export(folder / "out")
    exporting(folder)
    check_export(folder / "out")
    assert not list(folder.glob(".out.*")), "what killed exports left is gone"


def check_export(out: Path) -> None:
    """Not there, or whole as its manifest says."""
    if not out.exists():
        return
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["rollouts"] == len(ROLLOUTS)
    for name, entry in manifest["files"].items():
        data = (out / name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (entry["bytes"], entry["sha256"])


@dataclass(frozen=True)
class Case:
    prepare: Callable[[Path], None]
    work: Callable[[Path], None]
    check: Callable[[Path], None]


CASES = {
    "ingest": Case(nothing, ingest, ingested),
    "compaction": Case(scattered, compaction, compacted),
    "migration": Case(old_store, nothing, migrated),
    "export": Case(filled, exporting, exported),
}


@pytest.mark.parametrize("moments", [5, pytest.param(50, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", CASES)
def test_kill_9_loses_and_doubles_nothing(name: str, moments: int, tmp_path: Path) -> None:
    case, chance, killed = CASES[name], random.Random(f"{name} {moments}"), 0
    case.prepare(tmp_path / "prepared")
    shutil.copytree(tmp_path / "prepared", tmp_path / "timed")
    began = time.monotonic()
    killed_after(lambda: case.work(tmp_path / "timed"), 60)
    seconds = time.monotonic() - began
    for turn in range(4 * moments):
        folder = tmp_path / f"{turn}"
        shutil.copytree(tmp_path / "prepared", folder)
        if killed_after(lambda folder=folder: case.work(folder), chance.uniform(0, seconds)):  # type: ignore[misc]
            killed += 1
        else:
            seconds *= 0.8  # the machine is quicker than it was
        case.check(folder)
        shutil.rmtree(folder)
        if killed == moments:
            return
    pytest.fail(f"killed at work only {killed} times in {4 * moments}")
