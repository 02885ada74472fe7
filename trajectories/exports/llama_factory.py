"""LLaMA-Factory's sharegpt format with tools."""

import json
from collections.abc import Sequence
from typing import ClassVar

import pyarrow as pa

from trajectories.errors import BadExport
from trajectories.exports.exporter import ORIGIN, Example, OneByOne, Row

_SPEAKERS = pa.list_(pa.struct([("from", pa.string()), ("value", pa.string())]))


class LlamaFactory(OneByOne):
    """`conversations` of human, function_call, observation and gpt in turn, `system`, `tools` as JSON text.

    It wants human or observation at even places and gpt or function_call at odd ones: neighbours of one side are
    joined, several calls of one message into one list. `dataset_info.json` lies beside the rows.
    """

    name: ClassVar[str] = "llama-factory"
    schema: ClassVar[pa.Schema] = pa.schema(
        [("conversations", _SPEAKERS), ("system", pa.string()), ("tools", pa.string()), *ORIGIN]
    )

    def row(self, example: Example) -> Row:
        turns: list[dict[str, str]] = []
        for message in example.messages:
            if message["role"] == "system":
                continue
            speaker, value = _turn(message)
            is_ours = speaker in ("gpt", "function_call")
            if turns and (turns[-1]["from"] in ("gpt", "function_call")) == is_ours:
                if turns[-1]["from"] != speaker or speaker == "function_call":
                    raise BadExport(
                        f"{turns[-1]['from']} and {speaker} follow each other; this format has no form for it"
                    )
                turns[-1]["value"] += f"\n\n{value}"
            else:
                turns.append({"from": speaker, "value": value})
        if turns and turns[-1]["from"] not in ("gpt", "function_call"):
            turns.pop()  # what was answered last is no longer learned from
        system = "\n\n".join(message["content"] for message in example.messages if message["role"] == "system")
        tools = [tool["function"] for tool in example.tools]
        return {"conversations": turns, "system": system, "tools": json.dumps(tools) if tools else ""}

    def beside(self, files: Sequence[str]) -> dict[str, str]:
        sets = {
            f"gristmill_{file.removesuffix('.jsonl')}": {
                "file_name": file,
                "formatting": "sharegpt",
                "columns": {"messages": "conversations", "system": "system", "tools": "tools"},
            }
            for file in files
            if file.endswith(".jsonl")
        }
        return {"dataset_info.json": json.dumps(sets, indent=2) + "\n"}


def _turn(message: dict[str, object]) -> tuple[str, str]:
    content = str(message["content"])
    if message["role"] == "tool":
        return "observation", content
    if message["role"] == "user":
        return "human", content
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return "gpt", content
    called = [{"name": call["function"]["name"], "arguments": call["function"]["arguments"]} for call in calls]
    text = json.dumps(called[0] if len(called) == 1 else called, ensure_ascii=False)
    # What was thought before the call stays before it: LLaMA-Factory takes it off as the call's thought.
    return "function_call", f"<think>\n{content}\n</think>\n\n{text}" if content else text
