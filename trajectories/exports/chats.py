"""Rollouts' JSON as columns of chat messages, without a Python object for any of it.

DuckDB reads the texts, Arrow's functions put the messages in order: a third of the processor time that `to_messages`
and `Columns` take, and other threads go on meanwhile. Said is what these two say; where that is not plain (a message of
several parts, a result that answers no call, a system's message after others), nothing is said, and they are asked.
"""

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import pyarrow as pa
import pyarrow.compute as pc

from trajectories.exports.columns import stored
from trajectories.exports.exporter import MESSAGES

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_STEP = (
    '{"source":"VARCHAR","message":"VARCHAR","reasoning_content":"VARCHAR",'
    '"tool_calls":[{"tool_call_id":"VARCHAR","function_name":"VARCHAR","arguments":"JSON"}],'
    '"observation":{"results":[{"source_call_id":"VARCHAR","content":"VARCHAR"}]}}'
)
_READ = (
    "SELECT t.trajectory.steps AS steps, t.trajectory.agent.tool_definitions::VARCHAR AS tools FROM ("
    "SELECT json_transform(body, '"
    f'{{"trajectory":{{"agent":{{"tool_definitions":"JSON"}},"steps":[{_STEP}]}}}}'
    "') AS t FROM texts)"
)

_ODD = (b'"message":[', b'"content":[')
"""How a message or result of several parts begins in JSON without spaces; never within a text, whose quotes differ."""

_CALL: Any = stored(MESSAGES).value_type.field("tool_calls").type.value_type


class Chats(NamedTuple):
    """A row a text: whether it is said here, its messages (as `stored` has MESSAGES), its tools as JSON."""

    is_plain: pa.BooleanArray
    messages: pa.ListArray
    tools: pa.StringArray


class ChatReader:
    """Use as a context manager; for one thread."""

    def __init__(self) -> None:
        import duckdb

        self._connection: DuckDBPyConnection = duckdb.connect(":memory:", config={"threads": 1})

    def read(self, texts: Sequence[bytes]) -> Chats | None:
        """None where a text is no JSON that DuckDB reads."""
        import duckdb

        # By way of bytes: as texts they would be checked one by one, and DuckDB checks them.
        table = pa.table({"body": pa.array(texts, type=pa.binary()).view(pa.string())})
        relation: Any = self._connection.from_arrow(table)
        try:
            found = relation.query("texts", _READ).to_arrow_table()
        except duckdb.Error:
            return None
        steps, tools = (_whole(found.column(name)) for name in ("steps", "tools"))
        return _chats(texts, steps, pc.if_else(_is_one_of(tools, ["null"]), None, tools))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()


def _chats(texts: Sequence[bytes], of_texts: pa.ListArray, tools: pa.StringArray) -> Chats:
    lengths = pc.fill_null(pc.list_value_length(of_texts), 0)
    text_of, steps = pc.list_parent_indices(of_texts), pc.list_flatten(of_texts)
    source, message, reasoning, calls, observation = steps.flatten()
    is_agent = pc.fill_null(pc.equal(source, "agent"), False)
    said, answered = _Calls(calls), _Results(observation.flatten()[0])

    order = pc.array_sort_indices(
        pa.concat_arrays([_doubled(_numbers(len(steps))), pc.add(_doubled(answered.step), 1)])
    )
    nothing = pa.nulls(len(answered.step), pa.string())
    no_calls = pa.nulls(len(steps), pa.string())
    reasoning = pc.if_else(
        pc.and_(is_agent, pc.greater(pc.fill_null(pc.binary_length(reasoning), 0), 0)), reasoning, None
    )
    called = said.at(answered)
    fields = (
        (pc.if_else(is_agent, "assistant", source), pc.if_else(pc.is_null(answered.call), "user", "tool")),
        (_filled(message), _filled(answered.content)),
        (reasoning, nothing),
        (said.messages(), pa.nulls(len(answered.step), pa.list_(_CALL))),
        (no_calls, answered.call),
        (no_calls, pc.take(said.name, called)),
    )
    columns = [pc.take(pa.concat_arrays([of_steps, of_results]), order) for of_steps, of_results in fields]
    type_ = stored(MESSAGES)
    rows = pa.StructArray.from_arrays(columns, fields=list(type_.value_type))
    starts = _starts(lengths)
    before = _starts(answered.counts)
    messages = pa.ListArray.from_arrays(pc.add(starts, pc.take(before, starts)), rows, type=type_)

    odd_steps = pc.or_(_is_disordered(source, text_of), pc.is_null(source))
    # Of what is not the agent's, calls and results are no messages.
    odd_steps = pc.or_(odd_steps, pc.and_not(pc.greater(pc.add(said.counts, answered.counts), 0), is_agent))
    odd = [
        pc.filter(text_of, odd_steps),
        pc.take(text_of, pc.filter(answered.step, pc.invert(said.knows(answered, called)))),
        pc.take(text_of, said.doubled()),
        _of_several_parts(texts, pc.filter(text_of, _may_have_parts(message))),
        _of_several_parts(texts, pc.take(text_of, pc.filter(answered.step, _may_have_parts(answered.content)))),
    ]
    numbers = _numbers(len(texts))
    is_odd = pc.is_in(numbers, value_set=pa.concat_arrays([each.cast(pa.int64()) for each in odd]))
    has_acted = pc.is_in(numbers, value_set=pc.filter(text_of, is_agent).cast(pa.int64()))
    return Chats(pc.and_(has_acted, pc.invert(is_odd)), messages, pc.fill_null(tools, "[]"))


