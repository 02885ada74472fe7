"""`gristmill up`: a server and workers that outlive the command, and what the server is to hold.

`up` is safe to repeat: what runs is left running, what has died is started again, what has changed is changed.
"""

import os
import socket
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from flows.api import _copy_database as copy_database
from flows.api import users_own_server
from flows.deployments.dashboard import DASHBOARD, dashboard_url, has_dashboard, keep_dashboard, wait_for_dashboard
from flows.deployments.desired import desired
from flows.deployments.pools import WORKER_PACKAGES
from flows.deployments.processes import (
    Daemon,
    State,
    end,
    is_alive,
    read_state,
    start,
    tail,
    write_state,
)
from flows.deployments.spec import DeploymentsFile
from flows.ending import NAME as ENDING
from flows.errors import ApiUnavailable, UsageError
from flows.place import Place

SERVER = "server"
STARTUP_SEC = 180.0  # a new database: 14 s on a quiet 2-core machine
GRACE_SEC = 20.0  # a run that is told to end reports that, and its sandboxes end with it


class Up(BaseModel):
    """What `up` found and did. `changes`: see register.Change; `dashboard`: its URL, empty where there is none."""

    model_config = ConfigDict(frozen=True)

    url: str
    dashboard: str = ""
    started: tuple[str, ...]
    changes: tuple[dict[str, str], ...]
    deployments: int
    logs: Path

    @property
    def ui(self) -> str:
        """Prefect's own dashboard."""
        return self.url.removesuffix("/api")


def folder_of(place: Place) -> Path:
    """Where the server's database, state and logs are: below the store's folder."""
    root = Path(place.store) if "://" not in place.store else Path(".gristmill")
    return root.absolute() / "up"


def absolute(place: Place) -> Place:
    """Paths that mean the same in a worker's folder."""
    changes: dict[str, object] = {"cache": place.cache.absolute()}
    if "://" not in place.store:
        changes["store"] = str(Path(place.store).absolute())
    if place.blobs and "://" not in place.blobs:
        changes["blobs"] = str(Path(place.blobs).absolute())
    return place.model_copy(update=changes)


def bring_up(file: DeploymentsFile, *, place: Place, cwd: Path) -> Up:
    """Start what does not run and register. Raises ApiUnavailable with the end of the log of what did not start."""
    place = absolute(place)
    _has_workers(file)
    if file.dashboard is not None:
        has_dashboard()
    folder = folder_of(place)
    folder.mkdir(parents=True, exist_ok=True)
    state = read_state(folder)
    given = users_own_server()
    if state is not None and given is not None and state.is_own and state.alive(SERVER) and given != state.url:
        raise UsageError(f"PREFECT_API_URL is {given}, but {state.url} runs here already: `gristmill down` first")
    started: list[str] = []
    env = _environment(folder, file)
    if given is not None:
        known = state or State(url=given, is_own=False)
        state = State(url=given, is_own=False, daemons=known.daemons, held=known.held)
    elif state is None or not state.is_own or not state.alive(SERVER):
        state = _start_server(file, folder=folder, before=state, env=env, cache=place.cache, cwd=cwd)
        started.append(SERVER)
    write_state(folder, state)
    _wait_until_healthy(state, folder)
    state = _open_again(state, folder)

    from flows.deployments.register import api, crash_lost_runs, register

    wanted = desired(file, place=place.model_copy(update={"ending": folder / ENDING}), folder=cwd)
    with api(state.url) as client:
        if not any(is_alive(daemon) for daemon in state.daemons if daemon.name.startswith("worker-")):
            crash_lost_runs(client, wanted.own)
        changes = register(client, wanted, file, is_own=state.is_own)
    for name, pool in file.pools.items():
        worker = f"worker-{name}"
        if pool.worker and not state.alive(worker):
            daemon = _start_worker(worker, name, pool.type, state=state, folder=folder, env=env, cwd=cwd)
            kept = tuple(other for other in state.daemons if other.name != worker)
            state = state.model_copy(update={"daemons": (*kept, daemon)})
            write_state(folder, state)
            started.append(worker)
    if file.dashboard is not None:
        port = file.dashboard.port
        state, is_new = keep_dashboard(port, place, state=state, folder=folder, env=env, cwd=cwd)
        write_state(folder, state)
        started += [DASHBOARD] * is_new
    gone = [daemon for daemon in state.daemons if daemon.name not in _wanted_names(file)]
    if gone:
        from flows.deployments.draining import end_runs

        end_runs(state, folder, gone, grace_sec=place.grace_sec)
        end([daemon.pid for daemon in gone if is_alive(daemon)], GRACE_SEC)
        state = read_state(folder) or state  # without what was paused meanwhile
        state = state.model_copy(update={"daemons": tuple(one for one in state.daemons if one not in gone)})
        write_state(folder, state)
    _wait_for_workers(file, state)
    if file.dashboard is not None:
        wait_for_dashboard(state)
    return Up(
        url=state.url,
        dashboard=dashboard_url(state) if file.dashboard is not None else "",
        started=tuple(started),
        changes=tuple(change.model_dump() for change in changes),
        deployments=len(file.deployments),
        logs=folder,
    )


