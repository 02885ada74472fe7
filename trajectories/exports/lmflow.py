"""LMFlow's conversation format."""

from collections.abc import Sequence
from typing import Any, ClassVar

import pyarrow as pa

from trajectories.errors import BadExport
from trajectories.exports.exporter import ORIGIN, Example, OneByOne, Row, in_call_order
from trajectories.text_calls import as_text


class LmFlow(OneByOne):
    """One instance a row: `system`, `messages` of user and assistant in turn; `train/train.json` is what LMFlow reads.

    LMFlow pairs messages by their places, knows no tools and reads nothing of a message but role and content (seen in
    1.1.0), so tools and calls are written as text, as `--calls json` writes them in other forms; neighbours of one side
    are joined. What was answered last is left out, since nothing is learned from it. Give `train` as its dataset_path.
    """

    name: ClassVar[str] = "lmflow"
    schema: ClassVar[pa.Schema] = pa.schema(
        [
            ("system", pa.string()),
            ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
            *ORIGIN,
        ]
    )
    in_one_json: ClassVar[tuple[str, str]] = ('{"type": "conversation", "instances": [\n', "\n]}\n")

    def row(self, example: Example) -> Row:
        plain = as_text(in_call_order(example.messages), example.tools)
        system = "\n\n".join(message["content"] for message in plain if message["role"] == "system")
        return {"system": system or None, "messages": _in_turn(plain)}


def _in_turn(messages: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    turns: list[dict[str, str]] = []
    for message in messages:
        if message["role"] == "system":
            continue
        if turns and turns[-1]["role"] == message["role"]:
            turns[-1]["content"] += f"\n\n{message['content']}"
        else:
            turns.append({"role": message["role"], "content": message["content"]})
    if turns and turns[-1]["role"] != "assistant":
        turns.pop()
    if turns[0]["role"] != "user":
        raise BadExport("nothing was said before the agent acted; this format begins with a user's message")
    return turns
