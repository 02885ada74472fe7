"""Rollouts of one tiny task in real sandboxes."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agents.agent import AgentLimits
from agents.models import ModelConfig
from agents.registry import get_agent
from agents.rollout import roll_out
from environments import Backend
from tasks.task import Task
from trajectories.rollout import Rollout, RolloutKey

RollOut = Callable[..., Awaitable[Rollout]]


@pytest.fixture
def rolling(tiny_task: Task, bubblewrap: Backend) -> RollOut:
    """Roll out an agent by name on the tiny task."""

    async def run(agent: str, *, model: ModelConfig | None = None, task: Task | None = None, **limits: Any) -> Rollout:
        chosen = task or tiny_task
        key = RolloutKey(
            suite_hash="tests", task_id=chosen.id, agent=agent, model=model.name if model else "", backend="bubblewrap"
        )
        options = {"seconds": 60.0, **limits}
        return await roll_out(chosen, get_agent(agent), bubblewrap, key=key, limits=AgentLimits(**options), model=model)

    return run
