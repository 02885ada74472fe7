"""Tool calls as JSON text in ordinary messages, for models whose chat template knows no tools.

What such a model was shown in a rollout (agents/_json_calls.py) is what it must be trained on: both are written here.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

INTRODUCTION = 'Answer with one JSON object only: {"thought": …, "tool": NAME, "arguments": {…}}. Tools:'


def system_text(system: str, tools: Sequence[Mapping[str, Any]]) -> str:
    """The system prompt with the tools (OpenAI function schemas) in a few lines."""
    lines = [INTRODUCTION]
    for tool in tools:
        function = tool["function"]
        names = ", ".join(function["parameters"].get("properties", {}))
        lines.append(f"- {function['name']}({names}): {function['description']}")
    described = "\n".join(lines)
    return f"{system}\n\n{described}" if system else described


def call_text(thought: str, tool: str, arguments: Mapping[str, Any]) -> str:
    """What the model says to call a tool."""
    return json.dumps({"thought": thought, "tool": tool, "arguments": arguments})


def result_text(content: str) -> str:
    """How the model reads what the tool gave."""
    return f"Result:\n{content}"


def as_text(messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Chat messages with tools (trajectories/messages.py) as messages of system, user and assistant alone."""
    opening = "\n\n".join(message["content"] for message in messages if message["role"] == "system")
    plain: list[dict[str, Any]] = [{"role": "system", "content": system_text(opening, tools)}] if tools else []
    for message in messages:
        if message["role"] == "system":
            if not tools:
                plain.append(message)
        elif message["role"] == "tool":
            plain.append({"role": "user", "content": result_text(message["content"])})
        elif message.get("tool_calls"):
            for call in message["tool_calls"]:
                function = call["function"]
                said = call_text(message["content"], function["name"], function["arguments"])
                plain.append({"role": "assistant", "content": said})
        else:
            plain.append({"role": message["role"], "content": message["content"]})
    return plain
