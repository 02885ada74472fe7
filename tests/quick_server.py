"""The benchmarks' quick model server for tests: it counts the requests that are on their way together."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

SCRIPT = Path(__file__).resolve().parent.parent / "benchmarks" / "_quick_server.py"


@dataclass(frozen=True)
class QuickServer:
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def counted(self) -> tuple[int, int]:
        """Requests so far, and the most that were on their way together."""
        found = httpx.get(f"http://127.0.0.1:{self.port}/busy", trust_env=False).json()
        return found["requests"], found["most_at_once"]


@contextmanager
def quick_server(delay_sec: float, steps: int) -> Iterator[QuickServer]:
    """Each answer after `delay_sec`; a conversation has `steps` of them, the last is `submit`."""
    command = [sys.executable, str(SCRIPT), str(delay_sec), str(steps)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield QuickServer(int(process.stdout.readline()))
        finally:
            process.kill()


def known(server: QuickServer, folder: Path) -> None:
    """As the model `quick`, to commands that run in a folder."""
    (folder / "gristmill.yaml").write_text(
        f"models:\n  quick: {json.dumps({'model': 'quick', 'base_url': server.url})}\n"
    )
