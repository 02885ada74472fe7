"""The model's answers, kept in a file: the same request, with the same seed, has the same answer in every run.

So arms that ask the same share their luck (a first attempt is the attempt without the piece), and a run that was
stopped goes on where it was. A small server on loopback stands before the model's own, which is asked what is new.
"""

import http.client
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.ablation.lines import Lines

UPSTREAM_SEC = 300.0


class Kept:
    """Answers by the hash of their request, one JSON object a line; only those with status 200."""

    def __init__(self, file: Path) -> None:
        self._lines = Lines(file)
        self._known: dict[str, str] = {row["key"]: row["answer"] for row in self._lines.rows}
        self.asked = self.found = 0

    def get(self, body: bytes) -> str | None:
        answer = self._known.get(_key(body))
        self.asked += 1
        self.found += answer is not None
        return answer

    def put(self, body: bytes, answer: str) -> None:
        self._known[_key(body)] = answer
        self._lines.add({"key": _key(body), "answer": answer})


def _key(body: bytes) -> str:
    return sha256(body).hexdigest()


@contextmanager
def keeping(base_url: str, file: Path) -> Iterator[tuple[str, Kept]]:
    """The base URL of a server that answers from `file` and asks `base_url` for the rest."""
    kept, upstream = Kept(file), urlsplit(base_url)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer, status = kept.get(body), 200
            if answer is None:
                status, answer = self._ask(body)
                if status == 200:
                    kept.put(body, answer)
            self._say(status, answer.encode())

        def do_GET(self) -> None:
            status, answer = self._ask(None)
            self._say(status, answer.encode())

        def _ask(self, body: bytes | None) -> tuple[int, str]:
            connection = http.client.HTTPConnection(upstream.hostname or "", upstream.port, timeout=UPSTREAM_SEC)
            try:
                connection.request(self.command, self.path, body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                return response.status, response.read().decode()
            except OSError as error:
                return 502, json.dumps({"error": {"message": str(error)}})
            finally:
                connection.close()

        def _say(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{upstream.path}", kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
