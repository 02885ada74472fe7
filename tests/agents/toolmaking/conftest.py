"""Tasks of a family as they are on disk, and what a rule-based agent did to solve them."""

from pathlib import Path
from random import Random

import pytest

from agents.agent import AgentLimits
from agents.memory.past import Past, is_verified, past_of
from agents.rollout import roll_out
from agents.training.clerk import Clerk
from environments import Backend
from tasks import families
from tasks.folder import SharedFiles, read_task, write_folder
from tasks.task import Task
from tasks.templates.drawing import draw
from tasks.templates.folder import SCRIPTS, folder_contents
from tasks.templates.loading import load_template
from trajectories.rollout import RolloutKey

FAMILY = Path(families.__path__[0]) / "first_steps"


def tasks_of(template: str, seeds: range, folder: Path) -> list[Task]:
    found = []
    drawn = load_template(FAMILY / f"first_steps_{template}.yaml")
    for index in seeds:
        place = folder / f"{template}-{index}"
        write_folder(folder_contents(draw(drawn, 1, index)[0], None), SCRIPTS, place, SharedFiles())
        found.append(read_task(place, cache=folder / "cache"))
    Random(1).shuffle(found)
    return found


@pytest.fixture
def solving(bubblewrap: Backend):  # type: ignore[no-untyped-def]
    async def solve(task: Task) -> Past:
        key = RolloutKey(suite_hash="s", task_id=task.id, agent="clerk", backend="bubblewrap")
        rollout = await roll_out(task, Clerk(), bubblewrap, key=key, limits=AgentLimits(), model=None)
        assert is_verified(rollout)
        return past_of(rollout)

    return solve
