"""The two ends of a command that runs on while others talk with it, over pipes."""

import asyncio
import os
from collections.abc import Awaitable, Callable

from environments.errors import SandboxGone
from environments.process import PipeReader, readable, writable

_CHUNK = 1 << 16


class PipeStream:
    """`end` kills the command; called once, by `close`."""

    def __init__(self, stdin: int, stdout: int, err: PipeReader, end: Callable[[], Awaitable[None]]) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._err = err
        self._end = end
        os.set_blocking(stdin, False)
        os.set_blocking(stdout, False)

    async def write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._stdin, rest) :]
            except BlockingIOError:
                await writable(self._stdin)
            except OSError as error:
                raise SandboxGone(f"the command that was opened reads no more: {error.strerror}") from error

    async def read(self) -> bytes:
        while True:
            if self._stdout < 0:
                return b""
            try:
                return os.read(self._stdout, _CHUNK)
            except BlockingIOError:
                await readable(self._stdout)

    def errors(self) -> str:
        return self._err.kept.text()

    def complain(self, text: str) -> None:
        """Beside what it wrote to standard error itself."""
        self._err.kept.add(text.encode())

    async def close(self) -> None:
        if self._stdin < 0:
            return
        for fd in (self._stdin, self._stdout):
            os.close(fd)
        self._stdin = self._stdout = -1
        try:
            await asyncio.shield(self._end())
        finally:
            self._err.close()
