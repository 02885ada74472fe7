"""OpenAI messages: JSONL, a line `{"messages": [...], "tools": [...], ...}`, as chats are kept for fine-tuning."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trajectories.atif import AgentInfo, Trajectory
from trajectories.errors import BadImport
from trajectories.imports.chat import to_steps
from trajectories.imports.imported import Imported

NAME = "messages"


def fits(path: Path) -> bool:
    return path.suffix == ".jsonl"


def read(path: Path) -> Iterator[Imported]:
    """Optional fields of a line: `task` (or `task_id`, `instance_id`, `id`), `model`, `agent`, `reward`, `tools`.

    Without a task's name, it is the file's with the line's number.
    """
    with path.open(encoding="utf-8", errors="strict") as lines:
        for number, line in enumerate(lines, start=1):
            where = f"{path.name}:{number}"
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise BadImport(f"{where}: no JSON: {error}") from error
            if not isinstance(row, dict) or not isinstance(row.get("messages"), list):
                raise BadImport(f"{where}: no object with a list `messages`")
            yield _imported(row, path, number, where)


def _imported(row: dict[str, Any], path: Path, number: int, where: str) -> Imported:
    names = (row.get(name) for name in ("task", "task_id", "instance_id", "id"))
    task = str(next((name for name in names if name not in (None, "")), f"{path.stem}-{number}"))
    reward = row.get("reward")
    if isinstance(reward, bool) or not (reward is None or (isinstance(reward, int | float) and 0 <= reward <= 1)):
        raise BadImport(f"{where}: `reward` is {reward!r}, not a number in 0…1")
    tools = row.get("tools") or None
    if tools is not None and not (isinstance(tools, list) and all(isinstance(tool, dict) for tool in tools)):
        raise BadImport(f"{where}: `tools` is no list of objects")
    agent = AgentInfo(
        name=str(row.get("agent") or "imported"),
        version="",
        model_name=str(row["model"]) if row.get("model") else None,
        tool_definitions=tuple(tools) if tools else None,
    )
    trajectory = Trajectory(session_id=task, agent=agent, steps=to_steps(row["messages"], where))
    return Imported(task=task, format=NAME, trajectory=trajectory, reward=None if reward is None else float(reward))
