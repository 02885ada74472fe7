"""Workflows induced by a model from several successes at once (prompt: prompts/workflows.md)."""

import json
from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from itertools import groupby

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents._chat_model import call_with_retries
from agents.memory.abstraction import abstract_calls, without_loops
from agents.memory.asking import plain_model, said_to
from agents.memory.past import Past
from agents.memory.tokens import clipped, fitting
from agents.memory.workflow import MOST_EXAMPLES, MOST_STEPS, Workflow
from agents.models import ModelConfig

Ask = Callable[[str, str, dict[str, object]], Awaitable[str]]
"""(system, user, JSON schema) -> answer."""

SECONDS = 600.0  # for one answer, tries included
AT_ONCE = 6  # successes shown in one question


def asking(model: ModelConfig, *, seed: int = 0) -> Ask:
    """Questions to a model outside of a rollout. They raise ModelUnavailable."""
    client = plain_model(model, seed=seed)

    async def ask(system: str, user: str, schema: dict[str, object]) -> str:
        prompt = [("system", system), ("user", user)]
        said = await call_with_retries(lambda: said_to(client, prompt, "workflows", schema), model, SECONDS)
        return str(said.text)

    return ask


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore")

    description: str = Field(min_length=3, max_length=300)
    steps: tuple[str, ...] = Field(min_length=2, max_length=MOST_STEPS)


class _Answer(BaseModel):
    workflows: tuple[_Said, ...]


def instructions_for_model() -> str:
    return (files("agents.memory") / "prompts" / "workflows.md").read_text()


async def induce_by_model(past: Sequence[Past], ask: Ask, *, tokens: int = 3000) -> tuple[list[Workflow], int]:
    """Workflows, and how many answers could not be read. Families apart, `AT_ONCE` successes a question.

    A step must begin with the name of a tool that was called: what a model invents beside that is dropped.
    """
    found: list[Workflow] = []
    unreadable = 0
    ordered = sorted(past, key=lambda each: (each.family, each.id))
    for family, group in groupby(ordered, key=lambda each: each.family):
        members = list(group)
        for start in range(0, len(members), AT_ONCE):
            part = members[start : start + AT_ONCE]
            shown = fitting([_shown(each, tokens // AT_ONCE) for each in part], tokens)
            answer = await ask(instructions_for_model(), "\n\n".join(shown), _Answer.model_json_schema())
            try:
                said = _Answer.model_validate(json.loads(answer))
            except (ValueError, ValidationError):
                unreadable += 1
                continue
            tools = {did.tool for each in part for did in each.did}
            for each in said.workflows:
                steps = tuple(step for step in each.steps if step.partition("(")[0].strip() in tools)
                if len(steps) >= 2 and not any(other.steps == steps for other in found):
                    found.append(_workflow(each.description, steps, family, part))
    return found, unreadable


def _workflow(description: str, steps: tuple[str, ...], family: str, part: Sequence[Past]) -> Workflow:
    return Workflow(
        description=f"{family}: {description}",
        steps=steps,
        family=family,
        instructions=tuple(each.instruction for each in part)[:MOST_EXAMPLES],
        tasks=tuple(sorted({each.task for each in part})),
        support=len(part),
    )


def _shown(past: Past, tokens: int) -> str:
    lines = "\n".join(without_loops(abstract_calls(past.did, past.instruction)))
    return clipped(f"Task: {past.instruction.strip()}\nCalls:\n{lines}", tokens)
