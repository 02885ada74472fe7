"""The trajectory viewer as a person uses it, in a real headless Chromium."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn

from dashboard.app import create_app
from dashboard.config import DashboardConfig
from dashboard.standalone import standalone
from tests.dashboard.chromium import Page, chromium, program
from tests.dashboard.conftest import TOKEN
from tests.dashboard.making import hostile_rollout, long_rollout
from trajectories.marks import marks_of
from trajectories.rollout import Rollout
from trajectories.store import Store, open_store

LONG, HOSTILE = long_rollout("long", 600), hostile_rollout("hostile")

pytestmark = pytest.mark.skipif(program() is None, reason="no Chromium is installed: apt-get install -y chromium")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(tmp_path_factory.mktemp("viewer")) as opened:
        for rollout in (LONG, HOSTILE):
            opened.record(rollout)
        yield opened


@pytest.fixture(scope="module")
def site(store: Store) -> Iterator[str]:
    """The dashboard's address; it is served by a thread."""
    listening = socket.create_server(("127.0.0.1", 0))
    app = create_app(DashboardConfig(store=store, token=TOKEN))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=20)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Page]]:
    with chromium(tmp_path_factory.mktemp("chromium")) as new:
        yield new


@pytest.fixture
def page(site: str, browser: Callable[[], Page]) -> Page:
    """A tab in which Ada is signed in."""
    tab = browser()
    tab.open(f"{site}/login")
    if tab.ask("location.pathname") == "/login":
        tab.click("[name=token]")
        tab.write(TOKEN)
        tab.click("[name=name]")
        tab.write("Ada")
        tab.press("Enter")
        tab.wait("location.pathname === '/'")
    return tab


def path(rollout: Rollout) -> str:
    return f"/rollouts/{rollout.key.id}"


CURRENT = "document.querySelector('.step.current')?.dataset.step"
LOADED = "document.querySelectorAll('.step').length"


def test_steps_are_loaded_when_they_are_looked_at(page: Page, site: str) -> None:
    page.open(site + path(LONG))
    assert page.ask(LOADED) == 50
    assert page.ask("document.querySelectorAll('.page.waiting').length") == 11
    page.ask("document.querySelector('.page.waiting').scrollIntoView()")
    page.wait(f"{LOADED} >= 100")
    assert page.ask(LOADED) < 600
    assert page.told == []


def test_a_link_leads_to_its_step(page: Page, site: str) -> None:
    page.open(f"{site}{path(LONG)}#step-417")
    page.wait(f"{CURRENT} === '417'")
    page.wait("(y => y >= 0 && y < innerHeight)(document.querySelector('.current').getBoundingClientRect().top)")
    page.ask("location.hash = '#step-3'")
    page.wait(f"{CURRENT} === '3'")


def test_the_keyboard_moves_folds_and_helps(page: Page, site: str) -> None:
    page.open(site + path(LONG))
    for _ in range(3):
        page.press("j")
    page.press("k")
    assert page.wait(CURRENT) == "2"
    assert page.ask("location.hash") == "#step-2"
    page.press("o")
    page.wait("document.querySelector('#step-2 details.call').open")
    assert not page.ask("document.querySelector('#step-3 details.call').open")
    page.press("o")
    page.wait("!document.querySelector('#step-2 details.call').open")
    page.press("G")
    page.wait(f"{CURRENT} === '600'")
    page.press("?")
    page.wait("document.getElementById('help').open")
    page.press("Escape")
    page.wait("!document.getElementById('help').open")


def test_j_goes_on_where_the_loaded_steps_end(page: Page, site: str) -> None:
    page.open(f"{site}{path(LONG)}#step-300")
    page.wait(f"{CURRENT} === '300'")
    page.press("j")
    page.wait(f"{CURRENT} === '301'")


