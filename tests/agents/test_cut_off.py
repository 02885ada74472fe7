"""A JSON answer that reached the limit of tokens is the model's fault: told to it, counted, and not asked for again."""

import json

from agents.models import ModelConfig
from tests.agents.conftest import RollOut
from tests.agents.openai_server import Answer, says, sends, serving


def cut_off(text: str) -> Answer:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "length"}
    usage = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
    body = {"id": "x", "object": "chat.completion", "created": 0, "model": "scripted", "choices": [choice]}
    return sends(json.dumps({**body, "usage": usage}).encode())


async def test_an_answer_that_was_cut_off_is_a_malformed_call(rolling: RollOut) -> None:
    done = says(json.dumps({"thought": "", "tool": "submit", "arguments": {}}))
    with serving(cut_off('{"thought": "I go on and'), done) as (server, url):
        model = ModelConfig(name="s", model="s", base_url=url, tool_calling="json", tries=3, timeout_sec=5)
        rollout = await rolling("react", model=model)
    assert rollout.ending == "submitted", rollout.ending_detail
    assert len(server.requests) == 2, "the same answer would come again"
    assert rollout.invalid_tool_calls == 1
    assert rollout.completion_tokens == 60, "its tokens count"
    assert "the arguments are not JSON" in server.requests[1]["messages"][-1]["content"]
