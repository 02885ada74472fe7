"""SWE-agent's `.traj` and mini-swe-agent's `.traj.json`.

Facts from swe-agent.com (usage/trajectories) and mini-swe-agent's output files: `messages` (mini) or `history`, or in
old files `trajectory` (response and observation a step); `info` with `exit_status`, `submission`, `model_stats`.
Neither holds a reward: give it from outside (SWE-bench's report), or the outcome stays unknown.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from trajectories.atif import AgentInfo, Observation, ObservationResult, Step, Trajectory
from trajectories.errors import BadImport
from trajectories.imports.chat import to_steps
from trajectories.imports.imported import Imported
from trajectories.rollout import Ending

NAME = "swe-agent"

_ENDINGS: tuple[tuple[str, Ending], ...] = (
    ("submitted", "submitted"),
    ("cost", "cost_limit"),
    ("context", "token_limit"),
    ("limitsexceeded", "step_limit"),
    ("time", "time_limit"),
    ("format", "invalid_calls"),
    ("environment", "infrastructure_error"),
)
"""A word of the exit status -> the ending; the first that stands in it."""


def fits(path: Path) -> bool:
    return path.name.endswith((".traj", ".traj.json"))


def read(path: Path) -> Iterator[Imported]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadImport(f"{path.name}: no JSON: {error}") from error
    if isinstance(data, list):  # mini-swe-agent's early files, and its tests' data: nothing but the messages
        data = {"messages": data}
    if not isinstance(data, dict):
        raise BadImport(f"{path.name}: no object")
    info = data.get("info") or {}
    is_mini = isinstance(data.get("messages"), list)
    if is_mini:
        steps = to_steps(data["messages"], path.name, is_observing=True)
    elif isinstance(data.get("history"), list) and data["history"]:
        steps = to_steps(data["history"], path.name, is_observing=True)
    elif isinstance(data.get("trajectory"), list):
        steps = _old_steps(data["trajectory"], path.name)
    else:
        raise BadImport(f"{path.name}: none of `messages`, `history`, `trajectory`: no trajectory of (mini-)SWE-agent")
    task = str(data.get("instance_id") or path.name.removesuffix(".json").removesuffix(".traj"))
    status, stats = str(info.get("exit_status") or ""), info.get("model_stats") or {}
    agent = AgentInfo(
        name="mini-swe-agent" if is_mini else "swe-agent",
        version=str(info.get("mini_version") or info.get("swe_agent_version") or ""),
        model_name=_model(data, info),
    )
    yield Imported(
        task=task,
        format=NAME,
        trajectory=Trajectory(session_id=task, agent=agent, steps=steps, extra={"exit_status": status}),
        ending=_ending(status),
        ending_detail=status,
        diff=str(info.get("submission") or ""),
        prompt_tokens=stats.get("tokens_sent"),
        completion_tokens=stats.get("tokens_received"),
        cost_usd=stats.get("instance_cost"),
    )


def _ending(status: str) -> Ending:
    said = status.lower()
    return next((ending for word, ending in _ENDINGS if word in said), "agent_error" if said else "finished")


def _old_steps(turns: list[Any], where: str) -> tuple[Step, ...]:
    steps = []
    for number, turn in enumerate(turns, start=1):
        if not isinstance(turn, dict):
            raise BadImport(f"{where}: step {number} of `trajectory` is no object")
        result = ObservationResult(content=str(turn.get("observation") or ""))
        steps.append(
            Step(
                step_id=number,
                source="agent",
                message=str(turn.get("response") or turn.get("thought") or ""),
                observation=Observation(results=(result,)),
                extra={"actions": [turn["action"]]} if turn.get("action") else None,
            )
        )
    return tuple(steps)


def _model(data: dict[str, Any], info: dict[str, Any]) -> str | None:
    """mini: info.config.model.model_name; SWE-agent: agent.model.name in `replay_config`, JSON as text."""
    config = info.get("config") or data.get("replay_config") or {}
    if isinstance(config, str):
        with suppress(ValueError):
            config = json.loads(config)
    for way in (("model", "model_name"), ("agent", "model", "name")):
        found: Any = config
        for name in way:
            found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, str):
            return found
    return None
