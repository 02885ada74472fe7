"""Parts of a task: by its failing tests, or by a model (prompt: prompts/plan.md)."""

import re
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.memory.asking import ask_json
from agents.session import RolloutSession

TEST_ID = re.compile(r"[\w./-]+\.py::[^\s`'\"]+")
FAILED = ("failed", "error")


class Subgoal(BaseModel):
    """`tests`: what must pass; `check`: a command that exits with 0 when it is reached. Neither: a model judges."""

    model_config = ConfigDict(frozen=True)

    goal: str = Field(min_length=3, max_length=400)
    tests: tuple[str, ...] = ()
    check: str = Field("", max_length=400)


class _Plan(BaseModel):
    parts: tuple[Subgoal, ...]


def schema_of_plan(most: int) -> dict[str, Any]:
    """JSON schema of a plan of at most `most` parts. Short ones: what a small model says beyond is repetition."""
    part = {
        "type": "object",
        "properties": {
            "goal": {"type": "string", "minLength": 3, "maxLength": 200},
            "check": {"type": "string", "maxLength": 120},
        },
        "required": ["goal", "check"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"parts": {"type": "array", "minItems": 1, "maxItems": most, "items": part}},
        "required": ["parts"],
        "additionalProperties": False,
    }


def has_visible_tests(session: RolloutSession) -> bool:
    task = session.place.task
    return task.verifier == "pytest" and (not task.tools or "run_tests" in task.tools)


async def plan_by_tests(session: RolloutSession) -> list[Subgoal]:
    """One part for each file of failing tests, in the order of their names; none where nothing fails."""
    report = (await session.call("run_tests", {})).report
    by_file: dict[str, list[str]] = {}
    for result in report.results if report else ():
        if result.outcome in FAILED:
            by_file.setdefault(result.node_id.partition("::")[0], []).append(result.node_id)
    return [
        Subgoal(goal=f"Make the failing tests of {file} pass.", tests=tuple(tests))
        for file, tests in sorted(by_file.items())
    ]


async def plan_by_model(session: RolloutSession, piece: str, most: int) -> list[Subgoal]:
    """At most `most` parts; none where the answer cannot be read."""
    prompt = [("system", prompt_text("plan")), ("user", session.instruction)]
    said = await ask_json(session, piece, prompt, schema_of_plan(most))
    try:
        return list(_Plan.model_validate(said).parts[:most])
    except ValidationError:
        return []


def instruction_of(session: RolloutSession, goal: Subgoal, number: int, of: int, failures: int) -> str:
    """What the agent is asked in one part: the part first, the whole task as its background.

    A part with tests names only its own, as agents go by the tests that an instruction names.
    """
    whole = TEST_ID.sub("(a test)", session.instruction) if goal.tests else session.instruction
    lines = [f"Part {number} of {of} of a larger task. Do this part only, then call submit: {goal.goal}"]
    lines += [f"- {test}" for test in goal.tests]
    if failures:
        lines.append(f"It was tried {failures} time(s) and not reached; that was undone. Go about it in another way.")
    return "\n".join([*lines, "", "The whole task:", whole])


def prompt_text(name: str) -> str:
    return (files("agents.strategies") / "prompts" / f"{name}.md").read_text()
