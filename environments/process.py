"""Reading what a process writes, without ever holding more of it than was asked for."""

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Final

_CHUNK: Final = 1 << 16


class CappedBytes:
    """The first and the last half of a stream of bytes; the middle is left out when it is longer than `limit`."""

    def __init__(self, limit: int) -> None:
        self._head_limit = (limit + 1) // 2
        self._tail_limit = limit - self._head_limit
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0

    def add(self, data: bytes) -> None:
        self.total += len(data)
        space = self._head_limit - len(self._head)
        if space > 0:
            self._head += data[:space]
            data = data[space:]
        self._tail += data
        if len(self._tail) > self._tail_limit + 4 * _CHUNK:
            del self._tail[: len(self._tail) - self._tail_limit]

    @property
    def is_truncated(self) -> bool:
        return self.total > self._head_limit + self._tail_limit

    def data(self) -> bytes:
        """What was kept, as it is."""
        tail = self._tail[-self._tail_limit :] if self._tail_limit else b""
        return bytes(self._head + tail)

    def text(self) -> str:
        """UTF-8 with replacement; a line in the middle tells how much is missing."""
        if not self.is_truncated:
            return (self._head + self._tail).decode(errors="replace")
        tail = self._tail[len(self._tail) - self._tail_limit :]
        left_out = self.total - len(self._head) - len(tail)
        return (
            f"{self._head.decode(errors='replace')}\n[… {left_out} bytes left out …]\n{tail.decode(errors='replace')}"
        )


class PipeReader:
    """The read end of a pipe, emptied by the event loop into a CappedBytes (`into`, or a new one) until its end."""

    def __init__(self, limit: int, into: CappedBytes | None = None) -> None:
        self.kept = into or CappedBytes(limit)
        self._fd, self.write_fd = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._fd, False)
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(self._fd, self._read)

    def close_write(self) -> None:
        """Our own copy of the write end; the pipe ends when the last process has closed its copy."""
        if self.write_fd >= 0:
            os.close(self.write_fd)
            self.write_fd = -1

    def take_rest(self) -> None:
        """What is in the pipe now, without waiting: whoever wrote to it has ended."""
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._fd, _CHUNK):
                self.kept.add(data)

    async def end(self, timeout_sec: float) -> None:
        """Wait for the end of the stream, or give up after `timeout_sec`."""
        if not self._ended.done():
            await asyncio.wait([self._ended], timeout=timeout_sec)

    def close(self) -> None:
        self.close_write()
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1
        if not self._ended.done():
            self._ended.set_result(None)

    def _read(self) -> None:
        try:
            data = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return
        if data:
            self.kept.add(data)
        elif not self._ended.done():
            self._loop.remove_reader(self._fd)
            self._ended.set_result(None)


async def readable(fd: int) -> None:
    """Wait until `fd` (a pidfd, a socket, a pipe) can be read."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def is_ready() -> None:
        if not future.done():
            future.set_result(None)

    loop.add_reader(fd, is_ready)
    try:
        await future
    finally:
        loop.remove_reader(fd)


async def writable(fd: int) -> None:
    """Wait until `fd` (a pipe) can be written to, or nobody reads it any more."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def is_ready() -> None:
        if not future.done():
            future.set_result(None)

    loop.add_writer(fd, is_ready)
    try:
        await future
    finally:
        loop.remove_writer(fd)


def pid_of(pidfd: int) -> int:
    """Of the process behind it, as we see it: it may call itself otherwise, in a pid namespace of its own."""
    lines = Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pid:")).split()[1])
