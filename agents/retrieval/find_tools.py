"""Hundreds of tools behind two: `find_tools` searches them, `call_tool` calls one by name.

The schemas of those that fit the instruction best are shown from the start. An agent in code may call any by its name.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field, ValidationError, create_model, model_validator

from agents.agent import ToolAnswer
from agents.retrieval.demonstrations import Demonstration, what_tells_apart
from agents.retrieval.ranking import Ranker
from agents.retrieval.retriever import ToolRetriever
from agents.tools.tool import Arguments, Place, Tool

MOST = 20


class FindToolsArguments(Arguments):
    request: str = Field(min_length=1, description="what you want to do, in words")
    k: int = Field(5, ge=1, le=MOST, description="how many tools to show")


class FindTools:
    name: ClassVar[str] = "find_tools"
    arguments: ClassVar[type[Arguments]] = FindToolsArguments

    def __init__(self, tools: Mapping[str, Tool], ranker: Ranker, demonstrations: Sequence[Demonstration] = ()) -> None:
        self.description = f"Find those of {len(tools)} tools that fit a request; call them with call_tool."
        self._ranker = ranker
        self._demonstrations = demonstrations
        self._retriever = ToolRetriever.of_tools(list(tools.values()), ranker, demonstrations)

    async def select(self, request: str, k: int) -> list[str]:
        """Names, the nearest first. Embedding takes time, so it runs in a thread."""
        return await asyncio.to_thread(self._retriever.select, request, k)

    async def call(self, place: Place, arguments: FindToolsArguments) -> ToolAnswer:
        names = await self.select(arguments.request, arguments.k)
        return ToolAnswer(text=await asyncio.to_thread(self.shown, arguments.request, names))

    def shown(self, request: str, names: Sequence[str]) -> str:
        """The tools with their arguments, and what tells look-alikes apart."""
        definitions = [self._retriever.definitions[name] for name in names]
        lines = [_line(definition) for definition in definitions]
        apart = what_tells_apart(request, definitions, self._demonstrations, self._ranker)
        return "\n".join([*lines, apart] if apart else lines)


class CallTool:
    """Calls one of the tools by name; wrong names and wrong arguments are wrong arguments of `call_tool`."""

    name: ClassVar[str] = "call_tool"
    description: ClassVar[str] = "Call a tool that find_tools has shown, by its name and with its arguments."

    def __init__(self, tools: Mapping[str, Tool]) -> None:
        self._tools = tools
        self.arguments: type[Arguments] = _arguments_for(tools)

    async def call(self, place: Place, arguments: Any) -> ToolAnswer:
        tool = self._tools[arguments.name]
        return await tool.call(place, tool.arguments.model_validate(arguments.arguments))


def _arguments_for(tools: Mapping[str, Tool]) -> type[Arguments]:
    class Checked(Arguments):
        @model_validator(mode="after")
        def _fits(self) -> "Checked":
            name, given = getattr(self, "name", ""), getattr(self, "arguments", {})
            if name not in tools:
                raise ValueError(f"there is no tool {name!r}; find_tools shows those there are")
            try:
                tools[name].arguments.model_validate(given)
            except ValidationError as error:
                problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
                raise ValueError(f"of {name}: {problems}") from error
            return self

    return create_model(
        "CallToolArguments",
        __base__=Checked,
        name=(str, Field(description="of the tool")),
        arguments=(dict[str, Any], Field(default_factory=dict, description="of the tool, as find_tools shows them")),
    )


def _line(definition: Mapping[str, Any]) -> str:
    function = definition["function"]
    schema = function["parameters"]
    parts = []
    for name, field in schema.get("properties", {}).items():
        kind = " | ".join(map(json.dumps, field["enum"])) if "enum" in field else field.get("type", "any")
        mark = "" if name in schema.get("required", ()) else "?"
        about = f" ({field['description']})" if field.get("description") else ""
        parts.append(f"{name}{mark}: {kind}{about}")
    return f"- {function['name']}({', '.join(parts)})\n  {function['description']}"


def hidden_behind(
    tools: Mapping[str, Tool], ranker: Ranker, demonstrations: Sequence[Demonstration] = ()
) -> tuple[FindTools, CallTool]:
    """The two tools that stand for all of these."""
    return FindTools(tools, ranker, demonstrations), CallTool(tools)
