"""The small real model on the CPU goes the whole way: served, asked, its calls carried out, its tokens counted."""

import pytest

from agents.errors import ModelUnavailable
from agents.local_model import local_model, model_file
from tests.agents.conftest import RollOut


@pytest.fixture
def installed() -> None:
    try:
        model_file()
    except ModelUnavailable as error:
        pytest.skip(str(error))


async def test_react_with_the_small_real_model(rolling: RollOut, installed: None) -> None:
    async with local_model() as model:
        rollout = await rolling("react", model=model, steps=3, seconds=120)
    assert rollout.ending in ("submitted", "step_limit", "time_limit", "invalid_calls"), rollout.ending_detail
    assert rollout.prompt_tokens > 100 and rollout.completion_tokens > 3
    called = [step for step in rollout.trajectory.steps if step.tool_calls]
    assert called and all(step.model_name == model.model for step in called)
    assert not rollout.is_unknown
