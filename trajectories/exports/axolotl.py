"""Axolotl's chat_template format."""

import json
from collections.abc import Sequence
from typing import ClassVar

import pyarrow as pa
import yaml

from trajectories.exports.exporter import MESSAGES, ORIGIN, TOOLS, Example, OneByOne, Row
from trajectories.messages import Message

FIELDS = [field.name for field in MESSAGES.value_type]


class Axolotl(OneByOne):
    """`messages` and `tools` for `type: chat_template`; the part of the configuration that reads them lies beside.

    Call arguments and tools are JSON texts in JSONL as well: Axolotl reads both forms (0.19), but the `datasets` of its
    time would give each object the fields of all others.
    """

    name: ClassVar[str] = "axolotl"
    schema: ClassVar[pa.Schema] = pa.schema([("messages", MESSAGES), TOOLS, *ORIGIN])

    def row(self, example: Example) -> Row:
        return {"messages": [_with_texts(each) for each in example.messages], "tools": json.dumps(example.tools)}

    def parquet_row(self, row: Row) -> Row:
        return {**row, "messages": [dict.fromkeys(FIELDS) | message for message in row["messages"]]}

    def beside(self, files: Sequence[str]) -> dict[str, str]:
        def part(file: str) -> dict[str, object]:
            return {
                "path": file,
                "ds_type": "json",
                "type": "chat_template",
                "field_messages": "messages",
                "field_tools": "tools",
                "message_property_mappings": {"role": "role", "content": "content"},
                "roles_to_train": ["assistant"],
                "train_on_eos": "turn",
            }

        jsonl = [file for file in files if file.endswith(".jsonl")]
        settings = {
            "datasets": [part(file) for file in jsonl if file.startswith("train")],
            "test_datasets": [part(file) for file in jsonl if file.startswith("test")],
        }
        return {"axolotl.yaml": yaml.safe_dump(settings, sort_keys=False)}


def _with_texts(message: Message) -> Message:
    if "tool_calls" not in message:
        return message
    calls = [
        {**call, "function": {**call["function"], "arguments": json.dumps(call["function"]["arguments"])}}
        for call in message["tool_calls"]
    ]
    return {**message, "tool_calls": calls}
