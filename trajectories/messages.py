"""A trajectory as chat messages with tools, in OpenAI's shape: the form from which every trainer's rows are made."""

from typing import Any

from trajectories.atif import Step, Trajectory
from trajectories.errors import BadExport

Message = dict[str, Any]


def to_messages(trajectory: Trajectory) -> list[Message]:
    """system, user, assistant (with `tool_calls`, arguments as objects) and tool messages, in order.

    What the system says before the agent acts comes first, as chat templates want it, whenever it was recorded.
    Raises BadExport if nothing was said by the agent, or a result answers a call that was not made.
    """
    messages: list[Message] = []
    for step in trajectory.steps:
        if step.source != "agent":
            messages.append({"role": step.source, "content": text_of(step.message)})
            continue
        messages.append(_assistant(step))
        messages += _results(step)
    if not any(message["role"] == "assistant" for message in messages):
        raise BadExport("the agent said nothing and called nothing")
    opening = next(at for at, message in enumerate(messages) if message["role"] == "assistant")
    return sorted(messages[:opening], key=lambda message: message["role"] != "system") + messages[opening:]


def tools_of(trajectory: Trajectory) -> list[dict[str, Any]]:
    """The tool definitions (OpenAI function schemas) that the agent had."""
    return [dict(tool) for tool in trajectory.agent.tool_definitions or ()]


def text_of(content: str | list[dict[str, Any]] | None) -> str:
    """Text of a message or result; of several parts, the texts joined. Raises BadExport for parts that are no text."""
    if isinstance(content, list):
        if any("text" not in part for part in content):
            raise BadExport("a message has parts that are no text; this format cannot hold them")
        return "\n".join(str(part["text"]) for part in content)
    return content or ""


def _assistant(step: Step) -> Message:
    message: Message = {"role": "assistant", "content": text_of(step.message)}
    if step.reasoning_content:
        message["reasoning_content"] = step.reasoning_content
    if step.tool_calls:
        message["tool_calls"] = [
            {
                "id": call.tool_call_id,
                "type": "function",
                "function": {"name": call.function_name, "arguments": call.arguments},
            }
            for call in step.tool_calls
        ]
    return message


def _results(step: Step) -> list[Message]:
    calls = {call.tool_call_id: call.function_name for call in step.tool_calls or ()}
    results = step.observation.results if step.observation else ()
    answered = []
    for result in results:
        if result.source_call_id is None and not calls:
            # An agent without native tool calling reads its observation as the next user message.
            answered.append({"role": "user", "content": text_of(result.content)})
            continue
        if result.source_call_id not in calls:
            raise BadExport(f"step {step.step_id}: a result answers call {result.source_call_id!r}, which was not made")
        answered.append(
            {
                "role": "tool",
                "tool_call_id": result.source_call_id,
                "name": calls[result.source_call_id],
                "content": text_of(result.content),
            }
        )
    return answered
