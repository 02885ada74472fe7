"""The page of a task whose suite's folder the dashboard knows: what it asks for, its reference, tests and origin."""

import html
from collections.abc import Callable
from pathlib import Path

from fastapi.testclient import TestClient

from flows.rollout import register
from tasks.folder import RepositoryTask
from tasks.repository import Repository
from tasks.suite import SuiteWriter, open_suite
from trajectories.store import Store


def test_a_task_is_shown_whole_where_its_folder_is_known(
    make_client: Callable[..., TestClient],
    filled: Store,
    tiny_draft: RepositoryTask,
    tiny_repository: Repository,
    tmp_path: Path,
    session_cache: Path,
) -> None:
    """Instruction, coloured reference, every test (shown or hidden) and provenance of a real suite's task."""
    failing = [str(test) for test in tiny_draft.verifier_data.fail_to_pass]
    data = tiny_draft.verifier_data.model_copy(update={"is_withheld": True})
    measured = {**tiny_draft.provenance.details, "difficulty": {"files": 1, "lines": 2, "tests": 3, "distance": 1}}
    changes = {
        "verifier_data": data,
        "instruction": "Mend <clamp> & co.",
        "provenance": tiny_draft.provenance.model_copy(update={"details": measured}),
    }
    writer = SuiteWriter(tmp_path / "tiny", name="tiny")
    writer.add(tiny_draft.model_copy(update=changes), tiny_repository)
    manifest = writer.finish({"seed": 1})
    register(open_suite(tmp_path / "tiny", cache=session_cache), filled)

    client = make_client(suites=(tmp_path / "tiny",), cache=session_cache)
    listed = client.get("/tasks", params={"suite": manifest.hash}).text
    assert f"/tasks/{manifest.hash}/{tiny_draft.id}" in listed
    shown = client.get(f"/tasks/{manifest.hash}/{tiny_draft.id}")
    assert shown.status_code == 200
    assert "Mend &lt;clamp&gt; &amp; co." in shown.text and "<clamp>" not in shown.text
    assert 'tinylib/numbers.py <span class="plus">+1</span> <span class="minus">\u22121</span>' in shown.text
    assert '<span class="del">-        return low' in shown.text
    assert '<span class="add">+        return high' in shown.text
    assert f"{len(failing)} must come to pass" in shown.text
    assert all(f"<code>{html.escape(test)}</code>" in shown.text for test in failing)
    assert shown.text.count(">hidden</span>") == len(failing) > 0
    assert "<dt>files</dt><dd>1</dd><dt>lines</dt><dd>2</dd>" in shown.text
    facts = html.unescape(shown.text.split("<h2>Provenance</h2>")[1])
    assert tiny_draft.provenance.source_hash in facts and tiny_draft.provenance.source in facts


def test_a_folder_that_is_of_another_version_is_not_taken_for_it(
    make_client: Callable[..., TestClient], tmp_path: Path
) -> None:
    client = make_client(suites=(tmp_path / "gone",))
    (suite,) = client.app.state.config.store.suites()  # type: ignore[attr-defined]
    assert "start the dashboard with --suite FOLDER" in client.get(f"/tasks/{suite.hash}/shop-buy").text
