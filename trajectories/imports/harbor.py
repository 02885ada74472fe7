"""Harbor's job folders: trial folders with `result.json` and `agent/trajectory.json` (ATIF)."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from trajectories.atif import AgentInfo, Trajectory
from trajectories.errors import BadImport
from trajectories.imports.imported import Imported
from trajectories.rollout import Ending

NAME = "harbor"
_GIVEN_THE_REFERENCE = ("oracle",)


def fits(path: Path) -> bool:
    """A trial's result; the job's own `result.json` has no task."""
    if path.name != "result.json":
        return False
    try:
        return "task_name" in json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, TypeError):
        return False


def read(path: Path) -> Iterator[Imported]:
    where = f"{path.parent.name}/{path.name}"
    result = _json(path)
    task = str(result.get("task_name") or "")
    if not task:
        raise BadImport(f"{where}: no `task_name`: no trial's result")
    info, context = _part(result, "agent_info"), _part(result, "agent_result")
    model = _part(info, "model_info")
    named = "/".join(str(model[name]) for name in ("provider", "name") if model.get(name)) or None
    agent = AgentInfo(name=str(info.get("name") or "unknown"), version=str(info.get("version") or ""), model_name=named)
    file = path.parent / "agent" / "trajectory.json"
    session = str(result.get("trial_name") or path.parent.name)
    trajectory = Trajectory(session_id=session, agent=agent, notes="the agent wrote no trajectory")
    if file.is_file():
        trajectory = read_atif(file)
        name, version = info.get("name") or trajectory.agent.name, info.get("version") or trajectory.agent.version
        known = {"name": str(name), "version": str(version), "model_name": named or trajectory.agent.model_name}
        trajectory = trajectory.model_copy(update={"agent": trajectory.agent.model_copy(update=known)})
    reward, checks = _reward(result, where)
    ending, detail = _ending(result)
    yield Imported(
        task=task,
        format=NAME,
        trajectory=trajectory,
        ending=ending,
        ending_detail=detail,
        reward=reward,
        checks=checks,
        started_at=str(result.get("started_at") or ""),
        agent_sec=_seconds(_part(result, "agent_execution")),
        verifier_sec=_seconds(_part(result, "verifier")),
        total_sec=_seconds(result),
        prompt_tokens=context.get("n_input_tokens"),
        completion_tokens=context.get("n_output_tokens"),
        cost_usd=context.get("cost_usd"),
        is_privileged=agent.name in _GIVEN_THE_REFERENCE,
    )


def read_atif(path: Path) -> Trajectory:
    """A trajectory of any version of ATIF; what this one does not know is kept. Raises BadImport."""
    data = _json(path)
    if not str(data.get("schema_version", "")).startswith("ATIF-"):
        raise BadImport(f"{path.name}: no ATIF: schema_version is {data.get('schema_version')!r}")
    data["session_id"] = data.get("session_id") or data.get("trajectory_id") or path.parent.parent.name
    try:
        return Trajectory.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadImport(f"{path.name}: {place}: {first['msg']}") from error


def _reward(result: dict[str, Any], where: str) -> tuple[float | None, dict[str, float]]:
    """`reward` of the verifier's rewards, or the only one; all of them as checks."""
    verified = _part(result, "verifier_result")
    said = verified.get("rewards") or ({"reward": verified["reward"]} if "reward" in verified else {})
    if not isinstance(said, dict) or not all(isinstance(value, int | float) for value in said.values()):
        raise BadImport(f"{where}: `verifier_result.rewards` are no numbers")
    rewards = {str(name): float(value) for name, value in said.items()}
    reward = rewards.get("reward", next(iter(rewards.values())) if len(rewards) == 1 else None)
    if reward is not None and not 0 <= reward <= 1:
        raise BadImport(f"{where}: the reward is {reward:g}, not within 0…1")
    return reward, rewards


def _ending(result: dict[str, Any]) -> tuple[Ending, str]:
    failed = _part(result, "exception_info")
    if not failed:
        return "finished", ""
    kind = str(failed.get("exception_type", ""))
    detail = f"{kind}: {failed.get('exception_message', '')}"
    if kind == "AgentTimeoutError":
        return "time_limit", detail
    return ("infrastructure_error" if not _part(result, "verifier_result") else "agent_error"), detail


def _seconds(timing: dict[str, Any]) -> float:
    try:
        start, end = (datetime.fromisoformat(str(timing[name])) for name in ("started_at", "finished_at"))
        return max(0.0, (end - start).total_seconds())
    except (KeyError, ValueError, TypeError):
        return 0.0


def _part(data: dict[str, Any], name: str) -> dict[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadImport(f"{path.name}: no JSON: {error}") from error
    if not isinstance(data, dict):
        raise BadImport(f"{path.name}: no object")
    return data
