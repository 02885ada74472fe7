"""One server process: started, waited for, asked for its health, ended with all that it started."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from agents.serving.errors import ServingFault

POLL_SEC = 0.1
ANSWER_SEC = 10.0
END_SEC = 5.0  # between asking a server to end and killing it
TAIL = 2000  # characters of its output in an error


class ServerProcess:
    """`url` is the server's root. Its output is appended to `log`."""

    def __init__(self, command: Sequence[str], url: str, *, log: Path, environment: Mapping[str, str]) -> None:
        self.command = list(command)
        self.url = url
        self.log = log
        self._environment = {**os.environ, **environment}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """Of the running process; None where there is none."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self, *, within_sec: float) -> None:
        """Start and wait until healthy. Raises ServingFault with the end of the output, having stopped it."""
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "agents.serving._guard", str(os.getpid()), *self.command,
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
                env=self._environment, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + within_sec
        try:
            while not await self.is_healthy(within_sec=ANSWER_SEC):
                if self._process.returncode is not None:
                    raise ServingFault(self._said(f"ended with code {self._process.returncode} before it was healthy"))
                if time.monotonic() > deadline:
                    raise ServingFault(self._said(f"was not healthy within {within_sec:g} s"))
                await asyncio.sleep(POLL_SEC)
        except BaseException:
            await self.stop()
            raise

    async def ended(self) -> int:
        """Wait for the end of the process; its exit code."""
        assert self._process is not None
        return await self._process.wait()

    async def is_healthy(self, *, within_sec: float = ANSWER_SEC) -> bool:
        """Whether it says so itself, and lists its models."""
        if self.pid is None:
            return False
        try:
            async with httpx.AsyncClient(timeout=within_sec) as client:
                if (await client.get(f"{self.url}/health")).status_code != 200:
                    return False
                return (await client.get(f"{self.url}/v1/models")).status_code == 200
        except httpx.HTTPError:
            return False

    async def stop(self) -> None:
        """End it and what it started, first by asking."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            self._send(signal.SIGTERM)
            try:
                async with asyncio.timeout(END_SEC):
                    await process.wait()
            except TimeoutError:
                pass  # it does not hear; the next signal needs no hearing
        self._send(signal.SIGKILL)
        await process.wait()

    def _send(self, number: signal.Signals) -> None:
        """To its whole group: it leads a session of its own."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _said(self, what: str) -> str:
        text = self.log.read_text(errors="replace").strip()[-TAIL:]
        return f"the server at {self.url} {what}; the end of its output ({self.log}):\n{text or '(it said nothing)'}"
