"""The dashboard beside the server and the workers of `gristmill up`."""

import sys
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from flows.deployments.processes import Daemon, State, end, is_alive, start, tail
from flows.errors import ApiUnavailable, UsageError
from flows.place import Place

DASHBOARD = "dashboard"
STARTUP_SEC = 60.0
GRACE_SEC = 5.0


def has_dashboard() -> None:
    """Raises UsageError where this installation has none."""
    if find_spec("flows.cli.dashboard") is None or find_spec("dashboard.app") is None:
        raise UsageError("dashboard: this Gristmill has none; leave it out")


def keep_dashboard(
    port: int, place: Place, *, state: State, folder: Path, env: Mapping[str, str], cwd: Path
) -> tuple[State, bool]:
    """The state with a dashboard that answers on that port, and whether it was started now.

    One on another port is ended first. Raises ApiUnavailable with the end of its log where it does not come up.
    """
    before = state.alive(DASHBOARD)
    if before is not None and state.dashboard_port == port:
        return state, False
    if before is not None:
        end([before.pid], GRACE_SEC)
    daemon = _start(port, place, state=state, folder=folder, env=env, cwd=cwd)
    kept = tuple(other for other in state.daemons if other.name != DASHBOARD)
    return state.model_copy(update={"daemons": (*kept, daemon), "dashboard_port": port}), True


def _start(port: int, place: Place, *, state: State, folder: Path, env: Mapping[str, str], cwd: Path) -> Daemon:
    """`gristmill dashboard`, told of this server."""
    run = "from flows.cli import main; main()"
    command = [sys.executable, "-P", "-c", run, "dashboard", "--port", str(port), "--store", place.store]
    return start(DASHBOARD, command, folder=folder, env={**env, "PREFECT_API_URL": state.url}, cwd=cwd)


def wait_for_dashboard(state: State) -> None:
    """Until it answers. Raises ApiUnavailable with the end of its log."""
    import httpx

    daemon = next((one for one in state.daemons if one.name == DASHBOARD), None)
    deadline = time.monotonic() + STARTUP_SEC
    while daemon is not None and is_alive(daemon) and time.monotonic() < deadline:
        try:
            if httpx.get(f"{dashboard_url(state)}/health", timeout=5, trust_env=False).status_code == 200 and is_alive(
                daemon
            ):
                return
        except httpx.HTTPError:
            pass  # not up yet: the deadline decides
        time.sleep(0.1)
    raise ApiUnavailable(f"the dashboard did not come up at {dashboard_url(state)}:\n{tail(daemon) if daemon else ''}")


def dashboard_url(state: State) -> str:
    """Where it is looked at; empty where none was started."""
    return f"http://127.0.0.1:{state.dashboard_port}" if state.dashboard_port else ""
