"""TRL's conversational format with tools."""

from typing import ClassVar

import pyarrow as pa

from trajectories.exports.exporter import MESSAGES, ORIGIN, TOOLS, AsChats


class Trl(AsChats):
    """`messages` and `tools` for SFTTrainer (`assistant_only_loss`).

    In JSONL `tools` is a list and call arguments are objects, as chat templates want them; in Parquet both are JSON
    texts.
    """

    name: ClassVar[str] = "trl"
    schema: ClassVar[pa.Schema] = pa.schema([("messages", MESSAGES), TOOLS, *ORIGIN])
