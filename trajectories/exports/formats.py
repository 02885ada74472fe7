"""Forms of an export: how one trajectory becomes one row for one trainer."""

import json
from importlib.metadata import entry_points
from typing import Any, Protocol

import pyarrow as pa

from trajectories.atif import Trajectory
from trajectories.errors import BadExport
from trajectories.messages import to_messages, tools_of

Row = dict[str, Any]

ORIGIN = [pa.field(name, pa.string()) for name in ("rollout_id", "task_id", "repository", "license")]
"""Columns that every row has beside the trainer's own: where it comes from."""

NEGATIVE = [pa.field("label", pa.bool_()), pa.field("attempts", pa.list_(pa.string()))]
"""Columns of negatives (`--attempts only`): `label` is false, as TRL's KTO trainer reads it; the attempts' kinds."""


class Exporter(Protocol):
    """One form. Users add their own by the entry point group `gristmill.exports`."""

    name: str
    schema: pa.Schema

    def row(self, trajectory: Trajectory) -> Row:
        """The row as JSONL has it. Raises BadExport if the trajectory cannot be rendered."""
        ...

    def parquet_row(self, row: Row) -> Row:
        """The same row for Parquet, where every row must have the same nested types."""
        ...


class Trl:
    """TRL's conversational format with tools: `messages` and `tools` (SFTTrainer, `assistant_only_loss`).

    In JSONL `tools` is a list and call arguments are objects, as chat templates want them. In Parquet both
    are JSON texts: Arrow would otherwise give each object the fields of all others, filled with nulls.
    """

    name = "trl"
    _call = pa.struct(
        [
            ("id", pa.string()),
            ("type", pa.string()),
            ("function", pa.struct([("name", pa.string()), ("arguments", pa.string())])),
        ]
    )
    _message = pa.struct(
        [
            ("role", pa.string()),
            ("content", pa.string()),
            ("reasoning_content", pa.string()),
            ("tool_calls", pa.list_(_call)),
            ("tool_call_id", pa.string()),
            ("name", pa.string()),
        ]
    )
    schema = pa.schema([("messages", pa.list_(_message)), ("tools", pa.string()), *ORIGIN])

    def row(self, trajectory: Trajectory) -> Row:
        return {"messages": to_messages(trajectory), "tools": tools_of(trajectory)}

    def parquet_row(self, row: Row) -> Row:
        messages = []
        for message in row["messages"]:
            calls = [
                {**call, "function": {**call["function"], "arguments": json.dumps(call["function"]["arguments"])}}
                for call in message.get("tool_calls", ())
            ]
            messages.append(
                {
                    "role": message["role"],
                    "content": message["content"],
                    "reasoning_content": message.get("reasoning_content"),
                    "tool_calls": calls or None,
                    "tool_call_id": message.get("tool_call_id"),
                    "name": message.get("name"),
                }
            )
        return {**row, "messages": messages, "tools": json.dumps(row["tools"])}


class MsSwift:
    """ms-swift's agent format: `tools` as JSON text; roles system, user, assistant, tool_call, tool_response."""

    name = "ms-swift"
    schema = pa.schema(
        [
            ("tools", pa.string()),
            ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
            *ORIGIN,
        ]
    )

    def row(self, trajectory: Trajectory) -> Row:
        messages: list[dict[str, str]] = []
        for message in to_messages(trajectory):
            if message["role"] == "tool":
                messages.append({"role": "tool_response", "content": message["content"]})
                continue
            content = message["content"]
            if reasoning := message.get("reasoning_content"):
                content = f"<think>\n{reasoning}\n</think>\n\n{content}"
            calls = message.get("tool_calls", ())
            if content or not calls:
                messages.append({"role": message["role"], "content": content})
            messages += [{"role": "tool_call", "content": json.dumps(call["function"])} for call in calls]
        return {"tools": json.dumps(tools_of(trajectory)), "messages": messages}

    def parquet_row(self, row: Row) -> Row:
        return row


BUILT_IN: tuple[type[Exporter], ...] = (Trl, MsSwift)


def get_exporter(name: str) -> Exporter:
    """The form of that name. Raises BadExport listing the names there are."""
    known = {exporter.name: exporter for exporter in BUILT_IN}
    if name in known:
        return known[name]()
    others = {entry.name: entry for entry in entry_points(group="gristmill.exports")}
    if name in others:
        exporter: Exporter = others[name].load()()
        return exporter
    raise BadExport(f"no export format {name!r}; there are: {', '.join(sorted({*known, *others}))}")
