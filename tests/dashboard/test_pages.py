"""Each page of a small store, as a person would find their way."""

import html
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fastapi.testclient import TestClient

from dashboard.prefect_runs import FlowRun, PrefectState
from tests.trajectories.conftest import make_rollout
from trajectories.counting import Rate
from trajectories.store import Store

from .conftest import SUITE


def links(text: str) -> list[str]:
    return [html.unescape(found) for found in re.findall(r'href="([^"]+)"', text)]


def ids(text: str) -> list[str]:
    return re.findall(r'class="id" href="/rollouts/([0-9a-f]{16})"', text)


def test_overview_counts_what_is_in_the_store(client: TestClient) -> None:
    shown = client.get("/")
    assert shown.status_code == 200
    assert "<b>24</b><span>rollouts</span>" in shown.text
    assert "<b>52 %</b><span>solved</span>" in shown.text  # 12 of 23
    assert "50 % with infrastructure errors" in shown.text  # 12 of 24
    assert "No Prefect server is known" in shown.text
    part = client.get("/parts/live", headers={"hx-request": "true"})
    assert part.status_code == 200 and "<html" not in part.text and "<b>24</b>" in part.text


def test_a_run_under_way_says_how_far_it_is(client: TestClient) -> None:
    """As tests/e2e/test_up.py sees it told by a real server."""
    run = FlowRun(
        id="7",
        name="rollout night",
        state="Running",
        kind="running",
        started=datetime.now(UTC),
        scheduled=None,
        deployment="",
        parameters="suites/night",
        percent=40.0,
        progress="80 of 200 rollouts, 12 a minute",
    )
    application: Any = client.app
    application.state.prefect = SimpleNamespace(state=lambda: PrefectState(live=(run,)))
    shown = client.get("/parts/live").text
    assert '<progress max="100" value="40.0">' in shown
    assert "80 of 200 rollouts, 12 a minute" in shown


def test_every_link_of_the_menu_leads_to_a_page(client: TestClient) -> None:
    menu = re.search(r"<nav.*?</nav>", client.get("/").text, re.DOTALL)
    assert menu
    for link in links(menu[0]):
        assert client.get(link).status_code == 200, link


def test_a_suite_leads_to_its_tasks_and_a_task_to_its_rollouts(client: TestClient) -> None:
    suites = client.get("/suites").text
    assert "night" in suites and '<span class="pill warn">1</span>' in suites
    tasks = client.get(f"/tasks?suite={SUITE}").text
    assert tasks.index("shop-buy") < tasks.index("sqlparse-clamp")
    task = client.get(f"/tasks/{SUITE}/shop-buy").text
    assert "the answer is in the instruction" in task  # what the audit found
    assert "Apache-2.0" in task and "family:web_shop" in task
    assert len(ids(task)) == 6
    assert "start the dashboard with --suite FOLDER" in task


def test_tasks_by_family_prefix_and_page(client: TestClient) -> None:
    shop = client.get("/tasks?family=web_shop").text
    assert "shop-buy" in shop and "sqlparse-clamp" not in shop
    clamp = client.get("/tasks?prefix=sqlparse-c").text
    assert "sqlparse-clamp" in clamp and "sqlparse-split" not in clamp
    after = client.get(f"/tasks?after={SUITE}~shop-return").text
    assert "sqlparse-clamp" in after and "shop-buy" not in after


def test_rollouts_are_the_newest_first_and_in_pages_without_gap_or_repeat(client: TestClient, filled: Store) -> None:
    for number in range(60):
        filled.record(make_rollout("many", agent="nop", attempt=number, started_at="2026-01-01T00:00:00+00:00"))
    seen, path = [], "/rollouts"
    for _ in range(3):
        shown = client.get(path).text
        seen += ids(shown)
        older = [link for link in links(shown) if "after=" in link]
        if not older:
            break
        path = older[0]
    assert len(seen) == len(set(seen)) == 84
    assert [filled.load(seen[0]).started_at > filled.load(seen[1]).started_at] == [True]


