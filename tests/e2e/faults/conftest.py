"""Faults: the real command in a folder of its own, what it needs beside it, and what is looked at afterwards."""

import ctypes
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest

from tests.e2e.conftest import GRISTMILL, Done
from tests.e2e.helpers import children, free_port, wait_for

PR_SET_CHILD_SUBREAPER = 36


@dataclass
class Command:
    """A `gristmill` command that runs while something happens to it. `folder`: where it was started."""

    process: "subprocess.Popen[bytes]"
    folder: Path
    started: float = field(default_factory=time.monotonic)

    @property
    def stderr(self) -> str:
        return (self.folder / "stderr").read_text(errors="replace")

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def send_to_group(self, number: signal.Signals) -> None:
        os.killpg(self.process.pid, number)

    def ended(self, timeout: float) -> Done:
        """Raises TimeoutExpired with what it has said so far."""
        code = self.process.wait(timeout)
        return Done(code, (self.folder / "stdout").read_text(errors="replace"), self.stderr)

    def is_running(self) -> bool:
        return self.process.poll() is None


Start = Callable[..., Command]


@pytest.fixture
def start(tmp_path: Path, environment: dict[str, str]) -> Iterator[Start]:
    """Start the command in tmp_path; `prefix`: a command before it; `new_group`: in a process group of its own.

    What still runs at the test's end is killed.
    """
    commands: list[Command] = []

    def run(
        *arguments: str, env: dict[str, str] | None = None, prefix: Sequence[str] = (), new_group: bool = False
    ) -> Command:
        with (tmp_path / "stdout").open("wb") as out, (tmp_path / "stderr").open("wb") as err:
            process = subprocess.Popen(
                [*prefix, str(GRISTMILL), *arguments],
                cwd=tmp_path,
                env={**environment, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                process_group=0 if new_group else None,
            )
        commands.append(Command(process, tmp_path))
        return commands[-1]

    yield run
    for command in commands:
        if command.is_running():
            command.process.kill()
            command.process.wait()


def rows_of(database: Path) -> list[tuple[str, str, int, float, int]]:
    """Task, agent, attempt, reward, and whether the outcome is unknown; empty before there is a store."""
    if not database.exists():
        return []
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30) as opened:
        try:
            return opened.execute("select task_id, agent, attempt, reward, is_unknown from rollouts").fetchall()
        except sqlite3.OperationalError:  # the tables are being made
            return []


def each_once(rows: Sequence[tuple[Any, ...]], expected: int) -> None:
    """Each key is there, and once."""
    assert len(rows) == expected
    assert set(Counter(row[:3] for row in rows).values()) == {1}


@dataclass
class Model:
    """The model's server, a process that can be killed and started again at the same address."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def log(self) -> list[str]:
        file = self.folder / "model.log"
        return file.read_text().split() if file.exists() else []

    def up(self, prompt: int, seconds: float = 0.0) -> Self:
        """`prompt`: conversations that are answered; see model_server.py."""
        script = Path(__file__).with_name("model_server.py")
        arguments = [str(self.port), str(self.folder / "model.log"), str(prompt), str(seconds)]
        self.process = subprocess.Popen([sys.executable, str(script), *arguments])
        wait_for("model server", self.is_up, 20, 0.05)
        return self

    def is_up(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture
def model(tmp_path: Path, environment: dict[str, str]) -> Iterator[Model]:
    """Not up yet. The command finds it as `--model hello`."""
    server = Model(tmp_path, free_port())
    entry = f"{{model: hello, base_url: '{server.url}', timeout_sec: 60, away_sec: 4, tries: 3}}"
    (tmp_path / "gristmill.yaml").write_text(f"models:\n  hello: {entry}\n")
    yield server
    server.kill()


@dataclass
class Leftovers:
    """Processes that outlive the command that started them."""

    before: set[int]

    def none(self) -> None:
        deadline = time.monotonic() + 10
        while (left := children() - self.before) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not left, [Path(f"/proc/{pid}/cmdline").read_bytes()[:300] for pid in left]


@pytest.fixture
def leftovers() -> Iterator[Leftovers]:
    """What an ended command leaves becomes our child, so that it can be seen. Ask for it after what starts servers."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    yield Leftovers(children())
    libc.prctl(PR_SET_CHILD_SUBREAPER, 0)
