"""A run has no more requests on their way than its share of a model's limit: on real rollouts, counted by the server.

tests/e2e/test_model_limits.py has several runs of a real server's share one.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agents.models import ModelConfig
from environments import Backend
from flows.batches import evenly, keys_of, run_batch
from flows.deployments.plan import Plan, holds, model_shares
from flows.model_limits import gated, gates_of, most_batches, shared_out
from flows.models import fresh, lm_config
from flows.place import Place
from flows.requests import RolloutRequest
from flows.rollout import register
from flows.slots import Slots
from tasks.suite import open_suite, prepare_suite
from tests.hello_suite import make_suite
from tests.quick_server import quick_server

MODEL = ModelConfig(name="quick", model="quick", base_url="http://127.0.0.1:1/v1")
REACT = {"agent": "react", "model": "quick"}


def test_batches_in_threads_share_the_share(tmp_path: Path, session_cache: Path, bubblewrap: Backend) -> None:
    place = Place(store=str(tmp_path / "store"), cache=session_cache, jobs=6, model_limits={"quick": 2})
    suite = open_suite(make_suite(tmp_path / "suite", tasks=8), cache=session_cache)
    asyncio.run(prepare_suite(suite, bubblewrap, cache=session_cache))
    work = keys_of(RolloutRequest.model_validate({"suite": suite.folder, "agents": [REACT]}), suite, "bubblewrap")
    with place.open_store() as store:
        register(suite, store)
    gates, slots = gates_of(place.model_limits), Slots(place.jobs)
    with quick_server(0.15, steps=3) as server, ThreadPoolExecutor(2) as pool:
        models = {"quick": MODEL.model_copy(update={"base_url": server.url})}

        def batch(rank: int) -> list[str]:
            mine = gated(fresh(models), gates, place.model_limits)
            part = work[4 * rank : 4 * rank + 4]
            return asyncio.run(
                run_batch(
                    part,
                    suite=suite,
                    place=place,
                    models=mine,
                    jobs=6,
                    slots=slots,
                    rank=rank,
                    on_done=lambda rollout: None,
                )
            )

        written = [each for ids in pool.map(batch, range(2)) for each in ids]
        assert sorted(written) == sorted(key.id for key, _ in work)
        assert server.counted() == (24, 2), "six sandboxes in two batches, and never more than two requests"


def test_a_run_holds_what_it_may_ask_and_is_told_so(tmp_path: Path) -> None:
    plan = Plan(sandboxes=True, models={"quick": 3, "other": 5})
    request = RolloutRequest.model_validate({"suite": "suite", "agents": [REACT, {"agent": "react", "model": "free"}]})
    for jobs, share in ((1, 1), (2, 2), (8, 3)):
        place = Place(store="s", cache=tmp_path, jobs=jobs)
        assert model_shares(plan, request, place) == {"quick": share}
        assert holds(plan, request, place) == {"gristmill-sandboxes": jobs, "gristmill-model-quick": share}
    elsewhere = Place(store="s", cache=tmp_path, jobs=1, engine="dask")
    assert model_shares(plan, request, elsewhere) == {"quick": 3}, "on a cluster each worker has `jobs`"


def test_a_route_holds_all_models_that_it_may_choose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    entry = "{model: m, base_url: 'http://127.0.0.1:1/v1'}"
    (tmp_path / "gristmill.yaml").write_text(f"models: {{quick: {entry}, other: {entry}}}\n")
    (tmp_path / "route.yaml").write_text("rules:\n- {family: repository, model: quick}\n- {model: other}\n")
    request = RolloutRequest.model_validate({"suite": "s", "agents": [{**REACT, "model": "route:route.yaml"}]})
    plan = Plan(models={"quick": 1, "other": 4})
    assert model_shares(plan, request, Place(store="s", cache=tmp_path, jobs=2)) == {"quick": 1, "other": 2}


@pytest.mark.parametrize(("limit", "slots", "at_once", "each"), [(8, 4, 4, 2), (5, 4, 4, 1), (3, 16, 3, 1)])
def test_on_a_cluster_each_batch_has_its_part(limit: int, slots: int, at_once: int, each: int) -> None:
    models, limits = {"quick": MODEL, "free": MODEL}, {"quick": limit}
    assert most_batches(models, limits, slots) == at_once
    shared = shared_out(models, limits, at_once)
    assert (shared["quick"].concurrency, shared["free"].concurrency) == (each, MODEL.concurrency)
    assert at_once * each <= limit
    parts = list(evenly(100, at_once))
    assert len(parts) <= at_once and sum(part.stop - part.start for part in parts) == 100


def test_generation_asks_no_more_than_its_share(tmp_path: Path) -> None:
    assert lm_config(MODEL, seed=0, cache=tmp_path).at_once == 2
    assert lm_config(MODEL, seed=0, cache=tmp_path, at_once=1).at_once == 1
