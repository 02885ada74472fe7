"""Every fault of a model's server, end to end: a defined end, its reason on the rollout; nothing hangs or is lost."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from agents.models import ModelConfig
from tests.agents.conftest import RollOut
from tests.agents.openai_server import Answer, drops, says, sends, serving, waits
from trajectories.store import open_store

FIX = {
    "path": "tinylib/numbers.py",
    "old": "if value > high:\n        return low",
    "new": "if value > high:\n        return high",
}
EDIT, SUBMIT = says("", ("edit", FIX)), says("", ("submit", {}))
TRIES = 2
TIMEOUT_SEC = 0.6  # of a request
BOUND_SEC = 40.0  # of a rollout on a busy machine; with a fault that hangs it would be its time limit of 60 s


def endless(chunk: bytes, pause: float) -> Answer:
    """An answer without an end."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        while True:  # until the client goes
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            handler.wfile.flush()
            time.sleep(pause)

    return answer


def completion(message: dict[str, Any] | None, **more: Any) -> Answer:
    choices = [] if message is None else [{"index": 0, "message": message, "finish_reason": "stop"}]
    body = {"id": "x", "object": "chat.completion", "created": 0, "model": "scripted", "choices": choices, **more}
    return sends(json.dumps(body).encode())


def error(status: int, text: str, **headers: str) -> Answer:
    return sends(json.dumps({"error": {"message": text}}).encode(), status=status, headers=headers)


@dataclass(frozen=True)
class Case:
    """The server answers like this for ever. `said`: part of the rollout's reason. `asked`: requests that come."""

    name: str
    answer: Answer
    ending: str
    said: str
    asked: int = TRIES
    model: dict[str, Any] = field(default_factory=dict)


LASTING = [
    Case("slow", waits(3, SUBMIT), "model_error", "timed out"),
    Case("drips", endless(b" ", 0.1), "model_error", "timed out"),
    Case("endless", endless(b"x" * 2**20, 0.0), "model_error", "", model={"timeout_sec": 20.0}),
    Case("429", error(429, "slow down"), "model_error", "slow down"),
    Case("500", error(500, "oops"), "model_error", "oops"),
    Case("503", error(503, "loading"), "model_error", "loading"),
    Case("400", error(400, "too long a prompt"), "model_error", "too long a prompt", asked=1),
    Case("401", error(401, "wrong key"), "model_error", "wrong key", asked=1),
    Case("404", error(404, "no such model"), "model_error", "no such model", asked=1),
    Case("dropped in the middle", drops, "model_error", "", asked=TRIES),
    Case("malformed JSON", sends(b'{"id": "x", "choices": [{'), "model_error", ""),
    Case("a page", sends(b"<html>busy</html>", headers={"Content-Type": "text/html"}), "model_error", ""),
    Case("nothing at all", sends(b""), "model_error", ""),
    Case("an empty object", sends(b"{}"), "model_error", ""),
    Case("a list", sends(b"[]"), "model_error", ""),
    Case("no choices", completion(None), "model_error", ""),
    Case("empty reply", completion({"role": "assistant", "content": ""}), "invalid_calls", "without a tool call", 5),
    Case("null reply", completion({"role": "assistant", "content": None}), "invalid_calls", "without a tool call", 5),
    Case("prose", says("word " * 5000), "invalid_calls", "without a tool call", 5),
    Case("unknown tool", says("", ("fly", {})), "invalid_calls", "no tool 'fly'", 5),
    Case("wrong arguments", says("", ("edit", {"file": 1})), "invalid_calls", "path: Field required", 5),
    Case("arguments of a wrong type", says("", ("read", {"path": [1]})), "invalid_calls", "path: ", 5),
    Case("arguments that are no JSON", says("", ("edit", "{broken")), "invalid_calls", "not JSON", 5),
    Case("arguments that are a list", says("", ("edit", "[1]")), "invalid_calls", "not JSON", 5),
]


