"""What commands write, held in bounds: beginning and end of a command's, the newest of a job's."""

from __future__ import annotations

import time

JOB_BYTES = 200000  # kept of what a job wrote
# What an interactive bash says because it has no terminal, after `bash: [PID: NUMBER (NUMBER)] `.
NOISE = b"tcsetattr: Inappropriate ioctl for device\n"


class Kept:
    """Beginning and end of a stream of bytes: `limit` of them, the middle is left out."""

    def __init__(self, limit: int) -> None:
        self.limit, self.head, self.tail, self.total = limit, bytearray(), bytearray(), 0

    def add(self, data: bytes) -> None:
        self.total += len(data)
        space = self.limit // 2 - len(self.head)
        self.head += data[:space] if space > 0 else b""
        self.tail += data[max(0, space) :]
        if len(self.tail) > self.limit:
            del self.tail[: len(self.tail) - self.limit // 2]

    def text(self) -> str:
        left_out = self.total - len(self.head) - len(self.tail)
        middle = b"\n[... %d bytes left out ...]\n" % left_out if left_out else b""
        return without_noise(bytes(self.head) + middle + bytes(self.tail)).decode(errors="replace")


def without_noise(data: bytes) -> bytes:
    if NOISE not in data:
        return data
    import re

    return re.sub(rb"bash: \[\d+: \d+ \(\d+\)\] " + re.escape(NOISE), b"", data)


class Job:
    """A command in the background."""

    def __init__(self, number: int, command: str) -> None:
        self.number, self.command = number, command
        self.pid: int | None = None
        self.status: int | None = None
        self.began, self.ended_at = time.monotonic(), 0.0
        self.output, self.total, self.seen = bytearray(), 0, 0

    def add(self, data: bytes) -> None:
        self.output += data
        self.total += len(data)
        if len(self.output) > JOB_BYTES:
            del self.output[: len(self.output) - JOB_BYTES]

    def has_ended(self) -> bool:
        return self.status is not None

    def end(self, status: int) -> None:
        self.status, self.ended_at = status, time.monotonic()

    def told(self) -> dict[str, object]:
        seconds = (self.ended_at or time.monotonic()) - self.began
        return {"job": self.number, "command": self.command[:200], "status": self.status, "seconds": round(seconds, 1)}

    def news(self, limit: int) -> dict[str, object]:
        """What it wrote since somebody looked, at most `limit` bytes of it: the newest."""
        new = self.total - self.seen
        kept = bytes(self.output[-min(new, limit) :]) if new else b""
        self.seen = self.total
        return {"output": kept.decode(errors="replace"), "left_out": new - len(kept)}
