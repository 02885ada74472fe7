"""A Hugging Face hub on loopback: the few endpoints by which a data set is made and a commit put into it."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hf_loopback"


@dataclass
class Hub:
    """`files`: what the data set holds now; `commits`: the paths that each commit wrote or deleted."""

    endpoint: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    commits: list[dict[str, set[str]]] = field(default_factory=list)
    made: dict[str, Any] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)
    fails_at: str = ""

    def commit(self, lines: list[dict[str, Any]]) -> None:
        written, deleted = set(), set()
        for line in lines:
            value = line["value"]
            match line["key"]:
                case "file":
                    self.files[value["path"]] = base64.b64decode(value["content"])
                    written.add(value["path"])
                case "lfsFile":
                    self.files[value["path"]] = self.large[value["oid"]]
                    written.add(value["path"])
                case "deletedFile":
                    del self.files[value["path"]]
                    deleted.add(value["path"])
        self.commits.append({"written": written, "deleted": deleted})


@contextmanager
def serving() -> Iterator[Hub]:
    hub = Hub()

    class Answering(BaseHTTPRequestHandler):
        def answer(self, value: Any, status: int = 200) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @property
        def body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def is_refused(self) -> bool:
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self.answer({"error": "Invalid username or password."}, 401)
                return True
            if hub.fails_at and hub.fails_at in self.path:
                self.answer({"error": "You have no right to write here"}, 403)
                return True
            return False

        def do_GET(self) -> None:
            if not self.is_refused():
                self.answer([{"type": "file", "path": path, "oid": "0", "size": 1} for path in hub.files])

        def do_PUT(self) -> None:  # the storage of large files, which has its own rights
            body = self.body
            hub.large[hashlib.sha256(body).hexdigest()] = body
            self.answer({})

        def do_POST(self) -> None:
            body = self.body
            if self.is_refused():
                return
            path = self.path.partition("?")[0]
            if path == "/api/repos/create":
                hub.made = json.loads(body)
                self.answer({"url": f"{hub.endpoint}/datasets/me/data"})
            elif path == "/api/validate-yaml":
                self.answer({"warnings": [], "errors": []})
            elif path == "/api/datasets/me/data/preupload/main":
                names = [each["path"] for each in json.loads(body)["files"]]
                self.answer({"files": [_mode(name) for name in names]})
            elif path == "/datasets/me/data.git/info/lfs/objects/batch":
                objects = json.loads(body)["objects"]
                self.answer({"transfer": "basic", "objects": [_upload(hub.endpoint, each) for each in objects]})
            elif path == "/api/datasets/me/data/commit/main":
                hub.commit([json.loads(line) for line in body.splitlines()])
                number = f"{len(hub.commits):040}"
                url = f"{hub.endpoint}/datasets/me/data/commit/{number}"
                self.answer({"success": True, "commitOid": number, "commitUrl": url})
            else:
                self.answer({"error": f"no {path} here"}, 404)

        def log_message(self, *arguments: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _mode(name: str) -> dict[str, Any]:
    return {"path": name, "uploadMode": "lfs" if name.endswith(".parquet") else "regular", "shouldIgnore": False}


def _upload(endpoint: str, wanted: dict[str, Any]) -> dict[str, Any]:
    return {**wanted, "actions": {"upload": {"href": f"{endpoint}/large/{wanted['oid']}"}}}
