"""What a probe says of endpoints that can much, little, or are not there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from agents.models import ModelConfig
from agents.probe import probe


@contextmanager
def answering(*, tools: bool, schemas: bool, ids: bool, served: str = "m") -> Iterator[str]:
    """An endpoint with these abilities."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send({"data": [{"id": served, "max_model_len": 4096}]})

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            message: dict[str, Any] = {"role": "assistant", "content": "five"}
            if "tools" in asked and tools:
                call = {"name": "add", "arguments": json.dumps({"a": 2, "b": 3})}
                message["tool_calls"] = [{"id": "c", "type": "function", "function": call}]
            if "response_format" in asked and schemas:
                message["content"] = '{"sum": 5}'
            choice: dict[str, Any] = {"message": message}
            if ids and asked.get("return_token_ids"):
                choice |= {"token_ids": [1], "logprobs": {"content": [{"logprob": -1.0}]}}
            self._send({"id": "x", "choices": [choice]})

        def _send(self, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


def model(url: str, **more: Any) -> ModelConfig:
    return ModelConfig.model_validate({"name": "n", "model": "m", "base_url": url, "context_length": 2048, **more})


async def test_an_able_endpoint_has_no_notes() -> None:
    with answering(tools=True, schemas=True, ids=True) as url:
        (report,) = await probe(model(url, tokens="vllm"))
    assert (report.is_served, report.answers, report.tool_calling, report.schemas) == (True, True, True, True)
    assert (report.token_ids, report.logprobs, report.context_length, report.notes) == (True, True, 4096, ())


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({}, "set `tool_calling: json`"),
        ({"tool_calling": "json"}, "does not obey response_format"),
        ({"tokens": "vllm"}, "gives no token ids"),
        ({"model": "other"}, "it lists: m"),
        ({"context_length": 9000}, "more than the server's 4096"),
    ],
)
async def test_what_it_cannot_do_comes_with_what_to_change(change: dict[str, Any], note: str) -> None:
    with answering(tools=False, schemas=False, ids=False) as url:
        (report,) = await probe(model(url, **change))
    assert report.answers
    assert any(note in each for each in report.notes) or (change.get("model") == "other" and not report.is_served)


async def test_every_replica_is_asked_and_one_that_is_not_there_is_said() -> None:
    with answering(tools=True, schemas=True, ids=True) as url:
        there, gone = await probe(model(url, replicas=("http://127.0.0.1:9/v1",)))
    assert there.answers and not gone.is_reachable
    assert "ConnectError" in gone.notes[0]
