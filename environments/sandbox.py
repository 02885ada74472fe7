"""The two protocols of this room: a Backend starts Sandboxes.

Usage:

    async with running(backend, spec) as sandbox:
        result = await sandbox.run(["python", "-c", "print(1)"], timeout_sec=10)
        diff = await sandbox.diff()
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from environments.diff import Diff
from environments.spec import SandboxSpec


class CommandResult(BaseModel):
    """What one command did.

    `exit_code` is the process's own, 128 + signal for a signal, and None if it was stopped at its
    time limit. Streams are decoded as UTF-8 with replacement; past `limits.output_bytes` the middle
    is left out and `truncated` says so. `oom_killed` is True where the memory limit ended it.
    """

    model_config = ConfigDict(frozen=True)

    exit_code: int | None
    stdout: str
    stderr: str
    duration_sec: float
    timed_out: bool = False
    truncated: bool = False
    oom_killed: bool = False


class Stream(Protocol):
    """A command that runs on while it is talked with."""

    async def write(self, data: bytes) -> None:
        """To its standard input. Waits while that is full; raises SandboxGone where it is known that nobody reads."""
        ...

    async def read(self) -> bytes:
        """What it wrote next, at least a byte; empty once it has ended. What nobody reads makes it wait."""
        ...

    def errors(self) -> str:
        """Beginning and end of what it wrote to standard error so far."""
        ...

    async def close(self) -> None:
        """Kill it, and what it started. Idempotent."""
        ...


class Sandbox(Protocol):
    """One running, disposable instance of an environment."""

    id: str
    spec: SandboxSpec

    async def run(
        self,
        command: Sequence[str],
        *,
        timeout_sec: float,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> CommandResult:
        """Run argv to its end, as an unprivileged user, in `cwd` (default: the spec's workdir).

        Files that it wrote stay for the next command. At `timeout_sec` it and its children are
        killed. Raises SandboxGone if the sandbox is no longer there.
        """
        ...

    async def open(self, command: Sequence[str]) -> Stream:
        """Start argv as `run` does, in the workdir, without a limit of its own: it ends with the sandbox.

        Until the stream is closed, other calls may have to wait. Raises SandboxGone.
        """
        ...

    async def read_file(self, path: str, *, max_bytes: int = 10_000_000) -> bytes:
        """Contents of a regular file (relative paths: from workdir), at most `max_bytes`.

        Links are followed inside the sandbox only. Raises FileNotFoundError, IsADirectoryError.
        """
        ...

    async def write_files(self, files: Mapping[str, bytes], *, mode: int = 0o644) -> None:
        """Write files (relative paths: from workdir), making parent folders; owned by the sandbox's user."""
        ...

    async def diff(self) -> Diff:
        """What changed below workdir since the start, against our own snapshot; `.git` is left out."""
        ...

    async def stop(self) -> None:
        """End every process and remove every trace. Idempotent, at most a second or two."""
        ...


class Backend(Protocol):
    """Starts sandboxes of one kind."""

    name: str

    def missing(self) -> list[str]:
        """What keeps this backend from running here, one line each with the command that mends it."""
        ...

    async def start(self, spec: SandboxSpec) -> Sandbox:
        """Raises BackendUnavailable, UnsupportedSpec, EnvironmentBuildFailed."""
        ...

    async def sweep(self) -> int:
        """Remove what dead owners left (sandboxes, mounts, cgroups, containers); returns how many."""
        ...


@asynccontextmanager
async def running(backend: Backend, spec: SandboxSpec) -> AsyncIterator[Sandbox]:
    """A sandbox for the length of a block; stopped whatever happens in it."""
    sandbox = await backend.start(spec)
    try:
        yield sandbox
    finally:
        await sandbox.stop()
