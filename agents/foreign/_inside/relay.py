"""The agent's side of the way to its model; runs in the sandbox as `python3 -c`, with the standard library alone.

An HTTP server on the sandbox's own loopback: each request goes out as a frame on standard output, its answer comes
back on standard input. No address of the outside is known here, and no key. It starts the agent's command, and tells
its end.

Frame: kind (1 byte), number (4), length (4), payload. Payload of a request, and of an answer: a line of JSON, the body.
"""

from __future__ import annotations  # a task's image may have an old Python

import ctypes
import http.server
import json
import os
import queue
import struct
import subprocess
import threading
from typing import Any

HEAD = struct.Struct(">cII")
PR_SET_DUMPABLE = 4
MOST_BODY = 64 << 20
KEPT_OUTPUT = 20_000
SETTLING_SEC = 2.0


class Wire:
    """The two pipes to the outside; any thread may ask."""

    def __init__(self) -> None:
        self.source, self.sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
        self.lock = threading.Lock()
        self.waiting: dict[int, queue.Queue[bytes]] = {}
        self.count = 0

    def say(self, kind: bytes, number: int, data: bytes) -> None:
        with self.lock:
            self.sink.write(HEAD.pack(kind, number, len(data)) + data)
            self.sink.flush()

    def ask(self, head: dict[str, str], body: bytes) -> tuple[Any, bytes]:
        answer: queue.Queue[bytes] = queue.Queue(1)
        with self.lock:
            self.count += 1
            number = self.count
            self.waiting[number] = answer
        self.say(b"Q", number, json.dumps(head).encode() + b"\n" + body)
        line, _, body = answer.get().partition(b"\n")
        return json.loads(line), body

    def hear(self) -> tuple[bytes, int, bytes]:
        kind, number, length = HEAD.unpack(self.exactly(HEAD.size))
        return kind, number, self.exactly(length)

    def exactly(self, length: int) -> bytes:
        data = self.source.read(length)
        if len(data) < length:  # the outside is gone: all that runs here ends with this process
            os._exit(0)
        return data

    def hear_answers(self) -> None:
        while True:
            _, number, data = self.hear()
            self.waiting.pop(number).put(data)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wire: Wire

    def answer(self) -> None:
        body = self.body()
        if body is None:
            self.send_error(413)
            return
        head, data = self.wire.ask({"method": self.command, "path": self.path}, body)
        self.send_response(head["status"])
        self.send_header("Content-Type", head["content_type"])
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_POST = do_HEAD = answer

    def body(self) -> bytes | None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            parts: list[bytes] = []
            total = 0
            while size := int(self.rfile.readline().split(b";")[0], 16):
                total += size
                if total > MOST_BODY:
                    return None
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return b"".join(parts)
        length = int(self.headers.get("Content-Length") or 0)
        return None if length > MOST_BODY else self.rfile.read(length)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # the agent hung up


def with_port(value: Any, port: int) -> Any:
    """`{port}` filled in, wherever it stands."""
    if isinstance(value, str):
        return value.replace("{port}", str(port))
    if isinstance(value, list):
        return [with_port(part, port) for part in value]
    return {with_port(name, port): with_port(part, port) for name, part in value.items()}


def write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def run(config: Any) -> tuple[int, str]:
    """The command to its end: its exit code, and the end of what it wrote."""
    kept = bytearray()
    try:
        process = subprocess.Popen(
            config["argv"],
            env={**os.environ, **config["env"]},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except OSError as error:
        return 127, f"{config['argv'][0]}: {error.strerror}"

    def keep() -> None:
        assert process.stdout is not None
        while data := os.read(process.stdout.fileno(), 1 << 16):
            kept.extend(data)
            del kept[:-KEPT_OUTPUT]

    reader = threading.Thread(target=keep, daemon=True)
    reader.start()
    code = process.wait()
    reader.join(SETTLING_SEC)  # what it left running may hold its output open
    return (code if code >= 0 else 128 - code), bytes(kept).decode(errors="replace")


def main() -> None:
    # Commands of the agent have the same user: they shall not look into this process or hold its pipes.
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    wire = Handler.wire = Wire()
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    _, _, data = wire.hear()
    server = Server(("127.0.0.1", 0), Handler)
    config = with_port(json.loads(data), server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Thread(target=wire.hear_answers, daemon=True).start()
    for path, text in config["files"].items():
        write(path, text)
    code, output = run(config)
    wire.say(b"X", 0, json.dumps({"code": code, "output": output}).encode())
    threading.Event().wait()  # until the outside closes the pipes


if __name__ == "__main__":
    main()