def test_search_finds_what_is_not_loaded(page: Page, site: str) -> None:
    page.open(site + path(LONG))
    page.press("/")
    page.write("MESSAGE 599")
    page.wait("document.querySelectorAll('#found a').length === 1")
    page.press("Escape")
    page.press("n")
    page.wait(f"{CURRENT} === '599'")
    page.wait("CSS.highlights.get('found').size > 0")
    page.press("/")
    page.write("needle")
    page.wait("document.querySelector('#found mark')?.textContent === 'needle'")
    page.ask("document.querySelector('#found a').click()")  # steps that are loaded meanwhile move the place
    page.wait(f"{CURRENT} === '7' && document.querySelector('#step-7 details.call').open")


def test_parts_can_be_filtered_and_the_address_keeps_it(page: Page, site: str) -> None:
    page.open(site + path(LONG))
    shown = "getComputedStyle(document.querySelector('#step-2 .part.reasoning')).display !== 'none'"
    assert page.ask(shown)
    page.click("[data-part=reasoning]")
    page.wait(f"!({shown}) && location.search === '?hide=reasoning'")
    page.open(page.ask("location.href"))
    assert not page.ask(shown)
    assert not page.ask("document.querySelector('[data-part=reasoning]').checked")


def test_nothing_that_an_agent_writes_runs(page: Page, site: str) -> None:
    for where in (path(HOSTILE), f"/compare?left={HOSTILE.key.id}&right={HOSTILE.key.id}", "/failures",
                  "/exports?look=1&to=reward&include_failures=true&attempts=include", "/review"):  # fmt: skip
        page.told.clear()
        page.open(site + where)
        page.ask("document.querySelectorAll('details').forEach(each => { each.open = true })")
        assert page.ask("window.owned ?? null") is None, where
        assert page.ask("document.querySelectorAll('main script, main img[onerror], a[href^=javascript]').length") == 0
        assert page.told == [], where
    page.open(site + path(HOSTILE))
    page.press("/")
    page.write("onerror")
    page.wait("document.querySelectorAll('#found a').length > 3")
    assert page.ask("window.owned ?? null") is None


def test_marks_are_made_and_undone(page: Page, site: str, store: Store) -> None:
    page.open(site + path(LONG))
    page.click("textarea[name=note]")
    page.write("goes in circles <b>")
    page.click("button[value=bad]")
    page.wait("document.getElementById('label')?.textContent === 'bad'")
    assert "goes in circles <b>" in page.ask("document.querySelector('.history').textContent")
    (mark,) = marks_of(store, "suite", "long", LONG.key.id)
    assert (mark.value, mark.who) == ("bad", "Ada")
    page.click("#review details summary")
    page.click("textarea[name=reason]")
    page.write("its test is wrong")
    page.click("form[action='/review/tasks'] button[value=bad]")
    page.wait("document.getElementById('task-mark')?.textContent === 'bad'")
    assert store.count("task_mark = 'bad' and label = 'bad'") == 1
    for undone in (1, 2):
        page.click(".history form button")
        page.wait(f"document.querySelectorAll('.history .withdrawn').length === {undone}")
    assert store.count("task_mark = '' and label = ''") == 2


@pytest.mark.parametrize("rollout", [LONG, HOSTILE], ids=["long", "hostile"])
def test_one_file_works_without_a_server(browser: Callable[[], Page], tmp_path: Path, rollout: Rollout) -> None:
    file = tmp_path / "rollout.html"
    file.write_text(standalone(rollout), encoding="utf-8")
    tab = browser()
    tab.open(f"{file.as_uri()}#step-2")
    tab.wait(f"{CURRENT} === '2'")
    assert tab.ask(LOADED) == len(rollout.trajectory.steps)
    tab.press("j")
    tab.wait(f"{CURRENT} === '3'")
    tab.press("/")
    tab.write("reasoning 3")
    tab.wait("document.querySelectorAll('#found a').length >= 1")
    assert tab.ask("getComputedStyle(document.querySelector('.step')).borderLeftWidth") == "4px"
    assert tab.ask("window.owned ?? null") is None
    assert tab.told == []
