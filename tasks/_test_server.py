"""A sandbox that stays up, with a process that has all tests imported, for one run of tests after another.

Starting both takes longer than most runs. For code of our own making: what one run leaves in the sandbox the next ones
find, so that what is decided here is no more than which runs are worth making again in a fresh one.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Sequence
from typing import Any, Final

from environments.errors import EnvironmentFault
from environments.sandbox import Backend, Sandbox, Stream
from environments.spec import SandboxSpec
from tasks._records import BOOT, inside_text, order_of, record_of, report_of, serving_config
from tasks._results import TestReport, TestRun
from tasks.errors import VerifierFault

MOST_RUNS: Final = 200  # in one sandbox: what they leave in memory and on disk goes with it
START_SEC: Final = 300.0  # until all tests are collected, on a busy machine
MOST_BYTES: Final = 256_000_000  # of one run's records; with more, it counts as one that never ended


class TestServer:
    """Started when it is first asked; anew after a run that ended badly, and after `MOST_RUNS`.

    One run at a time. Use as an async context, or `close` it.
    """

    __test__ = False

    def __init__(
        self,
        spec: SandboxSpec,
        backend: Backend,
        *,
        python: str,
        warm: Sequence[str] | None = (),
        explains: bool = False,
        stdlib: Sequence[str] = (),
    ) -> None:
        """`warm`, `explains`: as of `run_tests_on_each`. `stdlib`: as another server tells it."""
        self._spec = spec
        self._backend = backend
        self._python = python
        self._warm = warm
        self._explains = explains
        self.starts = 0  # so far
        self.stdlib = tuple(stdlib)  # modules of it that the tests import, as far as is known
        self._sandbox: Sandbox | None = None
        self._stream: Stream | None = None
        self._nonce = b""
        self._rest = bytearray()
        self._bytes = 0
        self._runs = 0

    async def run(self, run: TestRun, *, timeout_sec: float) -> TestReport:
        """As a process of its own or, where the run `is_warm`, a fork of the one that has all imported.

        A run that took everything down is not complete. Raises VerifierFault where none could be made.
        """
        try:
            if self._stream is not None and (self._runs >= MOST_RUNS or not await self._is_taken(order_of(run))):
                await self.close()
            if self._stream is None:
                await self._start()
                if not await self._is_taken(order_of(run)):
                    raise VerifierFault(f"the sandbox was lost before tests ran: {self._complaint()}")
            records: list[dict[str, Any]] = []
            timed_out = False
            try:
                async with asyncio.timeout(timeout_sec):
                    await self._read_into(records)
            except TimeoutError:
                timed_out = True
            self._runs += 1
            report = report_of(records, exit_code=None, timed_out=timed_out, is_cut=False, duration_sec=None,
                               stderr=self._complaint())  # fmt: skip
            if not report.is_complete or report.is_tampered:
                await self.close()
            return report
        except EnvironmentFault as fault:
            await self.close()
            raise VerifierFault(f"the sandbox was lost while tests ran: {fault}") from fault
        except TimeoutError as error:
            await self.close()
            raise VerifierFault(f"no tests began to run within {START_SEC:g} s in the sandbox") from error
        except BaseException:
            await asyncio.shield(self.close())
            raise

    async def close(self) -> None:
        """Ends the sandbox. Idempotent; the next run starts another."""
        sandbox, stream = self._sandbox, self._stream
        self._sandbox = self._stream = None
        if sandbox is None:
            return
        try:
            await sandbox.stop()
        finally:
            if stream is not None:
                await stream.close()

    async def __aenter__(self) -> "TestServer":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _start(self) -> None:
        self._runs = 0
        self.starts += 1
        self._rest.clear()
        self._nonce = secrets.token_hex(32).encode()
        self._sandbox = await self._backend.start(self._spec)
        self._stream = await self._sandbox.open([self._python, "-I", "-S", "-B", "-c", BOOT])
        config = serving_config(
            self._spec.workdir, guarded=(), warm=self._warm, explains=self._explains, stdlib=self.stdlib
        )
        async with asyncio.timeout(START_SEC):
            with contextlib.suppress(EnvironmentFault):  # it has ended before it read all: its complaint says why
                await self._stream.write(inside_text() + config + self._nonce)
            record = await self._next_record()
        if not record:
            said = self._complaint() or "no message"
            raise VerifierFault(f"pytest could not be started with {self._python} in the sandbox: {said}")

    async def _is_taken(self, order: bytes) -> bool:
        """False where nobody is there any more: the sandbox's lifetime may be over."""
        assert self._stream is not None
        self._bytes = 0
        try:
            async with asyncio.timeout(START_SEC):  # the first one waits for the collection of all tests
                await self._stream.write(order)
                record = await self._next_record() or {}
                self.stdlib = tuple(record.get("stdlib", ())) or self.stdlib
                return record.get("kind") == "begin"
        except EnvironmentFault:
            return False

    async def _read_into(self, records: list[dict[str, Any]]) -> None:
        """All that is told of a run; without an end where everything has ended."""
        while record := await self._next_record():
            records.append(record)
            if record["kind"] == "end":
                return

    async def _next_record(self) -> dict[str, Any] | None:
        """None at the end of the stream."""
        assert self._stream is not None
        while True:
            line, is_whole, rest = self._rest.partition(b"\n")
            if is_whole:
                self._rest = rest
                if (record := record_of(bytes(line), self._nonce)) is not None:
                    return record
                continue
            data = await self._stream.read()
            self._rest += data
            self._bytes += len(data)
            if not data or self._bytes > MOST_BYTES:
                return None

    def _complaint(self) -> str:
        return self._stream.errors().strip()[-2000:] if self._stream is not None else ""
