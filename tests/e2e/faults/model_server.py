"""A model's server as a process of its own, so that it can be killed: python model_server.py PORT LOG PROMPT [SECONDS]

Each conversation is asked to write `hello`, and is then told to submit. The first PROMPT conversations are answered at
once, or after SECONDS; the others wait for their second answer for as long as the server lives. LOG gets a line for
each request: `first`, `second` or `held`.
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

WRITE = {"command": "echo hello > /workspace/hello.txt"}


def call(name: str, arguments: dict[str, str], call_id: str) -> bytes:
    function = {"name": name, "arguments": json.dumps(arguments)}
    message = {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": call_id, "type": "function", "function": function}],
    }
    body: dict[str, Any] = {"id": call_id, "object": "chat.completion", "created": 0, "model": "hello"}
    body["choices"] = [{"index": 0, "message": message, "finish_reason": "tool_calls"}]
    body["usage"] = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    return json.dumps(body).encode()


def main(port: int, log: Path, prompt: int, seconds: float) -> None:
    lock, conversations = threading.Lock(), [0]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            messages = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["messages"]
            made = [call["id"] for message in messages for call in message.get("tool_calls") or ()]
            if not made:
                with lock:
                    conversations[0] += 1
                    number = conversations[0]
                self.note("first")
                self.answer(call("bash", WRITE, f"conversation-{number}"))
                return
            number = int(made[0].rpartition("-")[2])
            if number > prompt:
                self.note("held")
                time.sleep(3600)
            self.note("second")
            time.sleep(seconds)
            self.answer(call("submit", {}, f"end-{number}"))

        def do_GET(self) -> None:
            self.answer(b'{"object": "list", "data": []}')

        def answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def note(self, word: str) -> None:
            with lock, log.open("a") as file:
                file.write(word + "\n")

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]) if len(sys.argv) > 4 else 0.0)
