"""ms-swift's agent format."""

import json
from typing import Any, ClassVar

import pyarrow as pa

from trajectories.exports.exporter import ORIGIN, Example, OneByOne, Row, in_call_order


class MsSwift(OneByOne):
    """`tools` as JSON text; roles system, user, assistant, tool_call, tool_response; `loss` on what the agent said."""

    name: ClassVar[str] = "ms-swift"
    schema: ClassVar[pa.Schema] = pa.schema(
        [
            ("tools", pa.string()),
            ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string()), ("loss", pa.bool_())]))),
            *ORIGIN,
        ]
    )

    def row(self, example: Example) -> Row:
        messages: list[dict[str, Any]] = []
        for message in in_call_order(example.messages):
            role, content = message["role"], message["content"]
            if role == "tool":
                messages.append({"role": "tool_response", "content": content, "loss": False})
                continue
            is_said = role == "assistant"
            if reasoning := message.get("reasoning_content"):
                content = f"<think>\n{reasoning}\n</think>\n\n{content}"
            calls = message.get("tool_calls", ())
            if content or not calls:
                messages.append({"role": role, "content": content, "loss": is_said})
            messages += [
                {"role": "tool_call", "content": json.dumps(call["function"]), "loss": is_said} for call in calls
            ]
        return {"tools": json.dumps(example.tools), "messages": messages}
