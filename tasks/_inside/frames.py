"""Records between worker and supervisor, each with a MAC and a running number."""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Iterator
from typing import Any


class Sender:
    """Writes records to the supervisor: length, MAC, body. A forked copy of it stays silent."""

    def __init__(self, fd: int, key: bytes) -> None:
        self._fd = fd
        self._key = key
        self._pid = os.getpid()
        self._number = 0
        self._held = b""
        self._write, self._getpid = os.write, os.getpid  # held here: tested code may replace those of `os`
        self._dumps, self._mac = json.dumps, hmac.digest

    def send(self, kind: str, **fields: Any) -> None:
        if self._getpid() != self._pid:
            return
        self.hold(kind, **fields)
        data = memoryview(self._held)
        self._held = b""
        while data:
            data = data[self._write(self._fd, data) :]

    def hold(self, kind: str, **fields: Any) -> None:
        """To be sent together with the next one: half as often is somebody woken up to read."""
        body = self._dumps({"kind": kind, "number": self._number, **fields}).encode()
        self._number += 1
        self._held += len(body).to_bytes(4, "big") + self._mac(self._key, body, "sha256") + body


class Receiver:
    """Takes frames apart; a wrong MAC or number means that somebody else wrote to the pipe."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._buffer = bytearray()
        self._number = 0
        self.is_forged = False

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        self._buffer += data
        while len(self._buffer) >= 36 and not self.is_forged:
            size = int.from_bytes(self._buffer[:4], "big")
            if len(self._buffer) < 36 + size:
                return
            mac, body = bytes(self._buffer[4:36]), bytes(self._buffer[36 : 36 + size])
            del self._buffer[: 36 + size]
            record = json.loads(body) if hmac.compare_digest(mac, hmac.digest(self._key, body, "sha256")) else None
            if record is None or record.get("number") != self._number:
                self.is_forged = True
                return
            self._number += 1
            yield record
