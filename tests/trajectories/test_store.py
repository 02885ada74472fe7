"""The store, on SQLite and on PostgreSQL: a rollout is there once, whole, or not at all."""

import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest
from sqlalchemy import inspect

from tasks.audit.finding import Finding
from tasks.task import Provenance
from tests.trajectories.conftest import make_rollout
from trajectories.engine import make_engine
from trajectories.errors import CorruptBlob, NewerSchema, NotInStore, StoreFault
from trajectories.rollout import Attempt
from trajectories.rows import StepSummary, unpack_steps
from trajectories.schema import HEAD, migrate
from trajectories.store import Store, open_store
from trajectories.upkeep import fsck

OF_THE_FIRST_SCHEMA = """
INSERT INTO suites VALUES ('suite', 'demo', '1', 1);
INSERT INTO tasks VALUES ('suite', 't1', 'repository', 'sqlparse', 'MIT', '{}');
INSERT INTO rollouts VALUES ('abc', 'suite', 't1', 'repository', 'sqlparse', 'MIT', 'react', 'm', 'bubblewrap', 0, 1,
 'submitted', '', false, false, 1, 1.0, 1, 10, 5, 0.0, 0, 1.0, 1.0, 2.0, '2026-01-01 00:00:00', 'body');
INSERT INTO steps VALUES ('abc', 1, 'agent', 'bash', 2, 10, 5, false);
INSERT INTO verdicts VALUES ('abc', 1.0, 1, 0, NULL, '[]')
"""


def test_a_rollout_comes_back_as_it_was(store: Store) -> None:
    rollout = make_rollout(diff="--- a\n+++ b\n")
    assert store.record(rollout)
    assert store.load(rollout.key.id) == rollout
    assert store.trajectory(rollout.key.id) == rollout.trajectory
    (row,) = store.rollouts()
    assert (row.reward, row.steps, row.repository, row.license) == (1.0, 3, "sqlparse", "BSD-3-Clause")


def test_the_same_rollout_is_written_once(store: Store) -> None:
    assert store.record(make_rollout())
    assert not store.record(make_rollout(reward=0.0))
    assert [row.reward for row in store.rollouts()] == [1.0]


def test_an_unknown_outcome_is_not_finished_and_is_replaced(store: Store) -> None:
    unknown = make_rollout(reward=0.0, error="container lost")
    assert store.record(unknown)
    assert store.finished([unknown.key]) == set()
    assert store.record(make_rollout())
    assert store.finished([unknown.key]) == {unknown.key.id}
    (row,) = store.rollouts()
    assert (row.tries, row.is_unknown, row.reward) == (2, False, 1.0)


def test_pass_rates_keep_the_unknown_apart(store: Store) -> None:
    store.record(make_rollout("a"))
    store.record(make_rollout("b", reward=0.0))
    store.record(make_rollout("c", reward=0.0, error="lost"))
    (rate,) = store.pass_rates(suite_hash="suite")
    assert (rate.n, rate.solved, rate.unknown, rate.pass_rate) == (2, 1, 1, 0.5)
    assert 0.09 < rate.low < 0.1 and 0.9 < rate.high < 0.91  # Wilson for 1 of 2


