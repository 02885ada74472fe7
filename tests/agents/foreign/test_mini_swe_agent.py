"""mini-swe-agent as it is on PyPI, run for real inside the sandbox. Slow once: it is installed into the cache."""

import importlib.util

import pytest
from pydantic import SecretStr

from agents.local_model import local_model
from agents.models import ModelConfig

from ..conftest import RollOut
from ..openai_server import says, serving

MEND = "sed -i '11s/low/high/' tinylib/numbers.py"
DONE = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
KEY = "sk-the-real-key-0123456789"


async def test_it_solves_a_task_and_leaves_its_trajectory(rolling: RollOut) -> None:
    look, mend = ("bash", {"command": "cat tinylib/numbers.py"}), ("bash", {"command": MEND})
    answers = [says("I look.", look), says("", mend), says("Done.", ("bash", {"command": DONE}))]
    with serving(*answers) as (server, url):
        model = ModelConfig(name="served", model="served-7b", base_url=url, api_key=SecretStr(KEY), price_prompt=1.0)
        rollout = await rolling("mini-swe-agent", model=model, seconds=240)
    assert rollout.ending == "submitted", rollout.ending_detail
    assert rollout.verdict.is_solved
    assert (rollout.prompt_tokens, rollout.completion_tokens) == (300, 30)
    assert rollout.cost_usd == pytest.approx(300 / 1e6)
    trajectory = rollout.trajectory
    assert [step.source for step in trajectory.steps] == ["system", "user", "agent", "agent", "agent"]
    assert (trajectory.agent.name, trajectory.agent.model_name) == ("mini-swe-agent", "served-7b")
    step = trajectory.steps[2]
    assert step.tool_calls and step.tool_calls[0].arguments == {"command": "cat tinylib/numbers.py"}
    assert step.observation and "def clamp" in str(step.observation.results[0].content)
    assert step.metrics and step.metrics.prompt_tokens == 100
    assert trajectory.agent.tool_definitions and trajectory.agent.tool_definitions[0]["function"]["name"] == "bash"
    assert KEY not in rollout.model_dump_json() and server.headers[0]["authorization"] == f"Bearer {KEY}"


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="the small local model is not installed")
async def test_the_small_real_model_drives_it(rolling: RollOut) -> None:
    async with local_model() as model:
        rollout = await rolling("mini-swe-agent", model=model, seconds=400, steps=3)
    assert rollout.ending in ("step_limit", "submitted", "invalid_calls", "agent_error", "finished"), (
        rollout.ending_detail
    )
    said = [step for step in rollout.trajectory.steps if step.source == "agent"]
    assert said and rollout.completion_tokens > 0, (rollout.ending, rollout.ending_detail)
    assert said[0].metrics and said[0].metrics.completion_token_ids
    assert rollout.verdict.error is None
