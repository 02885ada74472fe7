"""Passing trouble of the database is tried again, and gives what it would have given without; the rest is told."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from tests.trajectories.conftest import make_rollout
from trajectories.errors import StoreAway, StoreFault
from trajectories.store import Store, open_store


@contextmanager
def troubled(store: Store, *errors: Exception) -> Iterator[list[Exception]]:
    """The next statements fail with these, one each; yields those that are left."""
    left = list(errors)

    def before(*arguments: Any) -> None:
        if left:
            raise left.pop(0)

    event.listen(store.engine, "before_cursor_execute", before)
    try:
        yield left
    finally:
        event.remove(store.engine, "before_cursor_execute", before)


def test_a_lock_costs_a_try_and_nothing_else(tmp_path: Path) -> None:
    rollouts = [make_rollout(f"t{number}") for number in range(3)]
    with open_store(tmp_path) as store:
        store.record(rollouts[0])
        locked = sqlite3.OperationalError("database is locked")
        with troubled(store, locked, locked) as left:
            # Asked with a generator, which a second try would find empty: all would be done again.
            assert store.finished(rollout.key for rollout in rollouts) == {rollouts[0].key.id}
        assert not left
        with troubled(store, locked):
            assert not store.record(rollouts[0])
        with troubled(store, sqlite3.OperationalError("no such column")), pytest.raises(StoreFault, match="no such"):
            store.finished([rollouts[0].key])


def test_a_server_that_is_not_there_is_told_at_once_without_its_password() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreAway, match="did not answer") as told:
        open_store("postgresql+psycopg://grist:secret@127.0.0.1:9/none", blobs="memory://bodies")
    assert "secret" not in str(told.value) and "127.0.0.1:9" in str(told.value)
    with pytest.raises(StoreAway, match=r"did not answer for 1\.5 s"):
        open_store("postgresql+psycopg://grist:secret@127.0.0.1:9/none", blobs="memory://bodies", patience_sec=1.5)
