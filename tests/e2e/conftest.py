"""End to end: the real command on a small repository, in folders of its own."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from environments import get_backend

GRISTMILL = Path(sys.executable).with_name("gristmill")


@dataclass(frozen=True)
class Done:
    """What a command said."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout.splitlines()[-1])


Run = Callable[..., Done]


@pytest.fixture(scope="session")
def docker_ready() -> None:
    """Skipped with the reason where Docker cannot run."""
    if missing := get_backend("docker").missing():
        pytest.skip(f"docker: {'; '.join(missing)}")


@pytest.fixture
def environment(tmp_path: Path, session_cache: Path) -> dict[str, str]:
    """No settings of the person who runs the tests; home, store and Prefect's data below tmp_path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "GRISTMILL_"))}
    return {**kept, "HOME": str(tmp_path), "GRISTMILL_CACHE": str(session_cache), "GRISTMILL_STORE": "store"}


@pytest.fixture
def gristmill(tmp_path: Path, environment: dict[str, str]) -> Run:
    """Run the command in tmp_path and wait for it."""

    def run(*arguments: str, timeout: float = 240) -> Done:
        done = subprocess.run(
            [GRISTMILL, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=timeout
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def up(gristmill: Run) -> Iterator[Run]:
    """The same; what `up` has started is ended afterwards."""
    yield gristmill
    gristmill("down", "--grace", "0")


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Its URL, and what it was sent."""
    told: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/alerts", told
    server.shutdown()
