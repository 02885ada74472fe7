"""The Tool protocol, and what every tool works with."""

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from agents.agent import ToolAnswer
from environments.sandbox import Backend, Sandbox
from tasks.task import Task

ANSWER_LIMIT = 12_000
"""Characters of one answer that a model is shown."""


class Arguments(BaseModel):
    """Base of a tool's arguments: unknown names are an error that the caller is told."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@runtime_checkable
class Closable(Protocol):
    """What a tool keeps open for the length of a rollout."""

    async def close(self) -> None:
        """Idempotent."""
        ...


@dataclass(frozen=True)
class Place:
    """Where a tool acts: the rollout's sandbox; the backend and task only for runs in sandboxes of their own.

    `kept`: what tools share and keep open between calls, by name; what can be closed is closed by `close`.
    """

    sandbox: Sandbox
    backend: Backend
    task: Task
    kept: dict[str, Any] = field(default_factory=dict)

    async def close(self) -> None:
        """End what tools keep open; called before the change is taken, so that nothing writes on. Idempotent."""
        while self.kept:
            _, kept = self.kept.popitem()
            if isinstance(kept, Closable):
                await kept.close()


class Tool(Protocol):
    """One tool of one rollout; may keep state between its calls."""

    @property
    def name(self) -> str: ...

    @property
    def description(self) -> str: ...

    @property
    def arguments(self) -> type[Arguments]: ...

    async def call(self, place: Place, arguments: Any) -> ToolAnswer:
        """Act. What the caller did wrong comes back as `is_error`; EnvironmentFault is raised."""
        ...


def definition_of(tool: Tool) -> dict[str, Any]:
    """OpenAI's function schema."""
    parameters = json.loads(_schema_of(tool.arguments))  # a copy: who takes it may change it
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": parameters},
    }


@lru_cache(maxsize=500)
def _schema_of(arguments: type[Arguments]) -> str:
    """As JSON. A millisecond each, which a rollout would pay for every tool."""
    schema = arguments.model_json_schema()
    schema.pop("title", None)
    for field_schema in schema.get("properties", {}).values():
        if isinstance(field_schema, dict):
            field_schema.pop("title", None)
    return json.dumps(schema)


def cut(text: str, limit: int = ANSWER_LIMIT) -> str:
    """Head and tail of a text that is too long, with a note of what was left out."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3
    return f"{text[:head]}\n[… {len(text) - head - tail} characters left out …]\n{text[-tail:]}"


def failed(text: str) -> ToolAnswer:
    return ToolAnswer(text=text, is_error=True)
