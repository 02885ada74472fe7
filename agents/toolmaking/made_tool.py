"""A made tool: a docstring, parameters, and calls of the rollout's own tools with places for their values.

It is data and never code of this process: what it does, it does by tools that act in the sandbox.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from agents.agent import ToolAnswer
from agents.tools.tool import Arguments, Place, Tool, failed

_PLACE = re.compile(r"\{\{(\w+)\}\}")
_NUMBERED = re.compile(r"^ *\d+\t", re.MULTILINE)  # as `read` shows lines


class Parameter(BaseModel):
    """A value of the task. `left`, `right`: the words around it in the instruction, by which it is found in another."""

    model_config = ConfigDict(frozen=True)

    name: str
    description: str = ""
    pattern: Literal["number", "file", "word", "text"] = "word"
    left: tuple[str, ...] = ()
    right: tuple[str, ...] = ()


class Derived(BaseModel):
    """A value that an earlier call's answer gives: all of it, or what stands after `KEY:` on a line."""

    model_config = ConfigDict(frozen=True)

    name: str
    call: int = Field(description="index of the call")
    key: str | None = Field(None, description="may be a place for a parameter; None: the whole answer")

    def of(self, answer: str, values: Mapping[str, str]) -> str | None:
        text = _NUMBERED.sub("", answer).strip()
        if self.key is None:
            return text
        key = filled(self.key, values)
        found = re.search(rf"^\s*{re.escape(key)}\s*[:=]\s*(.*?)\s*$", text, re.MULTILINE | re.IGNORECASE)
        return found[1] if found else None


class CallTemplate(BaseModel):
    model_config = ConfigDict(frozen=True)

    tool: str
    arguments: dict[str, Any]


class MadeTool(BaseModel):
    """`problems`: instructions of the tasks that it was made from. `source`: rollout and task, for provenance."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    docstring: str
    parameters: tuple[Parameter, ...] = ()
    derived: tuple[Derived, ...] = ()
    calls: tuple[CallTemplate, ...] = Field(min_length=1)
    problems: tuple[str, ...] = ()
    source: dict[str, str] = Field(default_factory=dict)

    def shape(self) -> str:
        """What it does, with places numbered by their first use: the same for tools that differ in names alone."""
        keys = [f"{each.call} {each.key}" for each in self.derived]
        text = "\n".join([*(f"{call.tool} {json.dumps(call.arguments, sort_keys=True)}" for call in self.calls), *keys])
        numbers: dict[str, int] = {}
        return _PLACE.sub(lambda match: f"{{{{{numbers.setdefault(match[1], len(numbers))}}}}}", text)


Call = Callable[[str, dict[str, Any]], Awaitable[ToolAnswer]]


async def carry_out(tool: MadeTool, values: Mapping[str, str], call: Call) -> ToolAnswer:
    """All calls in their order; ends at the first that fails, or whose answer lacks a value that is needed."""
    known = dict(values)
    answer = ToolAnswer(text="")
    for index, template in enumerate(tool.calls):
        answer = await call(template.tool, filled(template.arguments, known))
        if answer.is_error:
            return failed(f"{tool.name}: call {index + 1} ({template.tool}) failed: {answer.text}")
        for derived in tool.derived:
            if derived.call == index:
                found = derived.of(answer.text, known)
                if found is None:
                    return failed(f"{tool.name}: the answer of call {index + 1} has no line {derived.key!r}")
                known[derived.name] = found
    return answer


def filled(value: Any, values: Mapping[str, str]) -> Any:
    """Places `{{name}}` in all texts of a value replaced, once: what is put in is not looked at again."""
    if isinstance(value, str):
        return _PLACE.sub(lambda match: values.get(match[1], match[0]), value)
    if isinstance(value, dict):
        return {key: filled(each, values) for key, each in value.items()}
    return [filled(each, values) for each in value] if isinstance(value, list) else value


class CraftedTool:
    """A made tool as a tool of a rollout; its calls are made with the task's own tools, and only with those."""

    def __init__(self, made: MadeTool, tools: Mapping[str, Tool]) -> None:
        self.name = made.name
        self.description = made.docstring
        fields: dict[str, Any] = {
            each.name: (str, Field(description=each.description or each.pattern)) for each in made.parameters
        }
        self.arguments: type[Arguments] = create_model(f"{made.name}_arguments", __base__=Arguments, **fields)
        self._made = made
        self._tools = tools

    async def call(self, place: Place, arguments: Arguments) -> ToolAnswer:
        async def call(name: str, given: dict[str, Any]) -> ToolAnswer:
            if name not in self._tools:
                return failed(f"this task has no tool {name!r}")
            tool = self._tools[name]
            try:
                checked = tool.arguments.model_validate(given)
            except ValidationError as error:
                return failed(f"wrong arguments: {error.errors()[0]['msg']}")
            return await tool.call(place, checked)

        return await carry_out(self._made, arguments.model_dump(), call)
