"""What Prefect's API tells of runs: plain HTTP, kept for some seconds, so that no page waits for it twice."""

import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

KEPT_SEC = 3.0
TIMEOUT_SEC = 1.5
MOST = 12  # runs that are shown
SANDBOXES = "gristmill-sandboxes"  # the limit that runs hold for their sandboxes


@dataclass(frozen=True)
class FlowRun:
    """One run of a flow. `done` of `begun`: its task runs, batches of rollouts among them.

    `percent` and `progress` (how many of how many, and how fast) as the run itself tells them; None where it does not.
    """

    id: str
    name: str
    state: str
    kind: str
    started: datetime | None
    scheduled: datetime | None
    deployment: str
    parameters: str
    done: int = 0
    begun: int = 0
    percent: float | None = None
    progress: str = ""


@dataclass(frozen=True)
class PrefectState:
    """Runs that are under way or failed lately, newest first. `fault`: why nothing is known."""

    live: tuple[FlowRun, ...] = ()
    lately: tuple[FlowRun, ...] = ()
    sandboxes_in_use: int | None = None
    sandboxes_limit: int | None = None
    fault: str = ""


class Prefect:
    """Of one API (`http://…/api`); safe for many threads."""

    def __init__(self, api: str) -> None:
        self._api = api.rstrip("/")
        self._lock = threading.Lock()
        self._kept = PrefectState()
        self._until = 0.0

    def state(self) -> PrefectState:
        """At most KEPT_SEC old. Never raises: what is wrong is in `fault`."""
        if not self._api:
            return PrefectState(fault="No Prefect server is known: set PREFECT_API_URL, or use `gristmill up`.")
        with self._lock:
            if time.monotonic() >= self._until:
                try:
                    with httpx.Client(base_url=self._api, timeout=TIMEOUT_SEC, trust_env=False) as client:
                        self._kept = _ask(client)
                except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
                    self._kept = PrefectState(fault=f"Prefect at {self._api} does not answer: {error or type(error)}")
                self._until = time.monotonic() + KEPT_SEC
            return self._kept


def _ask(client: httpx.Client) -> PrefectState:
    live = _runs(client, ["RUNNING", "PENDING", "CANCELLING", "PAUSED"], "START_TIME_DESC")
    lately = _runs(client, ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"], "END_TIME_DESC")
    used, limit = _sandboxes(client)
    told = told_progress(client, [run.id for run in live])
    return PrefectState(
        live=tuple(_with_progress(client, run, told.get(run.id, (None, ""))) for run in live),
        lately=tuple(lately[:6]),
        sandboxes_in_use=used,
        sandboxes_limit=limit,
    )


def _runs(client: httpx.Client, states: list[str], sort: str) -> list[FlowRun]:
    asked = {"flow_runs": {"state": {"type": {"any_": states}}}, "sort": sort, "limit": MOST}
    return [_run(each) for each in _post(client, "/flow_runs/filter", asked)]


def _run(data: dict[str, Any]) -> FlowRun:
    def moment(name: str) -> datetime | None:
        text = data.get(name)
        return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None

    request = data.get("parameters", {}).get("request", data.get("parameters", {}))
    told = [
        str(request[name]) for name in ("suite", "source", "out") if isinstance(request, dict) and request.get(name)
    ]
    return FlowRun(
        id=str(data["id"]),
        name=str(data.get("name", "")),
        state=str(data.get("state_name") or data.get("state_type") or ""),
        kind=str(data.get("state_type") or "").lower(),
        started=moment("start_time"),
        scheduled=moment("expected_start_time"),
        deployment=str(data.get("deployment_id") or ""),
        parameters=" · ".join(told)[:120],
    )


def told_progress(client: httpx.Client, ids: list[str]) -> dict[str, tuple[float | None, str]]:
    """By run: percent and text of its newest progress artifact."""
    if not ids:
        return {}
    asked = {"artifacts": {"flow_run_id": {"any_": ids}, "type": {"any_": ["progress"]}}, "sort": "UPDATED_DESC"}
    found: dict[str, tuple[float | None, str]] = {}
    for each in _post(client, "/artifacts/filter", asked):
        found.setdefault(str(each["flow_run_id"]), (float(each["data"]), str(each.get("description") or "")))
    return found


def _with_progress(client: httpx.Client, run: FlowRun, told: tuple[float | None, str]) -> FlowRun:
    of_run = {"flow_runs": {"id": {"any_": [run.id]}}}
    completed = {**of_run, "task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
    done, begun = _post(client, "/task_runs/count", completed), _post(client, "/task_runs/count", of_run)
    return FlowRun(**{**vars(run), "done": int(done), "begun": int(begun), "percent": told[0], "progress": told[1]})


def _sandboxes(client: httpx.Client) -> tuple[int | None, int | None]:
    for each in _post(client, "/v2/concurrency_limits/filter", {"limit": 200}):
        if each["name"] == SANDBOXES:
            return int(each.get("active_slots", 0)), int(each["limit"])
    return None, None


def _post(client: httpx.Client, path: str, asked: dict[str, Any]) -> Any:
    return client.post(path, json=asked).raise_for_status().json()