def test_filters_choose_and_pages_join(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trajectories.reading.PAGE", 3)
    for number in range(10):
        store.record(make_rollout(f"t{number}", reward=number % 2))
    assert len(list(store.rollouts())) == 10
    assert len(list(store.rollouts("reward = 1 and task != 't3'"))) == 4
    assert len(list(store.rollouts(limit=7))) == 7


def test_a_suite_is_registered_once(store: Store) -> None:
    provenance = Provenance(source="x", source_hash="h", repository="sqlparse", license="MIT")
    for _ in range(2):
        store.register_suite(hash="suite", name="demo", version="1", tasks=[("t1", "repository", provenance)])
    assert [(row.name, row.tasks) for row in store.suites()] == [("demo", 1)]
    assert [row.license for row in store.tasks(suite_hash="suite")] == ["MIT"]


def test_a_missing_or_changed_body_is_named(store: Store, tmp_path: Path) -> None:
    rollout = make_rollout()
    store.record(rollout)
    (blob,) = (tmp_path / "blobs").rglob("*.zst")
    packed = blob.read_bytes()
    blob.write_bytes(packed[:-10])
    with pytest.raises(CorruptBlob, match=rollout.key.id):
        store.load(rollout.key.id)
    blob.unlink()
    with pytest.raises(CorruptBlob, match="missing"):
        store.load(rollout.key.id)
    with pytest.raises(NotInStore, match="gristmill show rollouts"):
        store.load("feedfeedfeedfeed")


def _register(store: Store, *tasks: str) -> None:
    provenance = Provenance(source="x", source_hash="h", repository="sqlparse", license="MIT")
    store.register_suite(
        hash="suite", name="demo", version="1", tasks=[(task, "repository", provenance) for task in tasks]
    )


def test_attempts_are_kept_with_their_steps(store: Store) -> None:
    attempts = (
        Attempt(kind="history-search", step_id=2, evidence="git log -p"),
        Attempt(kind="network", step_id=3, evidence="curl example.com"),
    )
    rollout = make_rollout(attempts=attempts)
    store.record(rollout)
    assert store.load(rollout.key.id).attempts == attempts
    assert [(row.number, row.step, row.kind, row.evidence) for row in store.attempts(rollout.key.id)] == [
        (0, 2, "history-search", "git log -p"),
        (1, 3, "network", "curl example.com"),
    ]
    assert [row.attempts for row in store.rollouts()] == [2]
    assert store.attempts("nobody") == []


def test_a_later_outcome_brings_its_own_attempts(store: Store) -> None:
    attempt = Attempt(kind="network", step_id=3, evidence="curl")
    store.record(make_rollout(reward=0.0, error="lost", attempts=(attempt, attempt)))
    store.record(make_rollout(attempts=(attempt,)))
    (row,) = store.rollouts()
    assert row.attempts == len(store.attempts(row.id)) == 1


def test_an_audit_replaces_what_earlier_ones_found(store: Store) -> None:
    _register(store, "t1", "t2", "t3")
    first, second = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    leak = Finding(task_id="t1", kind="git-history", place="HEAD~1", evidence="-    return low\0")
    store.record_audit("suite", ["t1", "t2"], [leak, leak, Finding(task_id="t2", kind="text", place="/a")], first)
    for _ in range(2):
        store.record_audit("suite", ["t1"], [leak], second)
    assert [(row.task_id, row.number, row.kind, row.place) for row in store.findings("suite")] == [
        ("t1", 0, "git-history", "HEAD~1"),
        ("t2", 0, "text", "/a"),
    ]
    audited = {row.id: row.audited_at and row.audited_at.replace(tzinfo=UTC) for row in store.tasks()}
    assert audited == {"t1": second, "t2": first, "t3": None}
    assert store.finding_counts() == {("suite", "t1"): 1, ("suite", "t2"): 1}
    assert len(store.findings(limit=1)) == 1 and store.findings("another") == []


def test_an_audit_of_what_is_not_there_changes_nothing(store: Store) -> None:
    _register(store, "t1")
    stray = Finding(task_id="t9", kind="text", place="/a")
    with pytest.raises(NotInStore, match="register the suite first"):
        store.record_audit("suite", ["t1", "t9"], [stray], datetime.now(UTC))
    with pytest.raises(StoreFault, match="t9"):
        store.record_audit("suite", ["t1"], [stray], datetime.now(UTC))
    assert [row.audited_at for row in store.tasks()] == [None]


def test_a_store_of_the_first_schema_is_migrated_with_its_data(
    store_url: str, reopen: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trajectories.schema.HEAD", "0001")
    engine = make_engine(store_url)
    migrate(engine)
    assert "attempts" not in {column["name"] for column in inspect(engine).get_columns("rollouts")}
    with engine.begin() as connection:
        for statement in OF_THE_FIRST_SCHEMA.strip().split(";\n"):
            connection.exec_driver_sql(statement.replace("%", "%%"))
    engine.dispose()
    monkeypatch.undo()
    with reopen() as store:
        (row,) = store.rollouts("attempts = 0 and findings = 0")
        assert (row.id, row.task_id, row.reward, row.attempts) == ("abc", "t1", 1.0, 0)
        assert [(task.id, task.audited_at) for task in store.tasks()] == [("t1", None)]
        with store._engine.connect() as connection:
            packed = connection.exec_driver_sql("SELECT packed FROM step_summaries").scalar()
        assert unpack_steps(packed) == [StepSummary(1, "agent", "bash", 2, 10, 5, is_error=False)]
        store.record_audit("suite", ["t1"], [Finding(task_id="t1", kind="text", place="/a")], datetime.now(UTC))
        assert store.count("findings = 1") == 1
        assert store.record(make_rollout("t2"))


def test_tables_and_migrations_agree(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlmodel import SQLModel

    with store._engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []
    assert "rollouts" in inspect(store._engine).get_table_names()


def test_the_newest_migration_is_the_one_that_opening_looks_for() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(files("trajectories") / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_a_newer_schema_is_refused(store: Store, reopen: Callable[[], Store]) -> None:
    with store._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(NewerSchema, match="upgrade Gristmill"):
        reopen()


def test_a_wrong_url_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(StoreFault, match="GRISTMILL_BLOBS"):
        open_store("postgresql+psycopg://nobody@localhost/x")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreFault, match="another --store"):
        open_store(tmp_path / "file" / "store")


def _write(url: str, blobs: str, name: str, count: int) -> None:
    with open_store(url, blobs=blobs) as store:
        for number in range(count):
            assert store.record(make_rollout(f"{name}-{number}"))


def test_eight_processes_write_at_once(store_url: str, tmp_path: Path, reopen: Callable[[], Store]) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=_write, args=(store_url, str(tmp_path / "blobs"), f"w{number}", 20))
        for number in range(8)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=120)
    assert [writer.exitcode for writer in writers] == [0] * 8
    with reopen() as store:
        assert len(list(store.rollouts())) == 160


def test_killed_writers_leave_whole_rollouts_or_none(tmp_path: Path) -> None:
    url, blobs = f"sqlite:///{tmp_path / 'gristmill.db'}", str(tmp_path / "blobs")
    open_store(url, blobs=blobs).close()
    context = multiprocessing.get_context("spawn")
    chance = random.Random(1)
    for number in range(6):
        writer = context.Process(target=_write, args=(url, blobs, f"k{number}", 100_000))
        writer.start()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:  # until it writes
            with open_store(url, blobs=blobs) as store:
                if any(row.task_id.startswith(f"k{number}-") for row in store.rollouts()):
                    break
        time.sleep(chance.uniform(0, 0.3))
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
    with open_store(url, blobs=blobs) as store:
        rows = list(store.rollouts())
        assert len({(row.task_id, row.agent) for row in rows}) == len(rows) >= 6
        for row in rows:
            assert store.body(row).key.task_id == row.task_id
        assert fsck(store).faults == []


def _at_once(count: int, act: Callable[[int], object]) -> list[object]:
    """What `act` returned in `count` threads that start together."""
    start = threading.Barrier(count)

    def run(number: int) -> object:
        start.wait()
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_the_same_rollout_from_eight_writers_is_there_once(store: Store) -> None:
    for task in range(5):
        wrote = _at_once(8, lambda _, task=task: store.record(make_rollout(f"t{task}")))  # type: ignore[misc]
        assert sorted(wrote) == [False] * 7 + [True]
    assert len(list(store.rollouts())) == 5


def test_a_known_outcome_wins_over_an_unknown_one_written_at_the_same_time(store: Store) -> None:
    for task in range(5):
        rollouts = [make_rollout(f"t{task}", reward=0.0, error="lost"), make_rollout(f"t{task}")]
        _at_once(4, lambda number, rollouts=rollouts: store.record(rollouts[number % 2]))  # type: ignore[misc]
    assert [row.is_unknown for row in store.rollouts()] == [False] * 5


def test_one_suite_registered_by_eight_at_once(store: Store) -> None:
    provenance = Provenance(source="x", source_hash="h")
    _at_once(
        8,
        lambda _: store.register_suite(hash="s", name="demo", version="1", tasks=[("t1", "repository", provenance)]),
    )
    assert [row.tasks for row in store.suites()] == [1]
