"""Claude Code's `--output-format stream-json`: a line of JSON an event, messages in the shape of Anthropic's API.

Facts from code.claude.com/docs (headless mode): `system` with the session's start, `assistant` and `user` with a
`message`, `result` at the end (`subtype` success, error_max_turns, error_during_execution). Blocks of one message come
in lines of their own, with the same `message.id`.
"""

from typing import Any

from agents.foreign.formats._lines import objects, text_of
from trajectories.atif import AgentInfo, Metrics, Observation, ObservationResult, Step, ToolCall, Trajectory
from trajectories.imports.imported import Imported
from trajectories.rollout import Ending

_ENDINGS: dict[str, Ending] = {
    "success": "finished",
    "error_max_turns": "step_limit",
    "error_max_budget_usd": "cost_limit",
}


def read(data: bytes, name: str) -> Imported:
    """Raises BadImport where nothing is JSON."""
    steps: list[dict[str, Any]] = []
    model, version, ending, detail = None, "", "agent_error", "it stopped before its result"
    for event in objects(data, name):
        kind, message = event.get("type"), event.get("message") or {}
        if kind == "system" and event.get("subtype") == "init":
            model, version = event.get("model"), str(event.get("claude_code_version") or "")
        elif kind == "assistant":
            _said(steps, message)
        elif kind == "user":
            _answered(steps, message)
        elif kind == "result":
            detail = str(event.get("subtype") or "")
            ending = (
                "agent_error" if event.get("is_error") and detail == "success" else _ENDINGS.get(detail, "agent_error")
            )
    agent = AgentInfo(name="claude-code", version=version, model_name=str(model) if model else None)
    built = tuple(_built(step, number) for number, step in enumerate(steps, start=1))
    trajectory = Trajectory(session_id=name, agent=agent, steps=built)
    return Imported(task=name, format="claude-code", trajectory=trajectory, ending=ending, ending_detail=detail)  # type: ignore[arg-type]


def _said(steps: list[dict[str, Any]], message: dict[str, Any]) -> None:
    identity = message.get("id")
    if not (steps and steps[-1]["source"] == "agent" and identity and steps[-1]["id"] == identity):
        steps.append({"source": "agent", "id": identity, "text": [], "thought": [], "calls": [], "results": []})
    step = steps[-1]
    step["usage"] = message.get("usage")
    content = message.get("content")
    for block in content if isinstance(content, list) else [{"type": "text", "text": text_of(content)}]:
        if block.get("type") == "text":
            step["text"].append(str(block.get("text", "")))
        elif block.get("type") == "thinking":
            step["thought"].append(str(block.get("thinking", "")))
        elif block.get("type") == "tool_use":
            arguments = block.get("input")
            step["calls"].append(
                ToolCall(
                    tool_call_id=str(block.get("id")),
                    function_name=str(block.get("name")),
                    arguments=arguments if isinstance(arguments, dict) else {"_value": arguments},
                )
            )


def _answered(steps: list[dict[str, Any]], message: dict[str, Any]) -> None:
    content = message.get("content")
    blocks = content if isinstance(content, list) else [{"type": "text", "text": text_of(content)}]
    for block in blocks:
        if block.get("type") != "tool_result":
            steps.append({"source": "user", "text": [text_of([block])], "thought": [], "calls": [], "results": []})
            continue
        called = str(block.get("tool_use_id"))
        for step in reversed(steps):
            if any(call.tool_call_id == called for call in step["calls"]):
                step["results"].append(ObservationResult(source_call_id=called, content=text_of(block.get("content"))))
                break


def _built(step: dict[str, Any], number: int) -> Step:
    usage = step.get("usage") or {}
    metrics = None
    if usage:
        read = usage.get("cache_read_input_tokens") or 0
        beside = read + (usage.get("cache_creation_input_tokens") or 0)
        metrics = Metrics(
            prompt_tokens=(usage.get("input_tokens") or 0) + beside,
            completion_tokens=usage.get("output_tokens"),
            cached_tokens=read,
        )
    return Step(
        step_id=number,
        source=step["source"],
        message="\n".join(filter(None, step["text"])),
        reasoning_content="\n".join(filter(None, step["thought"])) or None,
        tool_calls=tuple(step["calls"]) or None,
        observation=Observation(results=tuple(step["results"])) if step["results"] else None,
        metrics=metrics,
    )
