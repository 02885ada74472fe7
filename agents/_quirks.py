"""Requests shaped to what a model's chat template bears, and answers mended of what their reader would stumble over."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from agents.models import Quirks

Message = dict[str, Any]


def shaped(messages: Sequence[Message], quirks: Quirks) -> list[Message]:
    """OpenAI messages as the chat template takes them. Those that it takes already are given back as they are."""
    found = list(messages)
    if not quirks.system_role:
        found = _without_system(found)
    return _alternating(found) if quirks.alternating else found


def _without_system(messages: list[Message]) -> list[Message]:
    said = "\n\n".join(str(each["content"]) for each in messages if each["role"] == "system")
    rest = [each for each in messages if each["role"] != "system"]
    if not said:
        return rest
    for number, message in enumerate(rest):
        if message["role"] == "user":
            rest[number] = {**message, "content": f"{said}\n\n{message['content']}"}
            return rest
    return [{"role": "user", "content": said}, *rest]


def _alternating(messages: list[Message]) -> list[Message]:
    """Neighbours of one role joined; calls and their results are left alone."""
    found: list[Message] = []
    for message in messages:
        is_plain = message["role"] in ("user", "assistant") and not message.get("tool_calls")
        if found and is_plain and found[-1]["role"] == message["role"] and not found[-1].get("tool_calls"):
            found[-1] = {**found[-1], "content": f"{found[-1]['content']}\n\n{message['content']}"}
        else:
            found.append(message)
    return found


def mended(body: Mapping[str, Any]) -> dict[str, Any]:
    """A chat completion whose tool calls can be read: arguments that are JSON but no object become text that is none.

    So that the model is told of them, like of broken JSON, instead of the whole answer being thrown away.
    """
    choices = [dict(choice) for choice in body.get("choices") or ()]
    for choice in choices:
        message = dict(choice.get("message") or {})
        if calls := message.get("tool_calls"):
            message["tool_calls"] = [_mended_call(call) for call in calls]
            choice["message"] = message
    return {**body, "choices": choices}


def _mended_call(call: Any) -> Any:
    try:
        function = call["function"]
        said = json.loads(function["arguments"])
    except (ValueError, TypeError, KeyError):
        return call  # broken: its reader finds that out
    if isinstance(said, dict):
        return call
    return {**call, "function": {**function, "arguments": f"not an object: {function['arguments']}"}}


def without_reasoning(text: str, tag: str) -> tuple[str, str]:
    """The answer, and what the model thought before it between `<tag>` (which may be missing) and `</tag>`."""
    found = re.match(rf"\s*(?:<{tag}>)?(.*?)</{tag}>\s*", text, re.S)
    return (text[found.end() :], found[1].strip()) if found else (text, "")
