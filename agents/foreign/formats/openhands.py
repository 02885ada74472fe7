"""OpenHands's `SAVE_TRAJECTORY_PATH`: a JSON list of events, actions and what was observed of them.

Facts from docs.all-hands.dev and files of that kind: an event has `source` (user, agent, environment), `message`, and
`action` with `args` or `observation` with `content` and `cause` (the action's `id`); an action of the agent may have
`tool_call_metadata` (`function_name`, `tool_call_id`) and `llm_metrics`. Several actions of one answer of the model
share `tool_call_metadata.model_response.id`.
"""

import json
from typing import Any

from trajectories.atif import AgentInfo, Observation, ObservationResult, Step, ToolCall, Trajectory
from trajectories.errors import BadImport
from trajectories.imports.imported import Imported
from trajectories.rollout import Ending

_NOT_SHOWN = ("change_agent_state", "recall", "null", "system")
_ENDINGS: dict[str, Ending] = {"finished": "finished", "rejected": "finished", "stopped": "finished"}


def read(data: bytes, name: str) -> Imported:
    """Raises BadImport."""
    try:
        events = json.loads(data)
    except ValueError as error:
        raise BadImport(f"{name}: no JSON: {error}") from error
    if isinstance(events, dict):
        events = events.get("history") or events.get("events")
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise BadImport(f"{name}: no list of events")
    steps: list[dict[str, Any]] = []
    ending: Ending = "agent_error"
    detail = "it stopped before it was finished"
    for event in events:
        if event.get("observation") == "agent_state_changed":
            state = str((event.get("extras") or {}).get("agent_state") or "")
            ending, detail = _ENDINGS.get(state, ending), state or detail
        elif event.get("observation"):
            _observed(steps, event)
        elif event.get("action"):
            _acted(steps, event)
            if event["action"] == "finish":
                ending, detail = "finished", ""
    built = tuple(_built(step, number) for number, step in enumerate(steps, start=1))
    trajectory = Trajectory(session_id=name, agent=AgentInfo(name="openhands", version=""), steps=built)
    return Imported(task=name, format="openhands", trajectory=trajectory, ending=ending, ending_detail=detail)


def _acted(steps: list[dict[str, Any]], event: dict[str, Any]) -> None:
    action, arguments = str(event["action"]), dict(event.get("args") or {})
    source = "agent" if event.get("source") == "agent" else "user"
    if action == "system":
        steps.append({"source": "system", "text": str(arguments.get("content") or ""), "calls": {}, "results": []})
        return
    if action in _NOT_SHOWN:
        return
    if action == "message":
        text = str(arguments.get("content") or event.get("message") or "")
        steps.append({"source": source, "text": text, "time": event.get("timestamp"), "calls": {}, "results": []})
        return
    called = event.get("tool_call_metadata") or {}
    answer = (called.get("model_response") or {}).get("id")
    thought = str(arguments.pop("thought", "") or "")
    if not (answer and steps and steps[-1].get("answer") == answer):
        steps.append({"source": "agent", "text": thought, "time": event.get("timestamp"), "answer": answer,
                      "calls": {}, "results": []})  # fmt: skip
    steps[-1]["calls"][event.get("id")] = ToolCall(
        tool_call_id=str(called.get("tool_call_id") or f"event-{event.get('id')}"),
        function_name=str(called.get("function_name") or action),
        arguments={name: value for name, value in arguments.items() if value not in (None, "")},
    )


def _observed(steps: list[dict[str, Any]], event: dict[str, Any]) -> None:
    cause = event.get("cause")
    for step in reversed(steps):
        if cause in step["calls"]:
            call = step["calls"][cause]
            content = str(event.get("content") or event.get("message") or "")
            step["results"].append(ObservationResult(source_call_id=call.tool_call_id, content=content))
            return


def _built(step: dict[str, Any], number: int) -> Step:
    return Step(
        step_id=number,
        timestamp=step.get("time"),
        source=step["source"],
        message=step["text"],
        tool_calls=tuple(step["calls"].values()) or None,
        observation=Observation(results=tuple(step["results"])) if step["results"] else None,
    )
