"""Processes that outlive the command that started them: found again by a file, and stopped whole.

Each carries the folder it belongs to in its environment, and so do its children, wherever they were re-parented
to: what is left of one is found by that mark, never by a name. A process id is trusted only together with the
time the process was started at.
"""

import os
import signal
import subprocess
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from flows.errors import FlowFault

MARK = "GRISTMILL_UP_FOLDER"
RUN = b"PREFECT__FLOW_RUN_ID="  # Prefect tells a process by it which run it is


class Daemon(BaseModel):
    """`started`: clock ticks since boot, as /proc tells it."""

    model_config = ConfigDict(frozen=True)

    name: str
    pid: int
    started: int
    log: Path


class State(BaseModel):
    """What `up` has started, kept in `state.json` of its folder. `url`: of the API; `is_own`: we started it.

    `held`: pools that `down` has paused, for as long as it takes.
    """

    model_config = ConfigDict(frozen=True)

    url: str
    is_own: bool
    port: int = 0
    dashboard_port: int = 0
    daemons: tuple[Daemon, ...] = ()
    held: tuple[str, ...] = ()

    def alive(self, name: str) -> Daemon | None:
        return next((daemon for daemon in self.daemons if daemon.name == name and is_alive(daemon)), None)


def read_state(folder: Path) -> State | None:
    """None where nothing was started. Raises FlowFault where the file is not ours."""
    file = folder / "state.json"
    try:
        return State.model_validate_json(file.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise FlowFault(f"{file} cannot be read: {error}; remove it if nothing of it runs any more") from error


def write_state(folder: Path, state: State) -> None:
    part = folder / "state.json.part"
    part.write_text(state.model_dump_json(indent=1))
    part.replace(folder / "state.json")


def start(
    name: str, command: Sequence[str], *, folder: Path, env: Mapping[str, str], cwd: Path, fds: Sequence[int] = ()
) -> Daemon:
    """Start in a session of its own, its output appended to `folder`/`name`.log."""
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**env, MARK: str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=tuple(fds),
            start_new_session=True,
        )
    return Daemon(name=name, pid=process.pid, started=_started(process.pid) or 0, log=log)


def is_alive(daemon: Daemon) -> bool:
    return _started(daemon.pid) == daemon.started


def tail(daemon: Daemon, size: int = 2000) -> str:
    """The end of its log."""
    try:
        return daemon.log.read_bytes()[-size:].decode(errors="replace")
    except FileNotFoundError:
        return ""


def runs_of(workers: Collection[int]) -> set[int]:
    """Living processes that these workers have started for runs; not what the runs have started themselves."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) in workers and fields[0] not in "ZX" and RUN in (entry / "environ").read_bytes():
                found.add(int(entry.name))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # gone meanwhile, or another user's
    return found


def _started(pid: int) -> int | None:
    """Start time of a living process; None where there is none, or only one that waits to be collected."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def marked(folder: Path) -> set[int]:
    """Every living process that was started for `folder`, directly or by one of those, except this one."""
    mark = f"{MARK}={folder}".encode()
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # gone meanwhile, or another user's
        pid = int(entry.name)
        if mark in environment and pid != os.getpid() and _started(pid) is not None:
            found.add(pid)
    return found


def end(pids: Iterable[int], grace_sec: float) -> set[int]:
    """SIGTERM, and SIGKILL to what is left after `grace_sec`; returns those that had to be killed.

    A process that was asked to end is not waited for by its parent here: it may be anybody's child.
    """
    starts = {pid: started for pid in pids if (started := _started(pid)) is not None}
    _send(starts, signal.SIGTERM)
    deadline = time.monotonic() + grace_sec
    while time.monotonic() < deadline and _left(starts):
        time.sleep(0.05)
    killed = _left(starts)
    _send({pid: starts[pid] for pid in killed}, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and _left(starts):
        time.sleep(0.02)
    return killed


def _left(starts: Mapping[int, int]) -> set[int]:
    return {pid for pid, started in starts.items() if _started(pid) == started}


def _send(starts: Mapping[int, int], number: signal.Signals) -> None:
    for pid, started in starts.items():
        if _started(pid) == started:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue  # it ended by itself