class _Calls:
    """The calls of all steps, one after the other."""

    def __init__(self, of_steps: pa.ListArray) -> None:
        self.counts = pc.fill_null(pc.list_value_length(of_steps), 0)
        self.starts = _starts(self.counts)
        self.step = pc.list_parent_indices(of_steps).cast(pa.int64())
        self.id, self.name, self._arguments = pc.list_flatten(of_steps).flatten()

    def messages(self) -> pa.ListArray:
        """As assistant messages have them, null where there are none."""
        arguments = pc.if_else(_is_one_of(self._arguments, [None, "null"]), "{}", self._arguments.cast(pa.string()))
        function = pa.StructArray.from_arrays([self.name, arguments], fields=list(_CALL.field("function").type))
        kind = pa.repeat("function", len(self.id))
        calls = pa.StructArray.from_arrays([self.id, kind, function], fields=list(_CALL))
        return pa.ListArray.from_arrays(self.starts, calls, type=pa.list_(_CALL), mask=pc.equal(self.counts, 0))

    def at(self, results: "_Results") -> pa.IntegerArray:
        """Which call each result has the place of, among those of its step; null beyond them."""
        number = pc.subtract(_numbers(len(results.step)), pc.take(_starts(results.counts), results.step))
        call = pc.add(pc.take(self.starts, results.step), number)
        return pc.if_else(pc.less(number, pc.take(self.counts, results.step)), call, None)

    def knows(self, results: "_Results", called: pa.IntegerArray) -> pa.BooleanArray:
        """Whether each result answers the call at its place, or, where the step made none, none at all."""
        is_same = pc.fill_null(pc.equal(pc.take(self.id, called), results.call), False)
        is_free = pc.and_(pc.equal(pc.take(self.counts, results.step), 0), pc.is_null(results.call))
        return pc.or_(is_same, is_free)

    def doubled(self) -> pa.IntegerArray:
        """Steps in which an id stands for several calls, or none."""
        coded = pc.dictionary_encode(self.id)
        most = len(coded.dictionary) + 1
        codes = pc.fill_null(coded.indices, most - 1).cast(pa.int64())
        seen = pc.value_counts(pc.add(pc.multiply(self.step, most), codes))
        values, counts = seen.flatten()
        of_many = pc.divide(pc.filter(values, pc.greater(counts, 1)), most)
        return pa.concat_arrays([of_many, pc.filter(self.step, pc.is_null(self.id))])


class _Results:
    """The results of all steps, one after the other: the step, the id of the call (null: none), the text."""

    def __init__(self, of_steps: pa.ListArray) -> None:
        self.counts = pc.fill_null(pc.list_value_length(of_steps), 0)
        self.step = pc.list_parent_indices(of_steps).cast(pa.int64())
        self.call, self.content = pc.list_flatten(of_steps).flatten()


def _is_disordered(source: pa.StringArray, text_of: pa.IntegerArray) -> pa.BooleanArray:
    """Whether a step is the system's and follows another one's, in which case messages change places."""
    is_system = pc.fill_null(pc.equal(source, "system"), False)
    if not len(source):
        return is_system
    first = pa.array([False])
    follows = pa.concat_arrays([first, pc.equal(text_of[1:], text_of[:-1])])
    after_other = pc.and_(follows, pa.concat_arrays([first, pc.invert(is_system[:-1])]))
    return pc.and_(is_system, after_other)


def _may_have_parts(content: pa.StringArray) -> pa.BooleanArray:
    """A list of parts has become its JSON, and what begins so may be one."""
    return pc.fill_null(pc.starts_with(content, "["), False)


def _of_several_parts(texts: Sequence[bytes], numbers: pa.IntegerArray) -> pa.IntegerArray:
    found = [number for number in pc.unique(numbers).to_pylist() if any(odd in texts[number] for odd in _ODD)]
    return pa.array(found, type=pa.int64())


def _filled(content: pa.StringArray) -> pa.StringArray:
    return pc.fill_null(content, "") if content.null_count else content  # without a copy


def _starts(counts: pa.IntegerArray) -> pa.IntegerArray:
    """Where each begins, and where the last ends."""
    return pa.concat_arrays([pa.array([0], type=pa.int32()), pc.cumulative_sum(counts.cast(pa.int32()))])


def _numbers(count: int) -> pa.IntegerArray:
    return pa.array(range(count), type=pa.int64())


def _doubled(numbers: pa.IntegerArray) -> pa.IntegerArray:
    return pc.multiply(numbers, 2)


def _is_one_of(values: pa.Array, some: list[Any]) -> pa.BooleanArray:
    return pc.is_in(values.cast(pa.string()), value_set=pa.array(some, type=pa.string()))


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