def scripted(url: str, **changes: Any) -> ModelConfig:
    fields = {"name": "scripted", "model": "scripted", "base_url": url, "tries": TRIES, "timeout_sec": TIMEOUT_SEC}
    return ModelConfig.model_validate({**fields, **changes})


@pytest.mark.parametrize("case", LASTING, ids=lambda case: case.name)
async def test_a_lasting_fault_ends_with_its_reason_and_keeps_what_was_done(
    case: Case, rolling: RollOut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.endpoint.MOST_BYTES", 4 * 2**20)
    edit = says("I mend it.", ("edit", FIX))
    with serving(edit, case.answer) as (server, url):
        start = time.monotonic()
        rollout = await rolling("react", model=scripted(url, **case.model))
        took = time.monotonic() - start
    assert rollout.ending == case.ending, rollout.ending_detail
    assert case.said in rollout.ending_detail and rollout.ending_detail
    assert case.ending != "model_error" or url in rollout.ending_detail
    assert took < BOUND_SEC
    assert len(server.requests) == 1 + case.asked
    # Nothing is lost: the edit before the fault counts, its step and tokens are there, and the store holds it all.
    assert rollout.verdict.reward == 1.0 and not rollout.is_unknown
    assert rollout.trajectory.steps[2].message == "I mend it." and rollout.prompt_tokens >= 100
    with open_store(tmp_path / "store") as store:
        assert store.record(rollout)
        assert store.load(rollout.key.id) == rollout


@pytest.mark.parametrize(
    "fault",
    [
        error(429, "slow down", **{"Retry-After": "0.2"}),
        error(500, "oops"),
        drops,
        waits(5, SUBMIT),
        endless(b" ", 0.1),
        sends(b"{"),
        sends(b""),
        completion(None),
    ],
    ids=["429", "500", "dropped", "slow", "drips", "malformed", "nothing", "no choices"],
)
async def test_a_passing_fault_costs_a_try_and_nothing_else(fault: Answer, rolling: RollOut) -> None:
    with serving(fault, EDIT, fault, SUBMIT) as (server, url):
        rollout = await rolling("react", model=scripted(url, timeout_sec=2.0))  # more than a busy machine takes
    assert (rollout.verdict.reward, rollout.ending, rollout.ending_detail) == (1.0, "submitted", "")
    assert (len(server.requests), rollout.invalid_tool_calls) == (4, 0)


async def test_retry_after_is_waited_for(rolling: RollOut) -> None:
    times: list[float] = []

    def noted(answer: Answer) -> Answer:
        def take(handler: BaseHTTPRequestHandler) -> None:
            times.append(time.monotonic())
            answer(handler)

        return take

    with serving(noted(error(429, "slow down", **{"Retry-After": "1.5"})), noted(SUBMIT)) as (_, url):
        rollout = await rolling("react", model=scripted(url))
    assert rollout.ending == "submitted"
    assert times[1] - times[0] >= 1.5


async def test_time_that_runs_out_while_waiting_is_the_time_limit(rolling: RollOut) -> None:
    with serving(error(429, "slow down", **{"Retry-After": "30"})) as (_, url):
        start = time.monotonic()
        rollout = await rolling("react", model=scripted(url), seconds=2.0)
    assert rollout.ending == "time_limit"
    assert url in rollout.ending_detail and "slow down" in rollout.ending_detail
    assert time.monotonic() - start < 20


async def test_a_wrong_call_is_told_and_mended(rolling: RollOut) -> None:
    wrong: list[Callable[[BaseHTTPRequestHandler], None]] = [
        says("", ("edit", {"path": 3})),
        says("", ("edit", "{")),
        says(""),
        EDIT,
        SUBMIT,
    ]
    with serving(*wrong) as (server, url):
        rollout = await rolling("react", model=scripted(url))
    assert (rollout.verdict.reward, rollout.ending, rollout.invalid_tool_calls) == (1.0, "submitted", 3)
    told = [str(message["content"]) for message in server.requests[-1]["messages"]]
    assert any("wrong arguments of edit" in text for text in told) and any("not JSON" in text for text in told)
