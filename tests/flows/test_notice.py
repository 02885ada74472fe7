"""Notice to batches on a cluster, on a real one of Dask with real rollouts: tests/e2e/faults/test_cluster_ended.py does
it with the whole command, and on Ray."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from environments import Backend
from flows.batches import Work, keys_of, run_batch
from flows.drain import Drained
from flows.engines import Engine, read_engine
from flows.engines.notice import Notice, NoticeBoard, heeded
from flows.place import Place
from flows.requests import AgentRequest, RolloutRequest
from flows.rollout import register
from tasks.suite import Suite, open_suite, prepare_suite
from tests.e2e.helpers import wait_for
from tests.hello_suite import make_suite

DASK = read_engine("dask")


@contextmanager
def dask() -> Iterator[Any]:
    """A scheduler and one worker, a process of its own."""
    distributed = pytest.importorskip("distributed", reason="pip install 'gristmill[dask]'")
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        yield client


def batch(work: Work, suite: Suite, place: Place, notice: Notice, engine: Engine) -> str:
    """On the worker."""
    with heeded(notice, engine) as drain:
        try:
            asyncio.run(
                run_batch(work, suite=suite, place=place, models={}, jobs=1, drain=drain, on_done=lambda rollout: None)
            )
        except Drained as error:
            return str(error)
    return "all"


def test_what_runs_on_a_worker_ends_and_is_recorded_and_nothing_new_begins(
    tmp_path: Path, session_cache: Path, bubblewrap: Backend
) -> None:
    place = Place(store=str(tmp_path / "store"), cache=session_cache)
    suite = open_suite(make_suite(tmp_path / "suite", tasks=3, seconds=1.0), cache=session_cache)
    asyncio.run(prepare_suite(suite, bubblewrap, cache=session_cache))
    work = keys_of(RolloutRequest(suite=suite.folder, agents=(AgentRequest(agent="oracle"),)), suite, "bubblewrap")
    ids = [key.id for key, _ in work]
    with place.open_store() as store, dask() as client:
        register(suite, store)

        def recorded() -> list[str]:
            return [each for each in ids if each in {row.id for row in store.rollouts()}]

        board = NoticeBoard(DASK, client)
        running = client.submit(batch, work, suite, place, board.notice(1), DASK, pure=False)
        wait_for("a rollout in the store", recorded, 20, pause=0.05)
        board.give(30.0)
        assert "the same command goes on" in running.result(timeout=20)
        assert recorded() == ids[:2], "the one that was under way is kept, the next did not begin"

        late = client.submit(batch, work, suite, place, board.notice(1), DASK, pure=False)
        assert "the same command goes on" in late.result(timeout=20), "a batch that had waited for a worker"

        slow = open_suite(make_suite(tmp_path / "slow", tasks=1, seconds=60), cache=session_cache)
        long = keys_of(RolloutRequest(suite=slow.folder, agents=(AgentRequest(agent="oracle"),)), slow, "bubblewrap")
        board = NoticeBoard(DASK, client)
        running = client.submit(batch, long, slow, place, board.notice(1), DASK, pure=False)
        board.give(0.2)
        assert "the same command goes on" in running.result(timeout=20), "what lasts longer than its grace is stopped"
        assert recorded() == ids[:2]

        fresh = NoticeBoard(DASK, client).notice(1)
        left = [item for item in work if item[0].id not in store.finished(key for key, _ in work)]
        assert client.submit(batch, left, suite, place, fresh, DASK, pure=False).result(timeout=20) == "all"
        assert recorded() == ids


def test_the_more_batches_look_the_less_often_each_does() -> None:
    board = NoticeBoard(DASK)
    assert board.notice(8).every_sec == 1.0
    assert board.notice(400).every_sec == 2.0
    assert board.notice(10_000).every_sec == 4.0
