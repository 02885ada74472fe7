"""The Tool protocol, and what every tool works with."""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from agents.agent import ToolAnswer
from environments.sandbox import Backend, Sandbox
from tasks.task import Task

ANSWER_LIMIT = 12_000
"""Characters of one answer that a model is shown."""


class Arguments(BaseModel):
    """Base of a tool's arguments: unknown names are an error that the caller is told."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Place:
    """Where a tool acts: the rollout's sandbox; the backend and task only for runs in sandboxes of their own."""

    sandbox: Sandbox
    backend: Backend
    task: Task


class Tool(Protocol):
    """One tool of one rollout; may keep state between its calls."""

    name: ClassVar[str]
    description: ClassVar[str]
    arguments: ClassVar[type[Arguments]]

    async def call(self, place: Place, arguments: Any) -> ToolAnswer:
        """Act. What the caller did wrong comes back as `is_error`; EnvironmentFault is raised."""
        ...


def definition_of(tool: Tool) -> dict[str, Any]:
    """OpenAI's function schema."""
    schema = tool.arguments.model_json_schema()
    schema.pop("title", None)
    for field in schema.get("properties", {}).values():
        field.pop("title", None)
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": schema},
    }


def cut(text: str, limit: int = ANSWER_LIMIT) -> str:
    """Head and tail of a text that is too long, with a note of what was left out."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3
    return f"{text[:head]}\n[… {len(text) - head - tail} characters left out …]\n{text[-tail:]}"


def failed(text: str) -> ToolAnswer:
    return ToolAnswer(text=text, is_error=True)
