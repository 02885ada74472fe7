"""OpenHands CLI's `--headless --json`: a line of JSON an event of its SDK.

Facts from the packages openhands 1.16 and openhands-sdk 1.21: an event has `kind` (its class), `source` and
`timestamp`; `MessageEvent` an `llm_message`; `ActionEvent` a `thought`, `tool_call` (`id`, `name`, `arguments` as JSON
text) and `llm_response_id`, which several actions of one answer share; `ObservationEvent` an `observation` with
`content`, `AgentErrorEvent` an `error`, `UserRejectObservation` a `rejection_reason`, each with the `tool_call_id` that
it answers; `ConversationErrorEvent` a `code` and a `detail`. An action of the tool `finish` ends it.
"""

import json
from typing import Any

from agents.foreign.formats._lines import objects, text_of
from trajectories.atif import AgentInfo, Observation, ObservationResult, Step, ToolCall, Trajectory
from trajectories.errors import BadImport
from trajectories.imports.imported import Imported
from trajectories.rollout import Ending

_ANSWERS = ("ObservationEvent", "AgentErrorEvent", "UserRejectObservation")


def read(data: bytes, name: str) -> Imported:
    """Raises BadImport."""
    steps: list[dict[str, Any]] = []
    ending: Ending = "agent_error"
    detail = "it stopped before it was finished"
    for event in objects(data, name):
        kind = str(event.get("kind"))
        if kind == "MessageEvent":
            steps.append(_said(event))
            if event.get("source") == "agent":  # an answer without a call is its last word
                ending, detail = "finished", ""
        elif kind == "ActionEvent":
            _acted(steps, event)
            if event.get("tool_name") == "finish":
                ending, detail = "finished", ""
        elif kind in _ANSWERS:
            _answered(steps, kind, event)
        elif kind == "ConversationErrorEvent":
            ending, detail = "agent_error", f"{event.get('code')}: {event.get('detail')}"
    if not steps:
        raise BadImport(f"{name}: none of its lines is an event of a conversation")
    built = tuple(_built(step, number) for number, step in enumerate(steps, start=1))
    trajectory = Trajectory(session_id=name, agent=AgentInfo(name="openhands", version=""), steps=built)
    return Imported(task=name, format="openhands-events", trajectory=trajectory, ending=ending, ending_detail=detail)


def _said(event: dict[str, Any]) -> dict[str, Any]:
    message = event.get("llm_message") or {}
    return {
        "source": "agent" if event.get("source") == "agent" else "user",
        "text": text_of(message.get("content")),
        "thought": message.get("reasoning_content"),
        "time": event.get("timestamp"),
        "answer": event.get("llm_response_id"),
        "calls": [],
        "results": [],
    }


def _acted(steps: list[dict[str, Any]], event: dict[str, Any]) -> None:
    answer = event.get("llm_response_id")
    if not (answer and steps and steps[-1]["answer"] == answer and not steps[-1]["results"]):
        steps.append(
            {
                "source": "agent",
                "text": text_of(event.get("thought")),
                "thought": event.get("reasoning_content"),
                "time": event.get("timestamp"),
                "answer": answer,
                "calls": [],
                "results": [],
            }
        )
    call = event.get("tool_call") or {}
    steps[-1]["calls"].append(
        ToolCall(
            tool_call_id=str(event.get("tool_call_id") or call.get("id")),
            function_name=str(event.get("tool_name") or call.get("name")),
            arguments=_arguments(call.get("arguments")),
        )
    )


def _arguments(said: Any) -> dict[str, Any]:
    """What is no JSON object (models err) is kept as text."""
    try:
        value = json.loads(said)
    except (TypeError, ValueError):
        return {"_text": str(said)}
    return value if isinstance(value, dict) else {"_value": value}


def _answered(steps: list[dict[str, Any]], kind: str, event: dict[str, Any]) -> None:
    identity = event.get("tool_call_id")
    for step in reversed(steps):
        if any(call.tool_call_id == identity for call in step["calls"]):
            if kind == "ObservationEvent":
                content = text_of((event.get("observation") or {}).get("content"))
            else:
                content = str(event.get("error") or event.get("rejection_reason") or "")
            step["results"].append(ObservationResult(source_call_id=str(identity), content=content))
            return


def _built(step: dict[str, Any], number: int) -> Step:
    return Step(
        step_id=number,
        timestamp=step["time"],
        source=step["source"],
        message=step["text"],
        reasoning_content=step["thought"] or None,
        tool_calls=tuple(step["calls"]) or None,
        observation=Observation(results=tuple(step["results"])) if step["results"] else None,
    )
