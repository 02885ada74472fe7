"""LMFlow's conversation format."""

from collections.abc import Sequence
from typing import ClassVar

import pyarrow as pa

from trajectories.exports.exporter import MESSAGES, ORIGIN, Example, OneByOne, Row, chat_in_arrow


class LmFlow(OneByOne):
    """One instance a row: `system`, `tools`, `messages`.

    LMFlow reads a JSON file of `{"type": "conversation", "instances": […]}`; its readme beside the rows says how to
    wrap the lines, which are kept one an instance so that a set of any size is written in constant memory.
    """

    name: ClassVar[str] = "lmflow"
    schema: ClassVar[pa.Schema] = pa.schema(
        [("system", pa.string()), ("tools", pa.string()), ("messages", MESSAGES), *ORIGIN]
    )

    def row(self, example: Example) -> Row:
        system = "\n\n".join(message["content"] for message in example.messages if message["role"] == "system")
        messages = [message for message in example.messages if message["role"] != "system"]
        return {"system": system, "tools": example.tools, "messages": messages}

    def parquet_row(self, row: Row) -> Row:
        return chat_in_arrow(row, "messages")

    def beside(self, files: Sequence[str]) -> dict[str, str]:
        return {"wrap.jq": '{type: "conversation", instances: .}\n'}
