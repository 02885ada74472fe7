"""The connection of one `docker exec`: input one way, output and errors in frames the other way.

Format: Docker Engine API, ContainerAttach, "Stream format" (8 bytes of header: stream, 0, 0, 0, length).
"""

import asyncio
import contextlib
import selectors
import socket
from collections.abc import Awaitable, Callable
from typing import IO, Any, Protocol

from environments.errors import SandboxGone
from environments.process import CappedBytes

_CHUNK = 1 << 16
_HEADER = 8
_STREAM_ERROR_BYTES = 100_000


class Sink(Protocol):
    def add(self, data: bytes) -> None: ...


class Frames:
    """Takes the frames apart as they come in, however they are cut."""

    def __init__(self, out: Sink, err: Sink) -> None:
        self._streams = {1: out, 2: err}
        self._header = b""
        self._left = 0
        self._stream: Sink = out

    def add(self, data: bytes) -> None:
        while data:
            if self._left == 0:
                wanted = _HEADER - len(self._header)
                self._header, data = self._header + data[:wanted], data[wanted:]
                if len(self._header) < _HEADER:
                    return
                self._stream = self._streams[self._header[0]]
                self._left = int.from_bytes(self._header[4:], "big")
                self._header = b""
            part, data = data[: self._left], data[self._left :]
            self._stream.add(part)
            self._left -= len(part)


class _Parts:
    """What has come in and nobody has taken yet."""

    def __init__(self) -> None:
        self._data = bytearray()

    def add(self, data: bytes) -> None:
        self._data += data

    def taken(self) -> bytes:
        data = bytes(self._data)
        self._data.clear()
        return data


class ExecStream:
    """One exec that runs on while it is talked with. `holder`: what keeps its connection; `end` kills the command."""

    def __init__(self, holder: Any, end: Callable[[], Awaitable[None]]) -> None:
        self._holder = holder
        self._connection: socket.socket = getattr(holder, "_sock", holder)
        self._connection.setblocking(False)
        self._end = end
        self._out, self._err = _Parts(), CappedBytes(_STREAM_ERROR_BYTES)
        self._frames = Frames(self._out, self._err)
        self._is_closed = False

    async def write(self, data: bytes) -> None:
        try:
            await asyncio.get_running_loop().sock_sendall(self._connection, data)
        except OSError as error:
            raise SandboxGone(f"the command that was opened reads no more: {error.strerror}") from error

    async def first_line(self) -> str:
        """What it wrote before its first newline; shorter where it has ended. For `open`, before anything is read."""
        line = bytearray()
        while b"\n" not in line and (data := await self.read()):
            line += data
        first, _, rest = bytes(line).partition(b"\n")
        self._out.add(rest)
        return first.decode(errors="replace")

    async def read(self) -> bytes:
        if out := self._out.taken():
            return out
        while not self._is_closed:
            try:
                data = await asyncio.get_running_loop().sock_recv(self._connection, _CHUNK)
            except ConnectionResetError:
                return b""
            if not data:
                return b""
            self._frames.add(data)
            if out := self._out.taken():
                return out
        return b""

    def errors(self) -> str:
        return self._err.text()

    def complain(self, text: str) -> None:
        """Beside what it wrote to standard error itself."""
        self._err.add(text.encode())

    async def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        try:
            await asyncio.shield(self._end())
        finally:
            self._holder.close()


def converse(connection: socket.socket, stdin: IO[bytes], out: CappedBytes, err: CappedBytes) -> None:
    """Send all input and take all output, until the other side ends. Blocks."""
    frames = Frames(out, err)
    connection.setblocking(False)
    rest = stdin.read(_CHUNK)
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ | (selectors.EVENT_WRITE if rest else 0))
        while True:
            for _, events in selector.select():
                if events & selectors.EVENT_WRITE:
                    rest = _sent(connection, rest) or stdin.read(_CHUNK)
                    if not rest:
                        with contextlib.suppress(OSError):  # the command has ended: nobody reads
                            connection.shutdown(socket.SHUT_WR)
                        selector.modify(connection, selectors.EVENT_READ)
                if events & selectors.EVENT_READ:
                    data = connection.recv(_CHUNK)
                    if not data:
                        return
                    frames.add(data)


def _sent(connection: socket.socket, data: bytes) -> bytes:
    """What is left of it."""
    try:
        return data[connection.send(data) :]
    except BlockingIOError:
        return data
    except (BrokenPipeError, ConnectionResetError):
        return b""  # the command reads no more; its output may still come
