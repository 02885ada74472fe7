"""Chat messages in OpenAI's shape as ATIF steps."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from trajectories.atif import Metrics, Observation, ObservationResult, Step, ToolCall
from trajectories.errors import BadImport

_SOURCES = {"system": "system", "developer": "system", "user": "user", "assistant": "agent"}


def to_steps(messages: Iterable[Mapping[str, Any]], where: str, *, is_observing: bool = False) -> tuple[Step, ...]:
    """Each tool message joins the step whose call it answers.

    is_observing: user messages after the agent's first are what it observed (agents without native tool calling).
    Raises BadImport naming `where` and the message.
    """
    steps: list[dict[str, Any]] = []
    for number, message in enumerate(messages):
        at = f"{where}: message {number}"
        if not isinstance(message, Mapping):
            raise BadImport(f"{at} is no object")
        role = message.get("role")
        if role in ("tool", "function"):
            _answer(steps, message, at)
        elif role == "exit":  # mini-swe-agent's own end mark: the submission, which no model read
            continue
        elif role not in _SOURCES:
            raise BadImport(f"{at}: unknown role {role!r}")
        elif role == "user" and is_observing and steps and steps[-1]["source"] == "agent" and not steps[-1]["calls"]:
            steps[-1]["results"].append(ObservationResult(content=_content(message.get("content"), at)))
        else:
            is_shown = bool(message.get("is_demo"))  # SWE-agent's demonstration: said by nobody in this rollout
            source = "user" if is_shown and role == "assistant" else _SOURCES[role]
            steps.append(_step(message, source, at, len(steps) + 1))
    return tuple(_built(step) for step in steps)


def _step(message: Mapping[str, Any], source: str, at: str, step_id: int) -> dict[str, Any]:
    calls = _calls(message, at, step_id) if source == "agent" else []
    extra = {name: message["extra"][name] for name in ("actions",) if name in (message.get("extra") or {})}
    return {
        "step_id": step_id,
        "source": source,
        "message": _content(message.get("content"), at) or "",
        "reasoning_content": message.get("reasoning_content") or message.get("reasoning"),
        "calls": calls,
        "results": [],
        "metrics": _metrics(message) if source == "agent" else None,
        "extra": extra or None,
    }


def _built(step: dict[str, Any]) -> Step:
    calls, results = step.pop("calls"), step.pop("results")
    return Step(
        **step, tool_calls=tuple(calls) or None, observation=Observation(results=tuple(results)) if results else None
    )


def _calls(message: Mapping[str, Any], at: str, step_id: int) -> list[ToolCall]:
    said = list(message.get("tool_calls") or ())
    if message.get("function_call"):
        said.append({"function": message["function_call"]})
    calls = []
    for number, call in enumerate(said):
        function = call.get("function", call) if isinstance(call, Mapping) else {}
        name = function.get("name")
        if not isinstance(name, str):
            raise BadImport(f"{at}: tool call {number} has no name")
        identity = str(call.get("id") or f"call-{step_id}-{number}")
        calls.append(ToolCall(tool_call_id=identity, function_name=name, arguments=_arguments(function)))
    return calls


def _arguments(function: Mapping[str, Any]) -> dict[str, Any]:
    """What is no JSON object (models err) is kept as text."""
    said = function.get("arguments") or {}
    if isinstance(said, str):
        try:
            said = json.loads(said)
        except ValueError:
            return {"_text": said}
    return dict(said) if isinstance(said, Mapping) else {"_value": said}


def _answer(steps: list[dict[str, Any]], message: Mapping[str, Any], at: str) -> None:
    step = next((step for step in reversed(steps) if step["source"] == "agent"), None)
    if step is None or not step["calls"]:
        raise BadImport(f"{at}: a result, but no call was made before it")
    known = [call.tool_call_id for call in step["calls"]]
    answered = message.get("tool_call_id") or next(iter(message.get("tool_call_ids") or ()), None)
    if answered is None:  # old formats answer in order
        answered = known[min(len(step["results"]), len(known) - 1)]
    if answered not in known:
        raise BadImport(f"{at}: answers call {answered!r}, which the last step did not make")
    step["results"].append(ObservationResult(source_call_id=answered, content=_content(message.get("content"), at)))


def _metrics(message: Mapping[str, Any]) -> Metrics | None:
    usage = message.get("usage") or ((message.get("extra") or {}).get("response") or {}).get("usage")
    if not isinstance(usage, Mapping):
        return None
    return Metrics(prompt_tokens=usage.get("prompt_tokens"), completion_tokens=usage.get("completion_tokens"))


def _content(content: Any, at: str) -> str | list[dict[str, Any]] | None:
    """A list of nothing but text parts becomes the text."""
    if content is None or isinstance(content, str):
        return content
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise BadImport(f"{at}: its content is neither text nor a list of parts")
    if all(part.get("type", "text") == "text" and isinstance(part.get("text"), str) for part in content):
        return "\n".join(part["text"] for part in content)
    return content
