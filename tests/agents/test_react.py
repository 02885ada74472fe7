"""react against a real HTTP server: a good model solves; every fault of a bad one ends in a defined state."""

import json
import time

import pytest

from agents.models import ModelConfig
from tests.agents.conftest import RollOut
from tests.agents.openai_server import Answer, drops, says, sends, serving, waits
from trajectories.exports.exporter import example_of

FIX = {
    "path": "tinylib/numbers.py",
    "old": "if value > high:\n        return low",
    "new": "if value > high:\n        return high",
}


def model(url: str, **changes: object) -> ModelConfig:
    fields: dict[str, object] = {"name": "scripted", "model": "scripted", "base_url": url, "tries": 3, "timeout_sec": 5}
    return ModelConfig.model_validate({**fields, "api_key": "sk-very-secret", **changes})


async def test_a_model_that_knows_solves(rolling: RollOut) -> None:
    answers = (
        says("I look.", ("read", {"path": "tinylib/numbers.py"})),
        says("There.", ("edit", FIX), ("run_tests", {})),
        says("", ("submit", {})),
    )
    with serving(*answers) as (server, url):
        rollout = await rolling("react", model=model(url, price_prompt=1.0, price_completion=2.0))
    assert (rollout.verdict.reward, rollout.ending) == (1.0, "submitted")
    assert (rollout.prompt_tokens, rollout.completion_tokens) == (300, 30)
    assert rollout.cost_usd == pytest.approx(360e-6)
    names = [[call.function_name for call in step.tool_calls or ()] for step in rollout.trajectory.steps]
    assert names == [[], [], ["read"], ["edit", "run_tests"], ["submit"]]
    assert {tool["function"]["name"] for tool in server.requests[0]["tools"]} >= {"bash", "edit", "submit"}
    assert server.headers[0]["authorization"] == "Bearer sk-very-secret"
    assert "very-secret" not in rollout.model_dump_json()
    assert [message["role"] for message in example_of(rollout).messages[:2]] == ["system", "user"]


@pytest.mark.parametrize(
    "fault",
    [
        sends(b'{"error": {"message": "slow down"}}', status=429, headers={"Retry-After": "0.1"}),
        sends(b'{"error": {"message": "oops"}}', status=500),
        sends(b"{not json"),
        sends(b"{}"),
        drops,
    ],
    ids=["429", "500", "malformed", "empty object", "dropped"],
)
async def test_a_passing_fault_is_tried_again(rolling: RollOut, fault: Answer) -> None:
    with serving(fault, says("", ("edit", FIX)), fault, says("", ("submit", {}))) as (server, url):
        rollout = await rolling("react", model=model(url))
    assert (rollout.verdict.reward, rollout.ending) == (1.0, "submitted")
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (sends(b'{"error": {"message": "oops"}}', status=500), "oops"),
        (sends(b'{"error": {"message": "no such model"}}', status=404), "no such model"),
        (sends(b"<html>"), ""),
        (drops, ""),
        (waits(6, says("late")), "timed out"),
    ],
    ids=["500", "404", "malformed", "dropped", "slow"],
)
async def test_a_lasting_fault_ends_as_model_error_with_the_address(
    rolling: RollOut, answer: Answer, said: str
) -> None:
    with serving(answer) as (_, url):
        start = time.monotonic()
        rollout = await rolling("react", model=model(url, timeout_sec=1))
    assert rollout.ending == "model_error"
    assert url in rollout.ending_detail and said in rollout.ending_detail
    assert time.monotonic() - start < 40
    assert not rollout.is_unknown and rollout.verdict.reward == 0.0


async def test_a_server_that_is_not_there_is_the_infrastructures_fault(rolling: RollOut) -> None:
    rollout = await rolling("react", model=model("http://127.0.0.1:9/v1", away_sec=0.5))
    assert rollout.ending == "infrastructure_error" and rollout.is_unknown
    assert "http://127.0.0.1:9/v1" in rollout.ending_detail


