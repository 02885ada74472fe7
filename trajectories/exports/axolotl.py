"""Axolotl's chat_template format."""

from collections.abc import Sequence
from typing import ClassVar

import pyarrow as pa
import yaml

from trajectories.exports.exporter import MESSAGES, ORIGIN, Example, OneByOne, Row, chat_in_arrow


class Axolotl(OneByOne):
    """`messages` and `tools` for `type: chat_template`; the part of the configuration that reads them lies beside."""

    name: ClassVar[str] = "axolotl"
    schema: ClassVar[pa.Schema] = pa.schema([("messages", MESSAGES), ("tools", pa.string()), *ORIGIN])

    def row(self, example: Example) -> Row:
        return {"messages": example.messages, "tools": example.tools}

    def parquet_row(self, row: Row) -> Row:
        return chat_in_arrow(row, "messages")

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
