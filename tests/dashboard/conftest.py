"""A small store with rollouts of several agents, models, families and endings, and the dashboard of it."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from dashboard.app import create_app
from dashboard.config import DashboardConfig
from tasks.audit.finding import Finding
from tasks.task import Provenance
from tests.trajectories.conftest import make_rollout
from trajectories.rollout import RolloutKey
from trajectories.store import Store, open_store

TOKEN = "a-token-for-the-tests"
SUITE = "5uite" + "0" * 59
NOW = datetime.now(UTC)


def fill(store: Store) -> None:
    """A suite of four tasks in two families; three agents with two attempts each, one of them without an outcome."""
    of_repository = Provenance(
        source="pypi:sqlparse==0.6.1", source_hash="5" * 64, license="BSD-3-Clause", repository="sqlparse"
    )
    of_shop = Provenance(source="family:web_shop", source_hash="3" * 64, license="Apache-2.0", repository="web_shop")
    tasks = [
        ("sqlparse-clamp", "repository", of_repository),
        ("sqlparse-split", "repository", of_repository),
        ("shop-buy", "web_shop", of_shop),
        ("shop-return", "web_shop", of_shop),
    ]
    store.register_suite(hash=SUITE, name="night", version="3", tasks=tasks)
    finding = Finding(task_id="shop-buy", kind="text", place="instruction", evidence="the answer is in the instruction")
    store.record_audit(SUITE, [task for task, _, _ in tasks], [finding], NOW)
    number = 0
    for agent, model, solves in (("react", "small", 2), ("react", "large", 3), ("repair", "small", 1)):
        for place, (task, family, provenance) in enumerate(tasks):
            for attempt in range(2):
                number += 1
                is_lost = (agent, task, attempt) == ("repair", "shop-return", 1)
                rollout = make_rollout(
                    task,
                    agent=agent,
                    model=model,
                    attempt=attempt,
                    family=family,
                    reward=1.0 if place < solves and not is_lost else 0.0,
                    error="the sandbox's disk was full" if is_lost else None,
                    started_at=(NOW - timedelta(minutes=7 * number)).isoformat(),
                    cost_usd=0.01 * number,
                    provenance={"repository": provenance.repository, "license": provenance.license},
                )
                store.record(rollout.model_copy(update={"key": of_suite(rollout.key)}))


def of_suite(key: RolloutKey) -> RolloutKey:
    return key.model_copy(update={"suite_hash": SUITE})


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "store") as store:
        fill(store)
        yield store


@pytest.fixture
def make_client(filled: Store) -> Callable[..., TestClient]:
    """A client of the dashboard that is signed in, unless `token` is empty; fields of DashboardConfig by name."""

    def make(*, sign_in: bool = True, **changes: Any) -> TestClient:
        config = DashboardConfig(**{"store": filled, "token": TOKEN, **changes})
        client = TestClient(create_app(config), base_url="http://127.0.0.1", follow_redirects=True)
        if sign_in:
            answer = client.post("/login", data={"token": config.token, "name": "Ada"})
            assert answer.status_code == 200
        return client

    return make


@pytest.fixture
def client(make_client: Callable[..., TestClient]) -> TestClient:
    return make_client()


def form_token(client: TestClient, path: str = "/") -> str:
    """What a form on that page carries as `csrf`."""
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(path).text)
    assert found, f"no form on {path}"
    return found[1]
