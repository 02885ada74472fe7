"""mini-swe-agent's `.traj.json`, with the answers of its model that it could not read.

It drops them from the conversation and asks again; what was said stands in the complaint (`extra.model_response`). Such
a step has `extra.is_dropped`: the agent's model did not see it in what it was asked next.
"""

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from trajectories.atif import Step, Trajectory
from trajectories.errors import BadImport
from trajectories.imports import swe_agent
from trajectories.imports.imported import Imported


def read(data: bytes, name: str) -> Imported:
    """Raises BadImport."""
    try:
        run = json.loads(data)
    except ValueError as error:
        raise BadImport(f"{name}: no JSON: {error}") from error
    messages = run.get("messages") if isinstance(run, dict) else run
    dropped: set[int] = set()  # which of the agent's steps, counted from 0
    if isinstance(messages, list):
        messages = _with_dropped(messages, dropped)
        run = {**run, "messages": messages} if isinstance(run, dict) else messages
    with tempfile.TemporaryDirectory(prefix="gristmill-") as folder:
        file = Path(folder, f"{name}.traj.json")
        file.write_text(json.dumps(run), encoding="utf-8")
        found = next(swe_agent.read(file))
    return replace(found, trajectory=_marked(found.trajectory, dropped)) if dropped else found


def _with_dropped(messages: list[Any], dropped: set[int]) -> list[Any]:
    told: list[Any] = []
    said = 0
    for message in messages:
        extra = message.get("extra") if isinstance(message, dict) else None
        answer = extra.get("model_response") if isinstance(extra, dict) else None
        if isinstance(answer, str):
            told.append({"role": "assistant", "content": answer})
            dropped.add(said)
            said += 1
        told.append(message)
        said += isinstance(message, dict) and message.get("role") == "assistant"
    return told


def _marked(trajectory: Trajectory, dropped: set[int]) -> Trajectory:
    steps: list[Step] = []
    said = 0
    for step in trajectory.steps:
        if step.source == "agent":
            if said in dropped:
                step = step.model_copy(update={"extra": {**(step.extra or {}), "is_dropped": True}})
            said += 1
        steps.append(step)
    return trajectory.model_copy(update={"steps": tuple(steps)})
