"""Prefect's API for the length of a command: the user's server where one is set, else one of our own.

Own means: a child process on a loopback port that dies with this process, its database under the store's
folder, no telemetry. Must be entered before `prefect` is first imported, because Prefect reads its
settings from the environment at import.
"""

import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path

from flows.errors import ApiUnavailable

STARTUP_TIMEOUT_SEC = 120  # the first start migrates a new database: 14 s on a quiet 2-core machine


@contextmanager
def prefect_api(home: Path, *, cache: Path) -> Iterator[str]:
    """Yield the API's URL. `home` holds the database of a server of our own.

    `cache` keeps a database without runs, which the next new `home` starts from: Prefect's migrations take
    10 s on a quiet 2-core machine.

    Raises ApiUnavailable with the end of the server's log.
    """
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    if "PREFECT_LOGGING_LEVEL" not in os.environ:
        # What fails is told once, by the command, without Prefect's traceback of it.
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    given = users_own_server()
    if given:
        yield given
        return
    with _own_server(home, cache / f"prefect-{version('prefect')}.db") as url:
        os.environ["PREFECT_API_URL"] = url
        try:
            yield url
        finally:
            del os.environ["PREFECT_API_URL"]


def users_own_server() -> str | None:
    """The URL from the environment or from the active Prefect profile, without importing Prefect."""
    if url := os.environ.get("PREFECT_API_URL"):
        return url
    home = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser()
    try:
        import tomllib

        profiles = tomllib.loads((home / "profiles.toml").read_text())
    except FileNotFoundError:
        return None
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ApiUnavailable(f"{home / 'profiles.toml'} cannot be read: {error}") from error
    active = os.environ.get("PREFECT_PROFILE", profiles.get("active", ""))
    url = profiles.get("profiles", {}).get(active, {}).get("PREFECT_API_URL")
    return str(url) if url else None


@contextmanager
def _own_server(home: Path, empty: Path) -> Iterator[str]:
    home = home.absolute()
    home.mkdir(parents=True, exist_ok=True)
    database = home / "prefect.db"
    is_new = not database.exists()
    if is_new and empty.exists():
        _copy_database(empty, database)
    log = home / "server.log"
    os.environ["PREFECT_HOME"] = str(home)
    os.environ["PREFECT_LOGGING_TO_API_ENABLED"] = "false"  # nobody reads them after this command
    with socket.socket() as listener, log.open("wb") as output:
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "flows._api_process", str(os.getpid()), str(listener.fileno())],
            env={
                **os.environ,
                "PREFECT_UI_ENABLED": "0",
                "PREFECT__SERVER_EPHEMERAL": "1",
                "PREFECT__SERVER_FINAL": "1",
                "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",  # it has no automations
            },
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            process_group=0,  # Ctrl-C is for the command, which has something to tell the API after it
        )
    try:
        _wait_until_healthy(process, url, log)
        if is_new and not empty.exists():
            _copy_database(database, empty)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _copy_database(source: Path, target: Path) -> None:
    """A consistent copy, there whole or not at all, even while the source is in use."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        part = Path(folder) / target.name
        with closing(sqlite3.connect(source)) as opened, closing(sqlite3.connect(part)) as copy:
            opened.backup(copy)
        part.replace(target)


def _wait_until_healthy(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    import httpx

    deadline = time.monotonic() + STARTUP_TIMEOUT_SEC
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/health", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass  # not up yet: the deadline decides
        time.sleep(0.1)
    tail = log.read_text(errors="replace")[-2000:]
    raise ApiUnavailable(
        f"Prefect's API did not come up at {url} (exit code {process.poll()}); "
        f"start one with `prefect server start` and set PREFECT_API_URL, or see {log}:\n{tail}"
    )
