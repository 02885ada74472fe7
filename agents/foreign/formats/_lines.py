"""JSON lines as agents print them, other words between them left out."""

import json
from collections.abc import Iterator
from typing import Any

from trajectories.errors import BadImport


def objects(data: bytes, name: str) -> Iterator[dict[str, Any]]:
    """The lines that are JSON objects. Raises BadImport where there is none."""
    count = 0
    for line in data.decode(errors="replace").splitlines():
        if not line.startswith("{"):
            continue
        try:
            value = json.loads(line)
        except ValueError:
            continue  # cut off, as the agent was stopped
        if isinstance(value, dict):
            count += 1
            yield value
    if not count:
        raise BadImport(f"{name}: no line of its output is a JSON object")


def text_of(content: Any) -> str:
    """Text, or the text parts of a list of parts."""
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict) and "text" in part)
    return content if isinstance(content, str) else ""
