"""What agents, models and tasks wrote is shown and does nothing: in a real Chromium no script runs, nothing is asked
of another machine."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from dashboard.app import create_app
from dashboard.config import DashboardConfig
from tasks.audit.finding import Finding
from tasks.task import Provenance
from tests.trajectories.conftest import make_rollout
from trajectories.atif import Observation, ObservationResult, Step, ToolCall, Trajectory
from trajectories.rollout import RolloutKey
from trajectories.store import Store, open_store

from .chromium import Page, chromium, program
from .conftest import NOW, TOKEN

ELSEWHERE = "http://203.0.113.7"  # RFC 5737: nobody's
PAYLOADS = (
    f"<script>window.pwned = 1; fetch('{ELSEWHERE}/script')</script>",
    f'<img src="{ELSEWHERE}/image" onerror="window.pwned = 2">',
    '"><svg onload="window.pwned = 3">',
    "' autofocus onfocus='window.pwned = 4' x='",
    f'<div hx-get="{ELSEWHERE}/htmx" hx-trigger="load" hx-on:load="window.pwned = 5">',
    f'<link rel="stylesheet" href="{ELSEWHERE}/style"><style>@import "{ELSEWHERE}/import"</style>',
    f'<meta http-equiv="refresh" content="0;url={ELSEWHERE}/refresh">',
    f'<base href="{ELSEWHERE}/"><iframe srcdoc="<script>parent.pwned = 6</script>"></iframe>',
    "</pre></textarea></title></style></script><script>window.pwned = 7</script>",
    "javascript:window.pwned=8",
    "{{ 7 * 7 }}{% raw %}",
    "\u202egnp.exe\x00\x1b[31m",
)
HOSTILE = "\n".join(PAYLOADS)
TASK = "<img src=x onerror=window.pwned=9>/../\"'?#&"
SUITE = '"><script>window.pwned=10</script>'

pytestmark = pytest.mark.skipif(program() is None, reason="no Chromium: apt-get install -y chromium")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, str]]:
    """A store in which every text that others write is hostile; and the id of the rollout."""
    with open_store(tmp_path_factory.mktemp("hostile")) as store:
        safe = HOSTILE.replace("\x00", "")
        provenance = Provenance(
            source=safe, source_hash="5" * 64, license=safe, repository=safe, details={"symbol": safe, "n": [safe]}
        )
        store.register_suite(hash=SUITE, name=safe, version=safe, tasks=[(TASK, safe, provenance)])
        finding = Finding(task_id=TASK, kind="text", place=safe, evidence=safe)
        store.record_audit(SUITE, [TASK], [finding], NOW)
        call = ToolCall(tool_call_id="c", function_name=safe, arguments={safe: safe})
        steps = (
            Step(step_id=1, source="user", message=HOSTILE),
            Step(
                step_id=2, source="agent", message=HOSTILE, reasoning_content=HOSTILE, tool_calls=(call,),
                observation=Observation(results=(ObservationResult(source_call_id="c", content=HOSTILE),)),
            ),
        )  # fmt: skip
        plain = make_rollout()
        trajectory = Trajectory(session_id="s", agent=plain.trajectory.agent, steps=steps)
        key = RolloutKey(suite_hash=SUITE, task_id=TASK, agent=safe, model=safe, backend=safe)
        diff = f"diff --git a/x b/x\n--- a/x\n+++ b/{PAYLOADS[0]}\n@@ -0,0 +1,1 @@\n+{PAYLOADS[1]}\n"
        store.record(
            plain.model_copy(
                update={
                    "key": key, "family": safe, "ending_detail": safe, "diff": diff, "trajectory": trajectory,
                    "started_at": NOW.isoformat(), "provenance": {"repository": safe, "license": safe},
                }
            )
        )  # fmt: skip
        yield store, key.id


@pytest.fixture(scope="module")
def served(hostile: tuple[Store, str]) -> Iterator[str]:
    """URL of the dashboard, served for real."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app = create_app(DashboardConfig(hostile[0], TOKEN))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=10)