async def test_wrong_calls_are_told_to_the_model_and_repaired(rolling: RollOut) -> None:
    answers = (
        says("", ("edit", "{broken json")),
        says("", ("edit", {"file": "x"})),
        says("", ("fly", {})),
        says("", ("edit", FIX)),
        says("", ("submit", {})),
    )
    with serving(*answers) as (server, url):
        rollout = await rolling("react", model=model(url))
    assert (rollout.verdict.reward, rollout.ending, rollout.invalid_tool_calls) == (1.0, "submitted", 3)
    told = [message["content"] for message in server.requests[3]["messages"] if message["role"] == "tool"]
    assert "not JSON" in told[0] and "path: Field required" in told[1] and "no tool 'fly'" in told[2]


async def test_prose_after_a_failed_call_is_not_the_end(rolling: RollOut) -> None:
    answers = (
        says("", ("edit", {})),
        says("I am sorry, I could not edit."),
        says("", ("edit", FIX)),
        says("", ("submit", {})),
    )
    with serving(*answers) as (_, url):
        rollout = await rolling("react", model=model(url))
    assert rollout.verdict.reward == 1.0


@pytest.mark.parametrize(
    "answer", [says(""), says("word " * 2000), says("", ("fly", {}))], ids=["empty", "prose", "fly"]
)
async def test_a_model_that_never_calls_rightly_ends_within_a_bound(rolling: RollOut, answer: Answer) -> None:
    with serving(answer) as (server, url):
        rollout = await rolling("react", model=model(url))
    assert (rollout.ending, len(server.requests)) == ("invalid_calls", 5)


@pytest.mark.parametrize(
    ("limits", "ending"),
    [({"steps": 3}, "step_limit"), ({"tokens": 250}, "token_limit"), ({"cost_usd": 2.5e-4}, "cost_limit")],
)
async def test_limits_end_it_with_their_reason(rolling: RollOut, limits: dict[str, float], ending: str) -> None:
    with serving(says("", ("bash", {"command": "true"}))) as (server, url):
        rollout = await rolling("react", model=model(url, price_prompt=1.0), **limits)
    assert rollout.ending == ending
    assert len(server.requests) == 3


async def test_a_model_without_tool_calling_speaks_json(rolling: RollOut) -> None:
    answers = (
        says(json.dumps({"thought": "mend", "tool": "edit", "arguments": FIX})),
        says("no JSON at all"),
        says(json.dumps({"thought": "done", "tool": "submit", "arguments": {}})),
    )
    with serving(*answers) as (server, url):
        rollout = await rolling("react", model=model(url, tool_calling="json"))
    assert (rollout.verdict.reward, rollout.invalid_tool_calls) == (1.0, 1)
    first = server.requests[0]
    assert "tools" not in first and first["response_format"]["type"] == "json_schema"
    assert {message["role"] for message in server.requests[-1]["messages"]} <= {"system", "user", "assistant"}


async def test_token_ids_that_the_server_gives_are_on_the_step(rolling: RollOut) -> None:
    body = {
        "id": "one",
        "object": "chat.completion",
        "created": 0,
        "model": "scripted",
        "prompt_token_ids": [1, 2, 3],
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls",
                "token_ids": [4, 5],
                "logprobs": {"content": [{"token": "a", "logprob": -0.1}, {"token": "b", "logprob": -0.2}]},
                "message": {
                    "role": "assistant",
                    "content": "",
                    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "submit", "arguments": "{}"}}],
                },
            }
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }
    with serving(sends(json.dumps(body).encode())) as (server, url):
        rollout = await rolling("react", model=model(url, tokens="vllm"))
    assert server.requests[0]["return_token_ids"] is True
    metrics = rollout.trajectory.steps[-1].metrics
    assert metrics is not None
    assert (metrics.prompt_token_ids, metrics.completion_token_ids) == ((1, 2, 3), (4, 5))
    assert metrics.logprobs == (-0.1, -0.2)


async def test_a_replica_that_dies_costs_no_rollout(rolling: RollOut) -> None:
    with serving(says("", ("edit", FIX)), says("", ("submit", {}))) as (_, url):
        rollout = await rolling("react", model=model("http://127.0.0.1:9/v1", replicas=(url,), tries=1))
    assert (rollout.verdict.reward, rollout.ending) == (1.0, "submitted")
