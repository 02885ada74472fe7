"""One rollout at a time by reset and step: the verifier's reward, and nothing that hides a fault in it."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agents.agent import AgentLimits
from agents.environment import BadTask, NoRollout, SyncTaskEnvironment, TaskEnvironment
from environments import Backend
from environments.errors import EnvironmentFault
from environments.sandbox import Sandbox
from environments.spec import SandboxSpec
from tasks.suite import Suite
from tasks.task import Task

from .conftest import FIX


@pytest.fixture
async def environment(tiny_suite: Suite, bubblewrap: Backend) -> AsyncIterator[TaskEnvironment]:
    environment = TaskEnvironment(tiny_suite, bubblewrap)
    yield environment
    await environment.close()


async def test_the_right_edit_has_reward_1(environment: TaskEnvironment, tiny_task: Task) -> None:
    start = await environment.reset("tinylib-clamp")
    assert start.observation == tiny_task.instruction
    assert {"bash", "edit", "submit"} <= {each["function"]["name"] for each in start.tools}
    text, reward, done, info = await environment.step("edit", FIX)
    assert ("edited tinylib/numbers.py" in text, reward, done, info["is_error"]) == (True, 0.0, False, False)
    last = await environment.step("submit", {})
    assert (last.reward, last.done, last.info["ending"], last.info["error"]) == (1.0, True, "submitted", None)
    assert last.info["checks"]["passed"] == last.info["checks"]["of"] > 0
    assert not environment.has_sandbox
    called = [step.tool_calls[0].function_name for step in environment.trajectory().steps if step.tool_calls]
    assert called == ["edit", "submit"]


async def test_nothing_done_has_reward_0_and_then_it_is_over(environment: TaskEnvironment) -> None:
    with pytest.raises(NoRollout, match="call reset first"):
        await environment.step("bash", {"command": "ls"})
    await environment.reset(seed=3)
    assert (await environment.finish()).reward == 0.0
    with pytest.raises(NoRollout, match=r"over \(finished\)"):
        await environment.step("bash", {"command": "ls"})


async def test_a_wrong_call_is_an_observation(environment: TaskEnvironment) -> None:
    await environment.reset()
    unknown = await environment.step("fly", {})
    assert "there is no tool 'fly'" in unknown.observation and unknown.info["is_error"] and not unknown.done
    misshapen = await environment.step("bash", {"comand": "ls"})
    assert "comand" in misshapen.observation and misshapen.info["is_error"]
    unsayable = await environment.step("write", {"path": "a", "content": "\ud800"})
    assert (unsayable.done, unsayable.reward, unsayable.info["ending"]) == (True, 0.0, "agent_error")


async def test_the_seed_chooses_and_a_wrong_task_is_named(environment: TaskEnvironment) -> None:
    assert (await environment.reset(seed=7)).info == {"task_id": "tinylib-clamp", "seed": 7}
    with pytest.raises(BadTask, match="no task 'other'; it has 1, the first: tinylib-clamp"):
        await environment.reset("other")


async def test_a_limit_ends_it_with_the_verdict_of_what_is_there(tiny_suite: Suite, bubblewrap: Backend) -> None:
    environment = TaskEnvironment(tiny_suite, bubblewrap, limits=AgentLimits(steps=2))
    await environment.reset()
    assert not (await environment.step("edit", FIX)).done
    last = await environment.step("bash", {"command": "pwd"})
    assert (last.reward, last.info["ending"], last.info["detail"]) == (1.0, "step_limit", "2 steps")
    assert last.observation == "/workspace"
    slow = TaskEnvironment(tiny_suite, bubblewrap, limits=AgentLimits(seconds=0.5))
    await slow.reset()
    await asyncio.sleep(0.6)
    assert (await slow.step("bash", {"command": "pwd"})).info["ending"] == "time_limit"


class Losing:
    """A backend whose sandboxes are gone once `is_losing` is set; with `is_down` none comes up."""

    name = "losing"

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.is_down = False
        self.started: list[Sandbox] = []

    def missing(self) -> list[str]:
        return []

    async def start(self, spec: SandboxSpec) -> Sandbox:
        if self.is_down:
            raise EnvironmentFault("the disk is full")
        self.started.append(await self._backend.start(spec))
        return self.started[-1]

    async def sweep(self) -> int:
        return 0


async def test_what_the_infrastructure_loses_has_no_reward(
    tiny_suite: Suite, bubblewrap: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = Losing(bubblewrap)
    environment = TaskEnvironment(tiny_suite, backend)
    await environment.reset()
    await backend.started[0].stop()
    lost = await environment.step("bash", {"command": "ls"})
    assert (lost.reward, lost.done, lost.info["ending"]) == (None, True, "infrastructure_error")
    assert "SandboxGone" in lost.info["error"]
    backend.is_down = True
    monkeypatch.setattr("agents.environment.task_environment.asyncio.sleep", _no_sleep)
    with pytest.raises(EnvironmentFault, match="no sandbox in 3 tries: the disk is full"):
        await environment.reset()


async def _no_sleep(_: float) -> None: ...


async def test_two_at_once_do_not_meet(tiny_suite: Suite, bubblewrap: Backend) -> None:
    known: dict[str, dict[str, Any]] = {}
    one, two = (TaskEnvironment(tiny_suite, bubblewrap, verdicts=known) for _ in range(2))
    await asyncio.gather(one.reset(), two.reset())
    await asyncio.gather(one.step("edit", FIX), two.step("bash", {"command": "echo x > mine"}))
    listed = await one.step("bash", {"command": "ls"})
    assert "mine" not in listed.observation
    ends = await asyncio.gather(one.finish(), two.finish())
    assert [end.reward for end in ends] == [1.0, 0.0]
    assert len(known["tinylib-clamp"]) == 2


async def test_a_step_that_is_cancelled_leaves_no_sandbox(tiny_suite: Suite, bubblewrap: Backend) -> None:
    for wait_sec in (0.0, 0.1, 0.3):  # while the change is taken, the sandbox stopped, the verifier at work
        backend = Losing(bubblewrap)
        environment = TaskEnvironment(tiny_suite, backend)
        await environment.reset()
        step = asyncio.ensure_future(environment.step("submit", {}))
        await asyncio.sleep(wait_sec)
        step.cancel()
        await asyncio.wait({step})
        await environment.close()
        for sandbox in backend.started:
            with pytest.raises(EnvironmentFault):
                await sandbox.run(["true"], timeout_sec=5)


def test_the_program_of_the_docs(
    tiny_suite: Suite, bubblewrap: Backend, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    docs = (Path(__file__).parents[3] / "docs" / "rl.md").read_text()
    programs = re.findall(r"```python\n(.*?)```", docs, re.S)
    (program,) = (code for code in programs if "SyncTaskEnvironment(" in code)
    monkeypatch.setattr("tasks.suite.open_suite", lambda folder, cache: tiny_suite)
    exec(program, {})
    assert "0.0 submitted {'passed':" in capsys.readouterr().out


def test_without_await(tiny_suite: Suite, bubblewrap: Backend) -> None:
    backend = Losing(bubblewrap)
    with SyncTaskEnvironment(tiny_suite, backend) as environment:
        environment.reset(seed=1)
        assert environment.step("edit", FIX).done is False
        assert environment.step("submit", {}).reward == 1.0
        environment.reset(seed=2)
        sandbox = backend.started[-1]
    with pytest.raises(EnvironmentFault):
        asyncio.run(sandbox.run(["true"], timeout_sec=5))
    with pytest.raises(RuntimeError, match="closed"):
        environment.reset()
