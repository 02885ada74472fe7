"""Codex CLI's `codex exec --json`: a line of JSON an event.

Facts from developers.openai.com/codex (non-interactive mode): `thread.started`, `turn.started`, `item.started`,
`item.updated`, `item.completed` with an `item` (agent_message, reasoning, command_execution, file_change,
mcp_tool_call, web_search, todo_list, error), `turn.completed` with usage, `turn.failed`, `error`.
"""

from typing import Any

from agents.foreign.formats._lines import objects
from trajectories.atif import AgentInfo, Observation, ObservationResult, Step, ToolCall, Trajectory
from trajectories.imports.imported import Imported
from trajectories.rollout import Ending

_OF_CALLS = ("command_execution", "file_change", "mcp_tool_call", "web_search", "todo_list")


def read(data: bytes, name: str) -> Imported:
    """Items that were begun and never completed are kept as they were last seen. Raises BadImport."""
    items: dict[str, dict[str, Any]] = {}
    ending: Ending = "agent_error"
    detail = "it stopped before its turn was completed"
    prompt = said = 0
    for event in objects(data, name):
        kind, item = str(event.get("type")), event.get("item")
        if kind.startswith("item.") and isinstance(item, dict):
            items[str(item.get("id", len(items)))] = item
        elif kind == "turn.completed":
            usage = event.get("usage") or {}
            prompt, said = prompt + (usage.get("input_tokens") or 0), said + (usage.get("output_tokens") or 0)
            ending, detail = "finished", ""
        elif kind in ("turn.failed", "error"):
            error = event.get("error") or {}
            ending, detail = "agent_error", str(error.get("message") or event.get("message") or kind)
    steps = _steps(list(items.values()))
    trajectory = Trajectory(session_id=name, agent=AgentInfo(name="codex", version=""), steps=steps)
    return Imported(
        task=name,
        format="codex",
        trajectory=trajectory,
        ending=ending,
        ending_detail=detail,
        prompt_tokens=prompt or None,
        completion_tokens=said or None,
    )


def _steps(items: list[dict[str, Any]]) -> tuple[Step, ...]:
    """What was thought and said before a call belongs to the call's step."""
    steps: list[Step] = []
    text: list[str] = []
    thought: list[str] = []

    def end(call: ToolCall | None = None, result: str | None = None) -> None:
        if not (call or text or thought):
            return
        answer = (
            ObservationResult(source_call_id=call.tool_call_id, content=result) if call and result is not None else None
        )
        steps.append(
            Step(
                step_id=len(steps) + 1,
                source="agent",
                message="\n".join(text),
                reasoning_content="\n".join(thought) or None,
                tool_calls=(call,) if call else None,
                observation=Observation(results=(answer,)) if answer else None,
            )
        )
        text.clear()
        thought.clear()

    for number, item in enumerate(items):
        kind = str(item.get("type") or item.get("item_type"))
        if kind == "reasoning":
            thought.append(str(item.get("text", "")))
        elif kind in _OF_CALLS:
            identity = str(item.get("id") or f"item-{number}")
            end(
                ToolCall(tool_call_id=identity, function_name=_name(kind, item), arguments=_arguments(kind, item)),
                _result(kind, item),
            )
        elif kind in ("agent_message", "assistant_message"):
            if text:
                end()
            text.append(str(item.get("text", "")))
        elif kind == "error":
            steps.append(Step(step_id=len(steps) + 1, source="system", message=str(item.get("message", ""))))
    end()
    return tuple(steps)


def _name(kind: str, item: dict[str, Any]) -> str:
    return f"{item.get('server')}.{item.get('tool')}" if kind == "mcp_tool_call" else kind


def _arguments(kind: str, item: dict[str, Any]) -> dict[str, Any]:
    names = {
        "command_execution": ("command",),
        "file_change": ("changes",),
        "mcp_tool_call": ("arguments",),
        "web_search": ("query",),
        "todo_list": ("items",),
    }[kind]
    return {name: item[name] for name in names if name in item}


def _result(kind: str, item: dict[str, Any]) -> str | None:
    if kind == "command_execution":
        code = item.get("exit_code")
        output = str(item.get("aggregated_output") or "")
        return output if code in (0, None) else f"{output}\n[exit code {code}]"
    if kind == "mcp_tool_call":
        return str(item.get("result") or item.get("error") or "")
    return str(item["status"]) if item.get("status") else None
