"""The clerk does the errands of `first_steps` by the tools alone, in the form that a model is to learn from."""

from pathlib import Path

import pytest

from agents.agent import AgentLimits
from agents.registry import get_agent
from agents.rollout import roll_out
from environments import Backend
from tasks.suite import open_suite
from tasks.templates import family_templates, load_template
from tasks.templates.generate import generate_templates
from trajectories.exports.exporter import example_of
from trajectories.rollout import Rollout, RolloutKey


@pytest.fixture(scope="module")
def suite_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("errands") / "suite"


async def errands(folder: Path, backend: Backend, cache: Path, system: str) -> list[Rollout]:
    (files,) = family_templates("first_steps").values()
    groups = [[load_template(file) for file in files]]
    await generate_templates(groups, backend, out=folder, n=6, seed=5, cache=cache, jobs=2)
    suite = open_suite(folder, cache=cache)
    return [
        await roll_out(
            task,
            get_agent("clerk", system=system),
            backend,
            key=RolloutKey(suite_hash="s", task_id=task.id, agent="clerk", backend="bubblewrap"),
            limits=AgentLimits(seconds=60),
            model=None,
        )
        for task in suite.tasks()
    ]


async def test_it_solves_all_kinds_without_the_reference(
    suite_folder: Path, bubblewrap: Backend, session_cache: Path
) -> None:
    rollouts = await errands(suite_folder, bubblewrap, session_cache, "Be brief.")
    assert [rollout.verdict.reward for rollout in rollouts] == [1.0] * 6
    assert not any(rollout.is_privileged or rollout.attempts for rollout in rollouts)
    assert {rollout.trajectory.agent.name for rollout in rollouts} == {"clerk"}
    for rollout in rollouts:
        messages = example_of(rollout.model_dump_json().encode(), "json").messages
        assert messages[0]["content"].startswith("Be brief.\n\nAnswer with one JSON object only")
        assert messages[1]["role"] == "user"
        assert '"tool": "submit"' in messages[-2]["content"]
