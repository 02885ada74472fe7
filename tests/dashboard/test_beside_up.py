"""The dashboard that `gristmill up` starts: a process of its own, started once, which answers."""

import os
from pathlib import Path

import httpx

from flows.deployments.dashboard import DASHBOARD, dashboard_url, keep_dashboard, wait_for_dashboard
from flows.deployments.processes import State, end
from flows.place import Place
from tests.e2e.helpers import free_port


def test_it_is_started_once_and_answers_to_the_kept_token(tmp_path: Path) -> None:
    place = Place(store=str(tmp_path / "store"), cache=tmp_path / "cache")
    before, port = State(url="http://127.0.0.1:9/api", is_own=False), free_port()
    asked = {"folder": tmp_path, "env": dict(os.environ), "cwd": tmp_path}
    state, is_new = keep_dashboard(port, place, state=before, **asked)  # type: ignore[arg-type]
    daemon = state.alive(DASHBOARD)
    assert is_new and daemon is not None
    try:
        wait_for_dashboard(state)
        again, is_new = keep_dashboard(port, place, state=state, **asked)  # type: ignore[arg-type]
        assert not is_new and again == state
        token = (tmp_path / "store" / "dashboard.token").read_text().strip()
        shown = httpx.get(dashboard_url(state) + "/", headers={"authorization": f"Bearer {token}"}, trust_env=False)
        assert shown.status_code == 200
        assert "Prefect at http://127.0.0.1:9/api does not answer" in shown.text
    finally:
        end([daemon.pid], 5)
    assert state.alive(DASHBOARD) is None
