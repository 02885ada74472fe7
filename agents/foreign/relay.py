"""Our side of the way from a sandbox without network to one model: frames over the stream of the agent's own command.

Works the same on every backend, a remote daemon's included: no socket is shown to the sandbox, no port is opened
anywhere, and nothing but requests and answers passes. Whoever has the stream's other end can ask what the agent may
ask, and nothing else.
"""

import asyncio
import json
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from agents.errors import AgentFault
from environments.errors import SandboxGone
from environments.sandbox import Sandbox, Stream

_INSIDE = Path(__file__).parent / "_inside" / "relay.py"
_HEAD = struct.Struct(">cII")
_MOST_PAYLOAD = 80 << 20


@dataclass(frozen=True)
class Command:
    """What to run inside. `{port}` in any text becomes the port of the model on 127.0.0.1."""

    argv: list[str]
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """Exit code (128 + signal; 127 not found), and the end of what it wrote, both streams together."""

    code: int
    output: str


@dataclass(frozen=True)
class Request:
    """What the agent asked of its model's address."""

    method: str
    path: str
    body: bytes


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    content_type: str = "application/json"


Answering = Callable[[Request], Awaitable[Reply]]


async def run_with_model(sandbox: Sandbox, command: Command, answering: Answering) -> Ended:
    """Run the agent's command to its end, its requests answered by `answering`; what that raises ends it.

    Raises AgentFault where the sandbox has no python3, SandboxGone.
    """
    stream = await sandbox.open(["python3", "-I", "-S", "-B", "-c", _program()])
    try:
        wire = _Wire(stream)
        await wire.say(b"C", 0, json.dumps(asdict(command)).encode())
        return await _serve(wire, answering)
    finally:
        await stream.close()


@cache
def _program() -> str:
    return _INSIDE.read_text(encoding="utf-8")


async def _serve(wire: "_Wire", answering: Answering) -> Ended:
    async def answer(number: int, data: bytes) -> None:
        line, _, body = data.partition(b"\n")
        head = json.loads(line)
        reply = await answering(Request(str(head["method"]), str(head["path"]), body))
        said = {"status": reply.status, "content_type": reply.content_type}
        await wire.say(b"A", number, json.dumps(said).encode() + b"\n" + reply.body)

    hearing = asyncio.ensure_future(wire.hear())
    answers: set[asyncio.Future[None]] = set()
    try:
        while True:
            waiting: set[asyncio.Future[Any]] = {hearing, *answers}
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for each in answers & done:
                answers.remove(each)
                each.result()
            if hearing in done:
                kind, number, data = hearing.result()
                if kind == b"X":
                    return Ended(**json.loads(data))
                answers.add(asyncio.ensure_future(answer(number, data)))
                hearing = asyncio.ensure_future(wire.hear())
    finally:
        hearing.cancel()
        for each in answers:
            each.cancel()
        await asyncio.gather(hearing, *answers, return_exceptions=True)


class _Wire:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._lock = asyncio.Lock()
        self._read = bytearray()

    async def say(self, kind: bytes, number: int, data: bytes) -> None:
        async with self._lock:
            await self._stream.write(_HEAD.pack(kind, number, len(data)) + data)

    async def hear(self) -> tuple[bytes, int, bytes]:
        """The next frame. Raises SandboxGone at the end of the stream."""
        kind, number, length = _HEAD.unpack(await self._exactly(_HEAD.size))
        if kind not in (b"Q", b"X") or length > _MOST_PAYLOAD:
            raise AgentFault("the agent's process wrote into the way to its model what is no request")
        return kind, number, await self._exactly(length)

    async def _exactly(self, length: int) -> bytes:
        while len(self._read) < length:
            data = await self._stream.read()
            if not data:
                words = self._stream.errors().strip()[-1000:]
                if "python3" in words and ("not found" in words or "No such file" in words):
                    raise AgentFault(f"a foreign agent needs python3 in the task's image: {words}")
                raise SandboxGone(f"the agent's process ended before its command did: {words or 'it wrote nothing'}")
            self._read += data
        found = bytes(self._read[:length])
        del self._read[:length]
        return found
