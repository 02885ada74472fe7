"""What a form of an export is: how the rollouts of one task become rows for one trainer."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import pyarrow as pa
from pydantic_core import from_json

from trajectories.errors import BadExport
from trajectories.messages import Message, to_messages, tools_of
from trajectories.rollout import Rollout
from trajectories.tables import RolloutRow
from trajectories.text_calls import as_text

Row = dict[str, Any]
Calls = Literal["native", "json"]

ORIGIN = [pa.field(name, pa.string()) for name in ("rollout_id", "task_id", "repository", "license")]
"""Columns that every row has beside the trainer's own: where it comes from."""

NEGATIVE = [pa.field("label", pa.bool_()), pa.field("attempts", pa.list_(pa.string()))]
"""Columns of negatives (`--attempts only`): `label` is false, as TRL's KTO trainer reads it; the attempts' kinds."""


@dataclass
class Example:
    """A rollout as a conversation: chat messages (OpenAI's shape, arguments as objects) and the tools that it had."""

    of: Rollout | bytes
    messages: list[Message]
    tools: list[dict[str, Any]]

    @cached_property
    def rollout(self) -> Rollout:
        """The whole rollout; checked only where it is asked for."""
        return self.of if isinstance(self.of, Rollout) else Rollout.model_validate_json(self.of)

    @property
    def opening(self) -> list[Message]:
        """What was said before the agent acted: the prompt."""
        return self.messages[: self._acted]

    @property
    def acting(self) -> list[Message]:
        """From the agent's first message on: the completion."""
        return self.messages[self._acted :]

    @property
    def _acted(self) -> int:
        return next(at for at, message in enumerate(self.messages) if message["role"] == "assistant")


def example_of(rollout: Rollout | bytes, calls: Calls = "native") -> Example:
    """Also from a rollout's JSON, which is quicker. Raises BadExport.

    `calls="json"`: tool calls as JSON text, as a model without native tool calling made them.
    """
    whole = rollout if isinstance(rollout, Rollout) else from_json(rollout, cache_strings="keys")
    trajectory = whole.trajectory if isinstance(whole, Rollout) else whole["trajectory"]
    messages, tools = to_messages(trajectory), tools_of(trajectory)
    if calls == "json":
        return Example(rollout, as_text(messages, tools), [])
    return Example(rollout, messages, tools)


Load = Callable[[RolloutRow], Example]
"""Reads a rollout's body. Raises BadExport where it is no conversation."""


@dataclass(frozen=True)
class Made:
    """A row, and the rollouts that it was made of, the one that it is about first."""

    row: Row
    of: tuple[RolloutRow, ...]


@dataclass(frozen=True)
class Skipped:
    """A rollout that gives no row, and why."""

    row: RolloutRow
    reason: str


class Exporter(Protocol):
    """One form. Users add their own by the entry point group `gristmill.exports`."""

    name: ClassVar[str]
    schema: ClassVar[pa.Schema]
    wants_failures: ClassVar[bool]
    """Rows compare or score rollouts, so those that failed belong to them."""

    def rows(self, of_task: Sequence[RolloutRow], load: Load) -> Iterator[Made | Skipped]:
        """The rows of one task's rollouts, as JSONL has them."""
        ...

    def parquet_row(self, row: Row) -> Row:
        """The same row for Parquet, where every row must have the same nested types."""
        ...

    def beside(self, files: Sequence[str]) -> dict[str, str]:
        """Files that the trainer wants beside the rows: name -> text. `files`: the JSONL and Parquet files."""
        ...


@runtime_checkable
class InOneJson(Protocol):
    """A form whose trainer reads one JSON file: what stands in it before the rows and after them."""

    in_one_json: ClassVar[tuple[str, str]]


class OneByOne:
    """An exporter whose rows are made of one rollout each: it says how, by `row`."""

    wants_failures: ClassVar[bool] = False

    def row(self, example: Example) -> Row:
        """Raises BadExport if the conversation cannot be rendered."""
        raise NotImplementedError  # pragma: no cover

    def rows(self, of_task: Sequence[RolloutRow], load: Load) -> Iterator[Made | Skipped]:
        for row in of_task:
            try:
                yield Made(self.row(load(row)), (row,))
            except BadExport as error:
                yield Skipped(row, str(error))

    def parquet_row(self, row: Row) -> Row:
        return row

    def beside(self, files: Sequence[str]) -> dict[str, str]:
        return {}


class AsChats(OneByOne):
    """A form whose rows are the messages and tools as they are, and where they come from (see tabling.py)."""

    def row(self, example: Example) -> Row:
        return {"messages": example.messages, "tools": example.tools}


def in_call_order(messages: Sequence[Message]) -> list[Message]:
    """Results in the order of their calls, for forms that tell only by places which result is whose."""
    ordered: list[Message] = []
    place: dict[str, int] = {}
    answered = 0  # results at the end so far
    for message in messages:
        if message["role"] != "tool":
            place = {call["id"]: number for number, call in enumerate(message.get("tool_calls", ()))}
            answered = 0
        else:
            answered += 1
        ordered.append(message)
        if answered > 1:
            ordered[-answered:] = sorted(ordered[-answered:], key=lambda each: place.get(each["tool_call_id"], 0))
    return ordered


# ---------------------------------------------------------------- chat messages in Arrow

_CALL = pa.struct(
    [
        ("id", pa.string()),
        ("type", pa.string()),
        ("function", pa.struct([("name", pa.string()), ("arguments", pa.json_())])),
    ]
)
MESSAGES = pa.list_(
    pa.struct(
        [
            ("role", pa.string()),
            ("content", pa.string()),
            ("reasoning_content", pa.string()),
            ("tool_calls", pa.list_(_CALL)),
            ("tool_call_id", pa.string()),
            ("name", pa.string()),
        ]
    )
)
"""Call arguments are JSON texts: Arrow would otherwise give each object the fields of all others, filled with nulls.

They are marked as JSON, so that Hugging Face `datasets` gives objects again, as chat templates want them, and DuckDB a
JSON column; other readers see the text.
"""

TOOLS = pa.field("tools", pa.json_())
"""The tools of a chat, as JSON for the same reason."""

PROMPT = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
"""Messages before the agent acts, which have nothing but these two fields."""