def _wanted_names(file: DeploymentsFile) -> set[str]:
    dashboard = {DASHBOARD} if file.dashboard is not None else set()
    return {SERVER, *dashboard, *(f"worker-{name}" for name, pool in file.pools.items() if pool.worker)}


def _has_workers(file: DeploymentsFile) -> None:
    for name, pool in file.pools.items():
        package = WORKER_PACKAGES.get(pool.type)
        if package and pool.worker:
            try:
                version(package)
            except PackageNotFoundError as error:
                raise UsageError(
                    f"pools.{name}: a worker for a {pool.type} pool needs {package}: pip install {package}; "
                    "or start one elsewhere and say `worker: false`"
                ) from error


def _environment(folder: Path, file: DeploymentsFile) -> dict[str, str]:
    """For server and workers: ours on top of the user's, so that keys of models reach the runs."""
    quiet = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PYTHONUNBUFFERED": "1"}
    return {
        **os.environ,
        **quiet,
        "PREFECT_HOME": str(folder),
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(int(file.server.heartbeat)),
        "PREFECT_WORKER_QUERY_SECONDS": os.environ.get("PREFECT_WORKER_QUERY_SECONDS", "5"),
    }


def _open_again(state: State, folder: Path) -> State:
    """What a `down` that was killed has left."""
    from flows.deployments.draining import release

    (folder / ENDING).unlink(missing_ok=True)
    return release(state, folder)


def _start_server(
    file: DeploymentsFile, *, folder: Path, before: State | None, env: dict[str, str], cache: Path, cwd: Path
) -> State:
    database, empty = folder / "prefect.db", cache / f"prefect-{version('prefect')}.db"
    if not database.exists() and empty.exists():
        copy_database(empty, database)
    with _listener(file.server.port, before.port if before else 0) as listener:
        port = listener.getsockname()[1]
        url = f"http://127.0.0.1:{port}/api"
        command = [sys.executable, "-P", "-m", "flows.deployments._server", str(listener.fileno())]
        ui = {"PREFECT_UI_API_URL": url, "PREFECT_SERVER_API_HOST": "127.0.0.1", "PREFECT_SERVER_API_PORT": str(port)}
        daemon = start(SERVER, command, folder=folder, env={**env, **ui}, cwd=cwd, fds=[listener.fileno()])
    others = tuple(one for one in before.daemons if one.name != SERVER) if before else ()
    held = before.held if before else ()
    return State(url=url, is_own=True, port=port, daemons=(daemon, *others), held=held)


def _listener(asked: int, before: int) -> socket.socket:
    """The port that is asked for; else the one of the last time, if it is still free; else any."""
    for port in [asked] if asked else [before, 0]:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            listener.close()
            if asked:
                raise UsageError(f"server.port: {asked} is taken ({error.strerror}); give another, or 0") from error
            continue
        listener.listen(256)
        return listener
    raise ApiUnavailable("no port of 127.0.0.1 is free")


def _start_worker(
    name: str, pool: str, kind: str, *, state: State, folder: Path, env: dict[str, str], cwd: Path
) -> Daemon:
    command = [sys.executable, "-P", "-m", "prefect", "worker", "start", "--pool", pool, "--type", kind]
    command += ["--name", f"gristmill-{socket.gethostname()}-{pool}", "--install-policy", "never"]
    return start(name, command, folder=folder, env={**env, "PREFECT_API_URL": state.url}, cwd=cwd)


def _wait_until_healthy(state: State, folder: Path) -> None:
    import httpx

    server = state.alive(SERVER)
    deadline = time.monotonic() + (STARTUP_SEC if state.is_own else 10)
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{state.url}/health", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass  # not up yet: the deadline decides
        if state.is_own and (server is None or not is_alive(server)):
            break
        time.sleep(0.1)
    if not state.is_own:
        raise ApiUnavailable(f"no Prefect server answers at {state.url} (PREFECT_API_URL or the active profile)")
    ending = tail(server) if server else ""
    raise ApiUnavailable(f"Prefect's server did not come up at {state.url}; see {folder / 'server.log'}:\n{ending}")


def _wait_for_workers(file: DeploymentsFile, state: State) -> None:
    """Until each has told the server that it is there."""
    from flows.deployments.register import api

    left = {name for name, pool in file.pools.items() if pool.worker}
    deadline = time.monotonic() + STARTUP_SEC
    with api(state.url) as client:
        while left:
            for name in sorted(left):
                daemon = state.alive(f"worker-{name}")
                if daemon is None:
                    dead = next((one for one in state.daemons if one.name == f"worker-{name}"), None)
                    raise ApiUnavailable(f"the worker of pool {name} ended:\n{tail(dead) if dead else ''}")
                mine = f"gristmill-{socket.gethostname()}-{name}"
                workers = client.read_workers_for_work_pool(name)
                if any(worker.name == mine and worker.status == "ONLINE" for worker in workers):
                    left.discard(name)
            if time.monotonic() > deadline:
                raise ApiUnavailable(f"no sign of the workers of: {', '.join(sorted(left))}; see their logs")
            time.sleep(0.2 if left else 0)
