"""thief: solves what leaks, and leaves a clean task as it is."""

from pathlib import Path

import pytest

from agents.agent import AgentLimits
from agents.registry import get_agent
from agents.rollout import roll_out
from environments import Backend
from tasks.folder import read_task
from trajectories.rollout import Rollout, RolloutKey


async def roll(folder: Path, agent: str, cache: Path, backend: Backend) -> Rollout:
    task = read_task(folder, cache=cache)
    key = RolloutKey(suite_hash="s", task_id=task.id, agent=agent, backend=backend.name)
    return await roll_out(task, get_agent(agent), backend, key=key, limits=AgentLimits(), model=None)


@pytest.mark.parametrize(
    "task_id",
    [
        "git-earlier-commit",
        "git-dangling-in-pack",
        "git-stash",
        "backup-file",
        "wheel",
        "bytecode",
        "patch-file",
        "base64",
    ],
)
async def test_what_leaks_is_applied(
    planted_suites: dict[str, Path], task_id: str, session_cache: Path, bubblewrap: Backend
) -> None:
    rollout = await roll(planted_suites["planted"] / "tasks" / task_id, "thief", session_cache, bubblewrap)
    assert rollout.verdict.is_solved
    assert "history-search" in {attempt.kind for attempt in rollout.attempts}


@pytest.mark.parametrize("task_id", ["git-earlier-commit", "wheel", "patch-file"])
async def test_clean_twins_give_nothing(
    planted_suites: dict[str, Path], task_id: str, session_cache: Path, bubblewrap: Backend
) -> None:
    rollout = await roll(planted_suites["clean"] / "tasks" / task_id, "thief", session_cache, bubblewrap)
    assert rollout.verdict.reward == 0.0
    assert rollout.verdict.error is None
