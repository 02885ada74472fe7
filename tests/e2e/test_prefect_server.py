"""With a Prefect server of the user's, its API has the runs, their task runs, and the artifacts."""

import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboard.prefect_runs import told_progress
from flows.api import prefect_api
from tests.e2e.conftest import GRISTMILL

PIPELINE = """
generate: {{source: {source}, out: suite, n: 2, seed: 1, generators: [flip_comparison, change_operator]}}
rollout: [{{agent: oracle}}, {{agent: nop}}]
export: [{{to: ms-swift, out: export, include_privileged: true}}]
"""


def ask(url: str, what: str) -> list[dict[str, Any]]:
    found = httpx.post(f"{url}/{what}/filter", json={}, timeout=30)
    found.raise_for_status()
    rows: list[dict[str, Any]] = found.json()
    return rows


def test_a_users_server_shows_the_runs(
    tmp_path: Path,
    environment: dict[str, str],
    tiny_folder: Path,
    session_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "pipeline.yaml").write_text(PIPELINE.format(source=tiny_folder))
    with prefect_api(tmp_path / "server", cache=session_cache) as url:
        done = subprocess.run(
            [GRISTMILL, "run", "pipeline.yaml"],
            cwd=tmp_path,
            env={**environment, "PREFECT_API_URL": url, "PREFECT_HOME": str(tmp_path / "client")},
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stderr
        states = {run["name"].split()[0]: run["state_type"] for run in ask(url, "flow_runs")}
        assert states == dict.fromkeys(("pipeline", "generate", "rollout", "export"), "COMPLETED")
        assert any(run["name"].startswith("rollouts 1 of") for run in ask(url, "task_runs"))
        artifacts = {artifact["key"]: artifact for artifact in ask(url, "artifacts")}
        assert {"yield", "pass-rates", "rollouts", "tasks", "export"} <= set(artifacts)
        runs = {run["name"].split()[0]: run["id"] for run in ask(url, "flow_runs")}
        with httpx.Client(base_url=url) as client:
            told = told_progress(client, [runs["generate"], runs["rollout"]])
        assert [told[runs[name]][0] for name in ("generate", "rollout")] == [100.0, 100.0]
        assert told[runs["rollout"]][1].startswith("4 of 4 rollouts, ")
    assert not (tmp_path / "store" / "prefect" / "server.log").exists(), "no server of our own was started"
