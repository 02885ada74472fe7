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
async def test_the_small_real_model_drives_it_to_a_defined_end(rolling: RollOut) -> None:
    """It is too small for the agent's protocol: what counts is that all it said is there, and how it ended."""
    async with local_model() as model:
        brief = model.model_copy(update={"max_tokens": 60})
        rollout = await rolling("mini-swe-agent", model=brief, seconds=240, steps=4)
    # Three answers without one fenced command: mini-swe-agent gives up. Where there was one, our limit ends it.
    assert rollout.ending in ("invalid_calls", "step_limit"), (rollout.ending, rollout.ending_detail)
    assert rollout.verdict.error is None and rollout.verdict.reward in (0.0, 1.0)
    said = [step for step in rollout.trajectory.steps if step.source == "agent"]
    assert 3 <= len(said) <= 4, "each answer of the model is a step, those that the agent dropped too"
    for step in said:
        assert step.message and step.metrics and step.metrics.completion_token_ids
    assert sum(step.metrics.completion_tokens or 0 for step in said if step.metrics) == rollout.completion_tokens > 0
