"""LLaMA-Factory's sharegpt format with tools."""

import json
from collections.abc import Sequence
from typing import ClassVar

import pyarrow as pa

from trajectories.errors import BadExport
from trajectories.exports.exporter import ORIGIN, Example, OneByOne, Row, in_call_order
from trajectories.messages import Message

_SPEAKERS = pa.list_(pa.struct([("from", pa.string()), ("value", pa.string())]))


BEGIN, END, BREAK = "<tool_call>", "</tool_call>", "\n"
OURS = ("gpt", "function_call")

SECOND_RESULT = "\n</tool_response>\n<tool_response>\n"
"""Between two results of one message, as LLaMA-Factory itself joins those of OpenAI's format (0.9.5)."""


class LlamaFactory(OneByOne):
    """`conversations` of human, function_call, observation and gpt in turn, `system`, `tools` as JSON text.

    It wants human or observation at even places and gpt or function_call at odd ones: neighbours of one side are
    joined, several calls of one message into one list. What was said before a call stands before `<tool_call>`, where
    LLaMA-Factory keeps it as it is. `dataset_info.json` lies beside the rows.
    """

    name: ClassVar[str] = "llama-factory"
    schema: ClassVar[pa.Schema] = pa.schema(
        [("conversations", _SPEAKERS), ("system", pa.string()), ("tools", pa.string()), *ORIGIN]
    )

    def row(self, example: Example) -> Row:
        turns: list[dict[str, str]] = []
        for message in in_call_order(example.messages):
            if message["role"] == "system":
                continue
            speaker, value = _turn(message)
            last = turns[-1] if turns else None
            if last is None or (last["from"] in OURS) != (speaker in OURS):
                turns.append({"from": speaker, "value": value})
            elif (last["from"], speaker) == ("gpt", "function_call"):
                last["from"], last["value"] = speaker, f"{last['value']}\n\n{_marked(value)}"
            elif last["from"] != speaker or speaker == "function_call":
                raise BadExport(f"{last['from']} and {speaker} follow each other; this format has no form for it")
            else:
                last["value"] += (SECOND_RESULT if speaker == "observation" else "\n\n") + value
        if turns and turns[-1]["from"] not in OURS:
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


def _turn(message: Message) -> tuple[str, str]:
    if message["role"] == "tool":
        return "observation", message["content"]
    if message["role"] == "user":
        return "human", message["content"]
    said = message["content"]
    if reasoning := message.get("reasoning_content"):
        said = f"<think>\n{reasoning}\n</think>\n\n{said}"
    calls = message.get("tool_calls")
    if not calls:
        return "gpt", said
    if BEGIN in said:
        raise BadExport(f"what was said before a call has {BEGIN} in it, by which LLaMA-Factory finds the call")
    called = [{"name": call["function"]["name"], "arguments": call["function"]["arguments"]} for call in calls]
    # JSON says `<` in two ways; the other one hides marks that stand in an argument.
    text = json.dumps(called[0] if len(called) == 1 else called, ensure_ascii=False).replace("<", "\\u003c")
    if not said:
        return "function_call", text
    return "function_call", f"{said}{'' if said.endswith(BREAK) else BREAK}{_marked(text)}"


def _marked(value: str) -> str:
    """A call with the marks around it, by which it is told from what stands before."""
    return value if BEGIN in value else f"{BEGIN}{value}{END}"
