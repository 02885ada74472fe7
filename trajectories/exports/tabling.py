"""Rows of an export as tables, many at once: for a form that wants chats as they are, in Parquet alone."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import pyarrow as pa

from trajectories.ahead import BLOCK_BYTES, BLOCK_ROWS, Ahead
from trajectories.errors import BadExport
from trajectories.exports.chats import ChatReader
from trajectories.exports.columns import Columns, stored
from trajectories.exports.exporter import MESSAGES, ORIGIN, TOOLS, AsChats, Calls, Exporter, Skipped, example_of
from trajectories.packing import behind
from trajectories.store import Store
from trajectories.tables import RolloutRow
from trajectories.uncollected import uncollected

_CHAT = pa.schema([pa.field("messages", MESSAGES), TOOLS])
_ROW = pa.schema([*_CHAT, *ORIGIN])
_STORED = pa.schema([field.with_type(stored(field.type)) for field in _CHAT])


@dataclass(frozen=True)
class Tabled:
    """Rows of an export, and the rollout of each."""

    rows: pa.Table
    of: tuple[RolloutRow, ...]


def is_tabled(exporter: Exporter, only: str, calls: Calls, tokenizer: object, marks: Sequence[pa.Field]) -> bool:
    """Whether `tables` says what the exporter says, row by row."""
    is_as_it_is = calls == "native" and tokenizer is None and not marks
    return isinstance(exporter, AsChats) and exporter.schema == _ROW and only == "parquet" and is_as_it_is


class _Block(NamedTuple):
    rows: list[RolloutRow]
    texts: list[bytes]


def tables(groups: Iterable[Sequence[RolloutRow]], store: Store, exporter: AsChats) -> Iterator[Tabled | Skipped]:
    """In the order of the rollouts, those that are left out first among their neighbours. Raises CorruptBlob.

    Memory: two blocks of bodies (`BLOCK_BYTES` and a body more), of which one becomes a table on a thread, beside those
    that are read ahead.
    """
    with ChatReader() as reader, Ahead(store) as ahead:
        for made in behind(partial(_tabled, reader, exporter), _blocks(ahead, groups), 1):
            yield from made


def _blocks(ahead: Ahead, groups: Iterable[Sequence[RolloutRow]]) -> Iterator[_Block]:
    block, size = _Block([], []), 0
    for (row,) in ahead.groups([row] for of_task in groups for row in of_task):
        text = ahead.text(row)
        block.rows.append(row)
        block.texts.append(text)
        size += len(text)
        if size >= BLOCK_BYTES or len(block.rows) >= BLOCK_ROWS:
            yield block
            block, size = _Block([], []), 0
    if block.rows:
        yield block


def _tabled(reader: ChatReader, exporter: AsChats, block: _Block) -> list[Tabled | Skipped]:
    chats = reader.read(block.texts)
    is_plain = chats.is_plain.to_pylist() if chats else [False] * len(block.rows)
    others, skipped, of, places = Columns(_CHAT), list[Tabled | Skipped](), list[RolloutRow](), list[int]()
    for number, (row, text) in enumerate(zip(*block, strict=True)):
        if not is_plain[number]:
            try:
                with uncollected():
                    others.add(exporter.row(example_of(text)))
            except BadExport as error:
                skipped.append(Skipped(row, str(error)))
                continue
        places.append(number if is_plain[number] else len(block.rows) + others.rows - 1)
        of.append(row)
    if not of:
        return skipped
    made = others.take().cast(_STORED)  # which Arrow takes and puts together; JSON it does not
    if chats is None:
        found = made
    else:
        found = pa.table([chats.messages, chats.tools], schema=_STORED)
        if len(places) < len(found) or len(made):
            found = pa.concat_tables([found, made]).take(places).combine_chunks()
    for field in ORIGIN:
        values = [getattr(row, _COLUMN.get(field.name, field.name)) for row in of]
        found = found.append_column(field, pa.array(values, type=field.type))
    return [*skipped, Tabled(found.cast(_ROW), tuple(of))]


_COLUMN = {"rollout_id": "id"}
"""What a column of ORIGIN is called in the rollout's row, where it is not the same."""
