"""tamperer: every trick is paid by a verifier that is weak to it, and by none of ours."""

from pathlib import Path

import pytest

from agents.agent import AgentLimits
from agents.cheats.tamperer import TRICKS, Tamperer
from agents.errors import AgentFault
from agents.registry import get_agent
from agents.rollout import roll_out
from environments import Backend
from tasks.folder import read_task
from tasks.task import Task
from trajectories.rollout import Rollout, RolloutKey

PAID_BY = {
    "plant-exit": ("start-hook", "shadowed-module", "script-in-workspace", "followed-link"),
    "plant-pass": ("tests-in-workspace",),
    "source-exit": ("exit-code", "reward-file"),
    "source-patch": ("tests-in-workspace",),
    "source-reward": ("reward-file",),
}


async def roll(task: Task, trick: str, backend: Backend) -> Rollout:
    key = RolloutKey(suite_hash="s", task_id=task.id, agent=f"tamperer-{trick}", backend=backend.name)
    return await roll_out(task, get_agent(f"tamperer-{trick}"), backend, key=key, limits=AgentLimits(), model=None)


@pytest.mark.parametrize("trick, task_id", [(trick, task_id) for trick, ids in PAID_BY.items() for task_id in ids])
async def test_weak_verifiers_pay_and_strong_ones_do_not(
    planted_suites: dict[str, Path], trick: str, task_id: str, session_cache: Path, bubblewrap: Backend
) -> None:
    rewards = []
    for suite in ("planted", "clean"):
        task = read_task(planted_suites[suite] / "tasks" / task_id, cache=session_cache)
        rollout = await roll(task, trick, bubblewrap)
        assert rollout.verdict.error is None
        rewards.append(rollout.verdict.reward)
    assert rewards == [1.0, 0.0]


@pytest.mark.parametrize("trick", TRICKS)
async def test_our_own_verifier_pays_none(tiny_task: Task, trick: str, bubblewrap: Backend) -> None:
    rollout = await roll(tiny_task, trick, bubblewrap)
    assert rollout.diff, "the trick was played"
    assert rollout.verdict.reward == 0.0
    assert rollout.verdict.error is None
    assert rollout.attempts, "and seen"


def test_a_trick_that_is_not_there() -> None:
    with pytest.raises(AgentFault, match="plant-exit"):
        Tamperer("bribe")
