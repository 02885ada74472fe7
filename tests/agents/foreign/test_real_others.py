"""Other agents as they are on npm, PyPI and GitHub, run for real inside the sandbox: large, so slow.

OpenHands needs Python 3.12, SWE-agent GitHub: where those are not to be had, its test is skipped with the reason.
"""

import shutil

import pytest

from agents.models import ModelConfig
from environments.errors import UnsupportedSpec
from trajectories.rollout import Rollout

from ..conftest import RollOut
from ..openai_server import says, serving
from .answers import anthropic, responses

pytestmark = pytest.mark.slow
needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
MEND = "sed -i '11s/low/high/' tinylib/numbers.py"


def model(url: str) -> ModelConfig:
    return ModelConfig(name="served", model="served-7b", base_url=url)


def check(rollout: Rollout) -> None:
    """Two calls of the model: the mending command, and the last words."""
    assert rollout.ending == "finished", rollout.ending_detail
    assert rollout.verdict.is_solved
    assert (rollout.prompt_tokens, rollout.completion_tokens) == (200, 20)
    said = [step for step in rollout.trajectory.steps if step.source == "agent"]
    assert [step.message for step in said] == ["I mend it.", "Mended."]
    assert said[0].tool_calls and MEND in str(said[0].tool_calls[0].arguments)
    assert said[0].metrics and said[0].metrics.prompt_tokens == 100
    assert next(step for step in rollout.trajectory.steps if step.source == "user").message.startswith("Numbers above")


@needs_npm
async def test_codex(rolling: RollOut) -> None:
    answers = [responses("I mend it.", ("exec_command", {"cmd": MEND}), number=1), responses("Mended.", number=2)]
    with serving(*answers) as (_, url):
        rollout = await rolling("codex", model=model(url), seconds=240)
    check(rollout)


@needs_npm
async def test_claude_code(rolling: RollOut) -> None:
    answers = [
        anthropic("I mend it.", ("Bash", {"command": MEND, "description": "mend"}), number=1),
        anthropic("Mended.", number=2),
    ]
    with serving(*answers) as (_, url):
        rollout = await rolling("claude-code", model=model(url), seconds=240)
    check(rollout)


async def test_openhands(rolling: RollOut) -> None:
    mend = ("terminal", {"command": MEND, "security_risk": "LOW", "summary": "mend"})
    done = ("finish", {"message": "Mended.", "security_risk": "LOW", "summary": "tell"})
    with serving(says("I mend it.", mend), says("", done)) as (_, url):
        try:
            rollout = await rolling("openhands", model=model(url), seconds=400)
        except UnsupportedSpec as error:
            pytest.skip(str(error))
    assert rollout.ending == "finished", rollout.ending_detail
    assert rollout.verdict.is_solved
    said = [step for step in rollout.trajectory.steps if step.source == "agent"]
    assert [step.message for step in said] == ["I mend it.", ""]
    assert said[0].tool_calls and MEND in str(said[0].tool_calls[0].arguments)
    assert said[0].metrics and said[0].metrics.prompt_tokens == 100


async def test_swe_agent(rolling: RollOut) -> None:
    with serving(says("I mend it.", ("bash", {"command": MEND})), says("Done.", ("submit", {}))) as (_, url):
        try:
            rollout = await rolling("swe-agent", model=model(url), seconds=400)
        except UnsupportedSpec as error:
            pytest.skip(str(error))
    assert rollout.ending == "submitted", rollout.ending_detail
    assert rollout.verdict.is_solved
    said = [step for step in rollout.trajectory.steps if step.source == "agent"]
    assert [step.message for step in said] == ["I mend it.", "Done."]
    assert said[0].tool_calls and said[0].tool_calls[0].arguments == {"command": MEND}
    assert said[0].observation and said[0].metrics and said[0].metrics.prompt_tokens == 100
