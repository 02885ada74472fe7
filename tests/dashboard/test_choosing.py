"""Review, failures, export builder and data quality, page by page."""

import json
import re
import shlex
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.dashboard.conftest import form_token
from trajectories.exports import export
from trajectories.exports.preview import preview
from trajectories.marks import mark_task, recent_marks
from trajectories.store import Store


def test_the_preview_is_what_the_export_writes(filled: Store, tmp_path: Path) -> None:
    for to in ("trl", "dpo", "reward"):
        seen = preview(filled, to=to, include_findings=True, limit=50)
        manifest = export(filled, to=to, out=tmp_path / to, include_findings=True)
        for name in ("train", "test"):
            lines = (tmp_path / to / f"{name}.jsonl").read_text().splitlines()
            assert [row.text for row in seen.rows if row.file == name] == lines[:50]
        assert seen.is_whole and len(seen.rows) == manifest.rollouts
        assert seen.left_out == manifest.left_out


def test_the_builder_shows_rows_counts_and_the_command(client: TestClient, filled: Store) -> None:
    (suite,) = filled.suites()
    mark_task(filled, suite.hash, "sqlparse-clamp", value="bad", reason="x", who="Ada")
    shown = client.get("/exports", params={"look": "1", "to": "trl", "where": "agent = 'react'", "limit": "1"})
    assert shown.status_code == 200
    assert re.search(r'data-left-out="marks">4<', shown.text)
    assert re.search(r'data-left-out="findings">2<', shown.text)
    command = unescape(re.search(r'id="command".*?<pre>(.*?)</pre>', shown.text, re.DOTALL)[1])  # type: ignore[index]
    assert shlex.split(command) == [
        "gristmill",
        "export",
        "--to",
        "trl",
        "--out",
        "export",
        "--where",
        "agent = 'react'",
    ]
    row = unescape(re.search(r"characters</summary><pre>(.*?)</pre>", shown.text, re.DOTALL)[1])  # type: ignore[index]
    assert json.loads(row)["task_id"] == "sqlparse-split"
    assert filled.exports() == []


@pytest.mark.parametrize(
    "field, told", [("where", "--where"), ("to", "export format"), ("limit", "limit"), ("attempts", "attempts")]
)
def test_what_cannot_be_exported_is_told(client: TestClient, field: str, told: str) -> None:
    shown = client.get("/exports", params={"look": "1", field: "nonsense!"})
    assert shown.status_code == 400
    assert told in unescape(shown.text)


def test_failures_are_grouped(client: TestClient) -> None:
    shown = client.get("/failures")
    assert "11 rollouts failed" in shown.text and shown.text.count('id="cluster-') == 1
    assert "Nothing failed that the filter accepts" in client.get("/failures", params={"where": "task = 'x'"}).text
    assert client.get("/failures", params={"where": "nonsense"}).status_code == 400


def test_quality_says_what_is_known_and_what_is_not(make_client: Callable[..., TestClient], tmp_path: Path) -> None:
    assert "Not measured: no suite folder was given" in make_client().get("/quality").text
    rejections = {"survived": 4, "duplicate": 2, "near duplicate": 1, "flaky": 3}
    yields = [{"generator": "procedural", "candidates": 20, "accepted": 10, "rejections": rejections}]
    manifest = {
        "name": "night",
        "version": "1",
        "hash": "0" * 64,
        "tasks": {},
        "provenance": {"result": {"yields": yields}},
    }
    (tmp_path / "suite.json").write_text(json.dumps(manifest))
    text = make_client(suites=(tmp_path, tmp_path / "none")).get("/quality").text
    row = re.sub(r"<[^>]+>", " ", re.search(r"<td>procedural</td>.*?</tr>", text)[0])  # type: ignore[index]
    assert row.split()[:7] == ["procedural", "20", "10", "50", "%", "3", "3"]
    outcomes = re.sub(r"<[^>]+>", " ", text.split('id="outcomes"')[1].split("<tbody>")[1].split("</tbody>")[0])
    assert outcomes.split()[2:4] == ["24", "1"] and "not measured" in outcomes


def test_marks_need_a_form_and_a_dashboard_that_writes(make_client: Callable[..., TestClient], filled: Store) -> None:
    (row,) = filled.rollouts(limit=1)
    where = f"/review/rollouts/{row.id}"
    client = make_client()
    assert client.post(where, data={"label": "good"}).status_code == 403
    csrf = form_token(client)
    assert client.post(where, data={"label": "<b>", "csrf": csrf}).status_code == 400
    assert client.post("/review/rollouts/none", data={"label": "good", "csrf": csrf}).status_code == 404
    assert client.post(where, data={"label": "good", "csrf": csrf}).url.path == f"/rollouts/{row.id}"
    (mark,) = recent_marks(filled)
    assert (mark.value, mark.who) == ("good", "Ada")
    assert "good" in client.get("/review").text
    reader = make_client(is_read_only=True)
    refused = reader.post(where, data={"label": "bad", "csrf": form_token(reader)})
    assert refused.status_code == 403 and "read-only" in refused.text
    assert 'name="label"' not in reader.get(f"/rollouts/{row.id}").text


def test_rollouts_that_are_not_there(client: TestClient) -> None:
    assert client.get("/rollouts/none").status_code == 404
    assert client.get("/rollouts/x'%20or%20'1'='1").status_code == 404
    assert client.get("/compare?left=a&right=b").status_code == 404


def test_files_of_a_rollout_are_downloaded(client: TestClient, filled: Store) -> None:
    (row,) = filled.rollouts(limit=1)
    for kind in ("html", "json"):
        answer = client.get(f"/rollouts/{row.id}.{kind}")
        assert answer.headers["content-disposition"] == f"attachment; filename=rollout-{row.id}.{kind}"
    assert client.get(f"/rollouts/{row.id}.json").json()["key"]["task_id"] == row.task_id
