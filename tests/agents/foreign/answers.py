"""Scripted answers in the protocols that Claude Code and Codex speak: events, as their servers send them."""

import json
from typing import Any

from ..openai_server import Answer, sends

STREAM = {"Content-Type": "text/event-stream"}


def anthropic(text: str, *calls: tuple[str, dict[str, Any]], number: int = 0) -> Answer:
    """One message of Anthropic's API: text, then tool calls as (name, input)."""
    usage = {"input_tokens": 100, "output_tokens": 1}
    start = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": "served", "content": [],
             "stop_reason": None, "stop_sequence": None, "usage": usage}  # fmt: skip
    events: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
    blocks: list[tuple[dict[str, Any], dict[str, Any]]] = []
    if text:
        blocks.append(({"type": "text", "text": ""}, {"type": "text_delta", "text": text}))
    for place, (name, value) in enumerate(calls):
        block = {"type": "tool_use", "id": f"toolu_{number}_{place}", "name": name, "input": {}}
        blocks.append((block, {"type": "input_json_delta", "partial_json": json.dumps(value)}))
    for index, (block, delta) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    reason = "tool_use" if calls else "end_turn"
    events.append({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None},
                   "usage": {"output_tokens": 10}})  # fmt: skip
    events.append({"type": "message_stop"})
    return sends(_events(events), headers=STREAM)


def responses(text: str, *calls: tuple[str, dict[str, Any]], number: int = 0) -> Answer:
    """One answer of OpenAI's responses API."""
    items: list[dict[str, Any]] = []
    if text:
        content = [{"type": "output_text", "text": text, "annotations": []}]
        items.append({"type": "message", "id": f"msg_{number}", "role": "assistant", "status": "completed",
                      "content": content})  # fmt: skip
    for place, (name, value) in enumerate(calls):
        items.append({"type": "function_call", "id": f"fc_{number}_{place}", "call_id": f"call_{number}_{place}",
                      "name": name, "arguments": json.dumps(value), "status": "completed"})  # fmt: skip
    usage = {"input_tokens": 100, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 10,
             "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 110}  # fmt: skip
    response = {"id": f"resp_{number}", "object": "response", "status": "in_progress", "output": []}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": response}]
    for index, item in enumerate(items):
        events.append({"type": "response.output_item.added", "output_index": index, "item": item})
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    done = {**response, "status": "completed", "output": items, "usage": usage}
    events.append({"type": "response.completed", "response": done})
    return sends(_events(events), headers=STREAM)


def _events(events: list[dict[str, Any]]) -> bytes:
    return b"".join(
        b"event: " + str(event["type"]).encode() + b"\ndata: " + json.dumps(event).encode() + b"\n\n"
        for event in events
    )