def test_a_filter_that_cannot_be_read_is_told_beside_the_filter(client: TestClient) -> None:
    shown = client.get("/rollouts", params={"where": "colour = 'red'"})
    assert shown.status_code == 400
    assert "colour" in shown.text and 'value="colour = &#39;red&#39;"' in shown.text
    assert client.get("/rollouts?after=nonsense").status_code == 400


def test_every_number_of_the_matrix_leads_to_as_many_rollouts(client: TestClient) -> None:
    """Cells: 4 of 4 … and one that was lost."""
    shown = client.get("/matrix").text
    followed = 0
    for count, link in re.findall(r'of <a href="([^"]+)">(\d+)</a>', shown):
        listed = client.get(html.unescape(count)).text
        assert len(ids(listed)) == int(link)
        followed += 1
    assert followed == 9  # three agents with models, two families and all of them
    lost = next(
        link for link in links(shown) if "unknown = true" in parse_qs(urlsplit(link).query).get("where", [""])[0]
    )
    assert len(ids(client.get(lost).text)) == 1


def chart(text: str) -> dict[str, Any]:
    found = re.search(r'data-chart="([^"]+)"', text)
    assert found
    drawn: dict[str, Any] = json.loads(html.unescape(found[1]))
    return drawn


def test_the_share_solved_by_day_is_drawn_for_each_agent_and_model(client: TestClient) -> None:
    """The store's 23 known outcomes, 12 of them solved; of one family, half of the tasks."""
    drawn = chart(client.get("/matrix").text)
    assert [line["name"] for line in drawn["series"]] == ["react · large", "react · small", "repair · small"]
    points = [(y, n) for line in drawn["series"] for y, n in zip(line["y"], line["n"], strict=True) if n]
    assert sum(n for _, n in points) == 23
    assert round(sum(y * n / 100 for y, n in points)) == 12
    of_family = chart(client.get("/matrix?family=web_shop").text)
    assert sum(sum(line["n"]) for line in of_family["series"]) == 11
    assert drawn["x"] == sorted(set(drawn["x"])), "days"


def test_the_rate_with_infrastructure_errors_is_beside_the_one_without() -> None:
    rate = Rate(n=3, solved=2, unknown=1)
    assert rate.share == 2 / 3 and rate.share_of_all == 0.5
    assert rate.interval[0] < 2 / 3 < rate.interval[1]
    assert Rate().share is None


def test_metrics_for_prometheus(client: TestClient) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    found = {family.name: family for family in text_string_to_metric_families(answer.text)}
    counts = {
        tuple(s.labels[name] for name in ("agent", "model", "ending")): s.value
        for s in found["gristmill_rollouts"].samples
    }
    assert counts["repair", "small", "infrastructure_error"] == 1
    assert sum(counts.values()) == 24
    verdicts = {s.labels["verdict"]: 0.0 for s in found["gristmill_verdicts"].samples}
    for sample in found["gristmill_verdicts"].samples:
        verdicts[sample.labels["verdict"]] += sample.value
    assert verdicts == {"solved": 12, "failed": 11, "unknown": 1}
    assert found["gristmill_tasks"].samples[0].value == 4
    assert (
        abs(found["gristmill_last_rollout_timestamp_seconds"].samples[0].value - datetime.now(UTC).timestamp()) < 3600
    )


def test_health_is_open_and_tells_when_the_database_is_gone(
    make_client: Callable[..., TestClient], filled: Store
) -> None:
    client = make_client(sign_in=False)
    assert client.get("/health").json() == {"status": "ok"}


def test_what_is_not_there_is_told(client: TestClient) -> None:
    assert client.get("/nothing").status_code == 404
    gone = client.get(f"/tasks/{SUITE}/nothing")
    assert gone.status_code == 404 and "no task" in gone.text
