"""TRL's conversational format with tools."""

from typing import ClassVar

import pyarrow as pa

from trajectories.exports.exporter import MESSAGES, ORIGIN, Example, OneByOne, Row, chat_in_arrow


class Trl(OneByOne):
    """`messages` and `tools` for SFTTrainer (`assistant_only_loss`).

    In JSONL `tools` is a list and call arguments are objects, as chat templates want them; in Parquet both are JSON
    texts.
    """

    name: ClassVar[str] = "trl"
    schema: ClassVar[pa.Schema] = pa.schema([("messages", MESSAGES), ("tools", pa.string()), *ORIGIN])

    def row(self, example: Example) -> Row:
        return {"messages": example.messages, "tools": example.tools}

    def parquet_row(self, row: Row) -> Row:
        return chat_in_arrow(row, "messages")
