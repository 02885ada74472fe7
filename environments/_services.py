"""Services of a sandbox, the same for every backend: what is sent in, and the wait until they answer.

A service's program and data go in by standard input and stay in its process's memory (`_service_inside.py`). A backend
starts `command` in the sandbox's network namespace, as a process that the agent's own can neither see into nor signal.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from environments import _service_inside
from environments.errors import EnvironmentFault, SandboxGone, UnsupportedSpec
from environments.process import CappedBytes
from environments.spec import SandboxSpec, Service

_OUTPUT_BYTES = 8_000
_POLL_SEC = 0.005


def command(service: Service) -> list[str]:
    """Its argv; the name is there for who looks at processes.

    Isolated (-I -S): no folder that the agent may write to is on its search path.
    """
    return ["python3", "-I", "-S", "-B", "-c", _program(), service.name]


@cache
def _program() -> str:
    return Path(_service_inside.__file__).read_text(encoding="utf-8")


def stdin_of(service: Service) -> bytes:
    """Raises UnsupportedSpec where a file is missing."""
    config = json.dumps({"name": service.name, "port": service.port, "ready": service.ready}).encode()
    try:
        parts = [config, service.program.read_bytes(), service.data.read_bytes() if service.data else b""]
    except OSError as error:
        raise UnsupportedSpec(f"service {service.name}: {error.filename}: {error.strerror}") from error
    return b"".join(b"%012d" % len(part) + part for part in parts)


class ServiceRun:
    """One started service: what it has said, and whether it has ended."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.out = CappedBytes(100)
        self.err = CappedBytes(_OUTPUT_BYTES)
        self._end: str | None = None

    def ended(self, how: str) -> None:
        """The backend tells that its process is gone."""
        self._end = self._end or how

    async def wait_until_ready(self, sandbox: str) -> None:
        """Raises EnvironmentFault with the end of what it wrote."""
        limit = time.monotonic() + self.service.ready_timeout_sec
        while self.out.total == 0:
            if self._end is not None:
                raise EnvironmentFault(f"{self._who(sandbox)} {self._end} before it was ready{self._last_words()}")
            if time.monotonic() > limit:
                raise EnvironmentFault(
                    f"{self._who(sandbox)} did not answer GET {self.service.ready} on port {self.service.port} with "
                    f"200 within {self.service.ready_timeout_sec:g} s{self._last_words()}"
                )
            await asyncio.sleep(_POLL_SEC)

    def check_running(self, sandbox: str) -> None:
        """Raises SandboxGone: what an agent does without its service says nothing about the agent."""
        if self._end is not None:
            raise SandboxGone(f"{self._who(sandbox)} {self._end}{self._last_words()}")

    def _who(self, sandbox: str) -> str:
        return f"sandbox {sandbox}: service {self.service.name}"

    def _last_words(self) -> str:
        words = self.err.text().strip()
        return f"; the end of its output:\n{words}" if words else "; it wrote nothing"


async def all_ready(sandbox: str, runs: Sequence[ServiceRun]) -> None:
    """Raises EnvironmentFault naming the first service that is not."""
    for run in runs:
        await run.wait_until_ready(sandbox)


def check_services(spec: SandboxSpec) -> None:
    """Raises UnsupportedSpec before anything is started."""
    for service in spec.services:
        for path in filter(None, (service.program, service.data)):
            if not path.is_file():
                raise UnsupportedSpec(f"service {service.name}: {path} is no file")
