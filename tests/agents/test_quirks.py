"""Chat templates that bear less than OpenAI's API says, and answers that need mending."""

import json

import pytest

from agents._quirks import mended, shaped, without_reasoning
from agents.models import ModelConfig, Quirks
from tests.agents.conftest import RollOut
from tests.agents.openai_server import says, serving

TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello."},
    {"role": "user", "content": "Are you there?"},
]


def test_without_a_system_role_its_text_goes_before_the_users() -> None:
    assert shaped(TALK, Quirks(system_role=False))[0] == {"role": "user", "content": "Be brief.\n\nHello."}
    assert shaped(TALK[:1], Quirks(system_role=False)) == [{"role": "user", "content": "Be brief."}]
    assert shaped(TALK, Quirks()) == TALK


def test_neighbours_of_one_role_are_joined_and_calls_are_not() -> None:
    calls = [{"role": "assistant", "content": "", "tool_calls": [{}]}, {"role": "tool", "content": "done"}]
    found = shaped([*TALK, *calls, {"role": "user", "content": "Go on."}], Quirks(alternating=True))
    assert [each["role"] for each in found] == ["system", "user", "assistant", "tool", "user"]
    assert found[1]["content"] == "Hello.\n\nAre you there?"


@pytest.mark.parametrize(
    ("text", "answer", "thought"),
    [
        ("<think>hm</think>\n42", "42", "hm"),
        ("hm, so</think>42", "42", "hm, so"),
        ("42", "42", ""),
    ],
)
def test_reasoning_is_parted_from_the_answer(text: str, answer: str, thought: str) -> None:
    assert without_reasoning(text, "think") == (answer, thought)


@pytest.mark.parametrize(("arguments", "is_kept"), [('{"a": 1}', True), ("[1]", False), ("{", True), ("3", False)])
def test_only_arguments_that_are_no_object_are_changed(arguments: str, is_kept: bool) -> None:
    call = {"id": "c", "function": {"name": "f", "arguments": arguments}}
    found = mended({"choices": [{"message": {"tool_calls": [call]}}]})["choices"][0]["message"]["tool_calls"][0]
    assert (found == call) is is_kept


async def test_requests_and_steps_show_it(rolling: RollOut) -> None:
    said = says(f"<think>I am done.</think>{json.dumps({'thought': 'so', 'tool': 'submit', 'arguments': {}})}")
    quirks = {"system_role": False, "reasoning_tag": "think", "template": {"enable_thinking": True}}
    with serving(said) as (server, url):
        model = ModelConfig.model_validate(
            {"name": "m", "model": "m", "base_url": url, "tool_calling": "json", "quirks": quirks}
        )
        rollout = await rolling("react", model=model)
    assert rollout.ending == "submitted"
    assert server.requests[0]["chat_template_kwargs"] == {"enable_thinking": True}
    assert {message["role"] for message in server.requests[0]["messages"]} == {"user"}
    assert rollout.trajectory.steps[-1].reasoning_content == "I am done."
