"""A trajectory as chat messages with tools, in OpenAI's shape: the form from which every trainer's rows are made."""

from collections.abc import Mapping
from typing import Any

from trajectories.atif import Trajectory
from trajectories.errors import BadExport

Message = dict[str, Any]


Json = Mapping[str, Any]


def to_messages(trajectory: Trajectory | Json) -> list[Message]:
    """system, user, assistant (with `tool_calls`, arguments as objects) and tool messages, in order.

    What the system says before the agent acts comes first, as chat templates want it, whenever it was recorded.
    trajectory: also as it was read from JSON, unchecked: checking what the store holds would be most of an
    export's time. Raises BadExport if nothing was said by the agent, or a result answers a call that was not made.
    """
    plain = trajectory.model_dump(mode="json") if isinstance(trajectory, Trajectory) else trajectory
    messages: list[Message] = []
    for step in plain.get("steps") or ():
        if step["source"] != "agent":
            messages.append({"role": step["source"], "content": text_of(step.get("message"))})
            continue
        messages.append(_assistant(step))
        messages += _results(step)
    if not any(message["role"] == "assistant" for message in messages):
        raise BadExport("the agent said nothing and called nothing")
    opening = next(at for at, message in enumerate(messages) if message["role"] == "assistant")
    return sorted(messages[:opening], key=lambda message: message["role"] != "system") + messages[opening:]


def tools_of(trajectory: Trajectory | Json) -> list[dict[str, Any]]:
    """The tool definitions (OpenAI function schemas) that the agent had."""
    if isinstance(trajectory, Trajectory):
        return [dict(tool) for tool in trajectory.agent.tool_definitions or ()]
    return [dict(tool) for tool in trajectory["agent"].get("tool_definitions") or ()]


def text_of(content: str | list[dict[str, Any]] | None) -> str:
    """Text of a message or result; of several parts, the texts joined. Raises BadExport for parts that are no text."""
    if isinstance(content, list):
        if any("text" not in part for part in content):
            raise BadExport("a message has parts that are no text; this format cannot hold them")
        return "\n".join(str(part["text"]) for part in content)
    return content or ""


def _assistant(step: Json) -> Message:
    message: Message = {"role": "assistant", "content": text_of(step.get("message"))}
    if reasoning := step.get("reasoning_content"):
        message["reasoning_content"] = reasoning
    if calls := step.get("tool_calls"):
        message["tool_calls"] = [
            {
                "id": call["tool_call_id"],
                "type": "function",
                "function": {"name": call["function_name"], "arguments": call.get("arguments") or {}},
            }
            for call in calls
        ]
    return message


def _results(step: Json) -> list[Message]:
    calls = {call["tool_call_id"]: call["function_name"] for call in step.get("tool_calls") or ()}
    answered = []
    for result in (step.get("observation") or {}).get("results") or ():
        called, content = result.get("source_call_id"), text_of(result.get("content"))
        if called is None and not calls:
            # An agent without native tool calling reads its observation as the next user message.
            answered.append({"role": "user", "content": content})
            continue
        if called not in calls:
            raise BadExport(f"step {step['step_id']}: a result answers call {called!r}, which was not made")
        answered.append({"role": "tool", "tool_call_id": called, "name": calls[called], "content": content})
    return answered
