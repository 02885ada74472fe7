"""Rollouts: the agent's sandbox holds neither tests nor reference; every end has its reason."""

from typing import ClassVar

import pytest

from agents.agent import AgentLimits, Session
from agents.errors import UnknownAgent
from agents.registry import get_agent
from agents.rollout import roll_out
from environments import Backend
from environments.errors import EnvironmentFault
from environments.sandbox import Sandbox
from environments.spec import SandboxSpec
from tasks.task import Task
from tests.agents.conftest import RollOut
from trajectories.atif import Trajectory
from trajectories.rollout import Rollout, RolloutKey


async def test_oracle_solves_and_nop_does_not(rolling: RollOut) -> None:
    oracle, nop = await rolling("oracle"), await rolling("nop")
    assert (oracle.verdict.reward, oracle.ending, oracle.is_privileged) == (1.0, "submitted", True)
    assert (nop.verdict.reward, nop.ending, nop.is_privileged) == (0.0, "submitted", False)
    assert "+        return high" in oracle.diff and nop.diff == ""
    assert not nop.verdict.error


async def test_repair_finds_a_bug_without_the_reference(rolling: RollOut) -> None:
    rollout = await rolling("repair", steps=300)
    tried = [step.tool_calls[0].function_name for step in rollout.trajectory.steps if step.tool_calls]
    assert {"run_tests", "read", "edit", "submit"} <= set(tried)
    assert (rollout.verdict.reward, rollout.ending) == (1.0, "submitted")
    assert not rollout.is_privileged


async def test_the_trajectory_is_whole(rolling: RollOut, tiny_task: Task) -> None:
    rollout = await rolling("oracle")
    trajectory = Trajectory.model_validate_json(rollout.trajectory.model_dump_json())
    assert [step.step_id for step in trajectory.steps] == list(range(1, len(trajectory.steps) + 1))
    assert trajectory.steps[0].message == tiny_task.instruction
    for step in trajectory.steps[1:]:
        assert step.tool_calls and step.observation
        assert step.observation.results[0].source_call_id == step.tool_calls[0].tool_call_id
    assert rollout.provenance["license"] == tiny_task.provenance.license
    assert Rollout.model_validate_json(rollout.model_dump_json()) == rollout


class Act:
    """An agent whose act is given."""

    name: ClassVar[str] = "test"
    version: ClassVar[str] = "1"

    def __init__(self, act: object) -> None:
        self.act = act


async def run(act: object, task: Task, backend: Backend, **limits: float) -> Rollout:
    key = RolloutKey(suite_hash="s", task_id=task.id, agent="test", backend="bubblewrap")
    options = AgentLimits.model_validate({"seconds": 20, **limits})
    return await roll_out(task, Act(act), backend, key=key, limits=options, model=None)  # type: ignore[arg-type]


async def test_nothing_that_judges_is_in_the_agents_sandbox(tiny_task: Task, bubblewrap: Backend) -> None:
    seen: list[str] = []

    async def act(session: Session) -> None:
        assert not hasattr(session, "reference")
        for command in (
            "find /workspace -name '*test*'",
            "git log --oneline --all | cat",
            "grep -rl 'def clamp(value, low, high)' /workspace /opt /root /home /tmp /var /etc 2>/dev/null; true",
        ):
            seen.append((await session.call("bash", {"command": command})).text)

    await run(act, tiny_task, bubblewrap)
    tests, commits, copies = seen
    assert tests == "[no output]"
    assert len(commits.splitlines()) == 1
    assert copies == "/workspace/tinylib/numbers.py", "a second copy could be the clean one"


async def test_every_end_has_its_reason(tiny_task: Task, bubblewrap: Backend) -> None:
    async def loop(session: Session) -> None:
        while True:
            await session.call("bash", {"command": "true"})

    async def sleep(session: Session) -> None:
        await session.call("bash", {"command": "sleep 1.2"})
        await session.call("bash", {"command": "true"})

    async def babble(session: Session) -> None:
        while True:
            await session.call("fly", {"to": "the moon"})

    async def crash(session: Session) -> None:
        raise RuntimeError("a bug of the agent's")

    async def rest(session: Session) -> None:
        return

    assert (await run(loop, tiny_task, bubblewrap, steps=3)).ending == "step_limit"
    assert (await run(sleep, tiny_task, bubblewrap, seconds=1)).ending == "time_limit"
    lost = await run(babble, tiny_task, bubblewrap)
    assert (lost.ending, lost.invalid_tool_calls) == ("invalid_calls", 5)
    crashed = await run(crash, tiny_task, bubblewrap)
    assert (crashed.ending, crashed.ending_detail) == ("agent_error", "RuntimeError: a bug of the agent's")
    assert (await run(rest, tiny_task, bubblewrap)).ending == "finished"


class Failing:
    """A backend whose first `failures` starts fail, as an overloaded host's would."""

    def __init__(self, backend: Backend, failures: int) -> None:
        self.name = backend.name
        self.backend, self.failures = backend, failures

    async def start(self, spec: SandboxSpec) -> Sandbox:
        if self.failures > 0:
            self.failures -= 1
            raise EnvironmentFault("no room")
        return await self.backend.start(spec)


async def test_infrastructure_trouble_is_tried_again_and_kept_apart(tiny_task: Task, bubblewrap: Backend) -> None:
    key = RolloutKey(suite_hash="s", task_id=tiny_task.id, agent="oracle", backend="bubblewrap")

    async def attempt(failures: int) -> Rollout:
        backend = Failing(bubblewrap, failures)
        return await roll_out(
            tiny_task,
            get_agent("oracle"),
            backend,  # type: ignore[arg-type]
            key=key,
            limits=AgentLimits(),
            model=None,
        )

    recovered, lost = await attempt(1), await attempt(100)
    assert recovered.verdict.is_solved
    assert (lost.ending, lost.is_unknown, lost.verdict.error) == (
        "infrastructure_error",
        True,
        "EnvironmentFault: no room",
    )


def test_an_unknown_agent_is_told_with_those_there_are() -> None:
    with pytest.raises(UnknownAgent, match=r"nop, .*oracle, react, repair"):
        get_agent("wizard")