class Watched(Page):
    """A tab that notes every request."""

    def __init__(self, connection: Any) -> None:
        self.asked: list[str] = []
        self.blocked: list[str] = []
        """Why requests were stopped before they left."""
        super().__init__(connection)
        self.send("Network.enable")

    def _hear(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Network.requestWillBeSent":
            self.asked.append(message["params"]["request"]["url"])
        if message.get("method") == "Network.loadingFailed":
            self.blocked.append(message["params"].get("blockedReason", "not blocked"))
        super()._hear(message)


@pytest.fixture(scope="module")
def tab(served: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Signed in, as a person does it: by the form."""
    with chromium(tmp_path_factory.mktemp("chromium")) as new_tab:
        page = Watched(new_tab()._connection)
        page.open(f"{served}/rollouts")
        page.wait("location.pathname === '/login' && document.activeElement?.name === 'token'")
        page.write(TOKEN)
        page.press("Enter")
        page.wait("location.pathname === '/rollouts' && document.readyState === 'complete'")
        yield page


def test_the_login_refuses_another_token_and_its_cookie_is_out_of_reach_of_scripts(tab: Watched, served: str) -> None:
    assert tab.ask("document.cookie") == ""
    cookies = tab.send("Network.getCookies", urls=[served])["cookies"]
    assert [(c["name"], c["httpOnly"], c["sameSite"]) for c in cookies] == [("gristmill_session", True, "Strict")]


def test_nothing_of_it_runs_or_is_loaded(tab: Watched, served: str, hostile: tuple[Store, str]) -> None:
    from dashboard.app import PAGES
    from dashboard.wording import task_url

    rollout = f"/rollouts/{hostile[1]}"
    menu = [module.MENU[1] for module in PAGES if hasattr(module, "MENU")]
    tab.asked.clear()
    for path in (*menu, task_url(SUITE, TASK), rollout, "/rollouts?where=%3Cscript%3Ealert(1)%3C/script%3E"):
        tab.open(served + path)
        tab.ask("new Promise(done => setTimeout(done, 150))")
        assert tab.ask("window.pwned") is None, path
        assert tab.ask("location.origin") == served, path
        assert tab.ask("document.querySelectorAll('[onerror], [onload], [onfocus], iframe, base').length") == 0, path
        # Scripts are the dashboard's own files.
        assert tab.ask("[...document.scripts].every(s => s.getAttribute('src')?.startsWith('/static/'))"), path
    assert [url for url in tab.asked if not url.startswith((served, "about:", "data:image/svg"))] == []
    # Nothing stopped by the policy either: the texts are texts, not elements that the policy had to stop.
    assert [line for line in tab.told if "Content Security Policy" in line or "Refused" in line] == []


def test_the_texts_are_shown_as_they_are(tab: Watched, served: str) -> None:
    from dashboard.wording import task_url

    tab.open(served + task_url(SUITE, TASK))
    assert tab.ask("document.querySelector('h1').textContent") == TASK
    assert PAYLOADS[0] in tab.ask("document.body.textContent")
    assert "{{ 7 * 7 }}" in tab.ask("document.body.textContent")


def test_the_policy_alone_would_stop_it_too(tab: Watched, served: str) -> None:
    """Were something not escaped one day: an element put into the page by hand neither runs nor loads."""
    tab.open(served + "/rollouts")
    tab.asked.clear()
    tab.blocked.clear()
    tab.ask(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.pwned = 11';"
        " document.body.append(s); const i = document.createElement('img');"
        f" i.src = '{ELSEWHERE}/i'; i.setAttribute('onerror', 'window.pwned = 12'); document.body.append(i); }})()"
    )
    tab.ask("new Promise(done => setTimeout(done, 200))")
    assert tab.ask("window.pwned") is None
    assert tab.asked == [f"{ELSEWHERE}/i"] and tab.blocked == ["csp"]


def test_charts_and_the_live_part_work_under_the_policy(tab: Watched, served: str, tmp_path: Path) -> None:
    tab.told.clear()
    tab.open(served + "/")
    tab.wait("document.querySelector('.chart canvas') !== null")
    tab.ask("htmx.trigger('#live', 'every'), htmx.ajax('GET', '/parts/live', '#live')")
    tab.wait("document.querySelector('#live .chart canvas') !== null")
    assert tab.told == []
