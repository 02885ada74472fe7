"""Eight processes write, compact and read one store at once, on SQLite and on PostgreSQL: nobody sees a lock."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.queues import Queue
from pathlib import Path

from tests.trajectories.conftest import make_rollout
from trajectories.compaction import compact
from trajectories.store import Store, open_store
from trajectories.upkeep import fsck, gc

WRITERS, EACH, SHARED = 8, 12, 10


def write(url: str, blobs: str, number: int, said: "Queue[int]") -> None:
    """Some of its own one by one and in batches, and those that all write; one process cleans up meanwhile."""
    with open_store(url, blobs=blobs) as store:
        own = [make_rollout(f"w{number}-{each}") for each in range(EACH)]
        for rollout in own[: EACH // 2]:
            assert store.record(rollout)
        assert store.record_many(own[EACH // 2 :]) == EACH // 2
        store.segments.close()
        if number == 0:
            compact(store, young_sec=-1)
            gc(store, young_sec=-1)
        said.put(store.record_many(make_rollout(f"shared-{each}") for each in range(SHARED)))
        assert store.count(f"task like 'w{number}-%'") == EACH


def test_eight_processes_write_one_store(store_url: str, tmp_path: Path, reopen: Callable[[], Store]) -> None:
    context = multiprocessing.get_context("fork")
    said: Queue[int] = context.Queue()
    # The first opening makes the tables: that, too, by all at once.
    at = (store_url, str(tmp_path / "blobs"))
    writers = [context.Process(target=write, args=(*at, number, said)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=180)
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    assert sum(said.get() for _ in writers) == SHARED, "each of the shared ones once"
    with reopen() as store:
        assert store.count() == WRITERS * EACH + SHARED
        assert fsck(store).faults == []
        before = {row.id: store.body(row) for row in store.rollouts()}
        compact(store, young_sec=-1)
        assert {row.id: store.body(row) for row in store.rollouts()} == before
        assert len(list(store.segments.files())) == 1
