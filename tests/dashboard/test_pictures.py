"""What a person sees, drawn by a real Chromium. The pictures of docs/dashboard.md are made by

GRISTMILL_PICTURES=docs/images python -m pytest tests/dashboard/test_pictures.py
"""

import os
import random
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import uvicorn

from dashboard.app import create_app
from dashboard.config import DashboardConfig
from dashboard.prefect_runs import FlowRun, PrefectState
from tasks.task import Provenance
from tasks.verdict import Check, Verdict
from tests.dashboard.chromium import Page, chromium, program
from tests.dashboard.conftest import TOKEN
from tests.trajectories.conftest import make_rollout
from trajectories.rollout import Rollout
from trajectories.store import Store, open_store

SUITE = "71" * 32
NOW = datetime.now(UTC)
TASKS = {"repository": ("clamp", "split", "quote", "merge"), "web_shop": ("buy", "return", "compare", "track")}
REASONS = {
    "test_limits": "assert clamp(25, 0, 10) == 10\nE  assert 0 == 10",
    "test_order": "assert order.state == 'paid'\nE  assert 'open' == 'paid'",
    "test_empty": "IndexError: list index out of range",
}
RUN = FlowRun(
    id="7",
    name="rollout nightly",
    state="Running",
    kind="running",
    started=NOW - timedelta(minutes=4),
    scheduled=None,
    deployment="",
    parameters="suites/nightly",
    percent=62.0,
    progress="280 of 450 rollouts, 71.2 a minute",
)
PICTURES = {
    "dashboard-overview": "/",
    "dashboard-matrix": "/matrix",
    "dashboard-failures": "/failures",
    "dashboard-exports": "/exports?look=1&to=trl&limit=3",
    "dashboard-quality": "/quality",
}

pytestmark = pytest.mark.skipif(program() is None, reason="no Chromium is installed: apt-get install -y chromium")


def rollouts() -> Iterator[Rollout]:
    """Of five days, more of them lately; models that differ."""
    draw = random.Random(3)
    for number in range(280):
        family = draw.choice(list(TASKS))
        agent, model, solves = draw.choice(
            [("react", "small", 0.35), ("react", "large", 0.7), ("repair", "small", 0.5), ("react", "tuned", 0.6)]
        )
        is_solved, is_lost = draw.random() < solves, draw.random() < 0.03
        reason = draw.choice(list(REASONS))
        checks = (Check(name=reason, passed=is_solved, detail="" if is_solved else REASONS[reason]),)
        rollout = make_rollout(
            f"{family.replace('_', '-')}-{draw.choice(TASKS[family])}",
            agent=agent,
            model=model,
            attempt=number,
            family=family,
            verdict=Verdict(reward=0.0, error="the sandbox's disk was full")
            if is_lost
            else Verdict(reward=float(is_solved), checks=checks),
            reward=0.0 if is_lost else float(is_solved),
            ending="submitted" if draw.random() < 0.8 else "step_limit",
            started_at=(NOW - timedelta(hours=120 * draw.random() ** 3)).isoformat(),
            cost_usd=0.05 * draw.random(),
            provenance={"repository": "sqlparse" if family == "repository" else family, "license": "Apache-2.0"},
        )
        yield rollout.model_copy(update={"key": rollout.key.model_copy(update={"suite_hash": SUITE})})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(tmp_path_factory.mktemp("pictures") / ".gristmill") as opened:
        origin = Provenance(source="pypi:sqlparse==0.6.1", source_hash="5" * 64, license="Apache-2.0", repository="x")
        tasks = [(f"{name.replace('_', '-')}-{each}", name, origin) for name, some in TASKS.items() for each in some]
        opened.register_suite(hash=SUITE, name="nightly", version="1", tasks=tasks)
        for rollout in rollouts():
            opened.record(rollout)
        yield opened


@pytest.fixture(scope="module")
def site(store: Store) -> Iterator[str]:
    """The dashboard's address; it is served by a thread."""
    listening = socket.create_server(("127.0.0.1", 0))
    app = create_app(DashboardConfig(store=store, token=TOKEN))
    app.state.prefect = SimpleNamespace(state=lambda: PrefectState(live=(RUN,), sandboxes_in_use=4, sandboxes_limit=4))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=20)


@pytest.fixture(scope="module")
def tab(site: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("chromium")) as new:
        page = new()
        page.open(f"{site}/login")
        page.wait("document.activeElement?.name === 'token'")
        page.write(TOKEN)
        page.press("Enter")
        page.wait("location.pathname === '/'")
        yield page


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(os.environ.get("GRISTMILL_PICTURES") or tmp_path_factory.mktemp("images"))


@pytest.mark.parametrize("name", PICTURES)
def test_a_page_is_drawn_without_a_complaint(name: str, tab: Page, site: str, folder: Path) -> None:
    tab.told.clear()
    tab.open(site + PICTURES[name])
    tab.wait("[...document.querySelectorAll('.chart')].every(chart => chart.querySelector('canvas'))")
    tab.picture(folder / f"{name}.png", width=1280, height=860)
    assert (folder / f"{name}.png").stat().st_size > 20_000, "more than an empty page"
    assert tab.told == []


def test_nothing_is_wider_than_a_small_window(tab: Page, site: str, tmp_path: Path) -> None:
    """Tables scroll by themselves; a page does not."""
    for name, path in {**PICTURES, "review": "/review"}.items():
        tab.open(site + path)
        tab.picture(tmp_path / "small.png", width=900, height=700)
        assert tab.ask("document.documentElement.scrollWidth <= innerWidth"), name
