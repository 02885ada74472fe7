"""The connection of one `docker exec`: input one way, output and errors in frames the other way.

Format: Docker Engine API, ContainerAttach, "Stream format" (8 bytes of header: stream, 0, 0, 0, length).
"""

import contextlib
import selectors
import socket
from typing import IO

from environments.process import CappedBytes

_CHUNK = 1 << 16
_HEADER = 8


class Frames:
    """Takes the frames apart as they come in, however they are cut."""

    def __init__(self, out: CappedBytes, err: CappedBytes) -> None:
        self._streams = {1: out, 2: err}
        self._header = b""
        self._left = 0
        self._stream: CappedBytes = out

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
