"""Rows of nested objects as Arrow columns, taken apart as they come: faster than pyarrow's own `from_pylist`, and no
row stays in memory as an object."""

import json
from collections.abc import Mapping, Sequence
from itertools import chain, repeat
from typing import Any, Protocol

import pyarrow as pa
from pydantic_core import PydanticSerializationError, to_json


class Columns:
    """Rows of one schema: `add` takes them, `take` gives those that came since as a table."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._columns = [_column(field.type) for field in schema]
        self.rows = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """A field that an object has not is null; those that the schema has not are left out.

        A value of a JSON field is a text, or what is to be written as one.
        """
        self.rows += 1
        for field, column in zip(self._schema.names, self._columns, strict=True):
            column.extend((row.get(field),))

    def take(self) -> pa.Table:
        """Raises pyarrow.ArrowInvalid or ArrowTypeError for a value that is not of its column's type."""
        self.rows = 0
        return pa.Table.from_arrays([column.take() for column in self._columns], schema=self._schema)


class _Column(Protocol):
    def extend(self, values: Sequence[Any]) -> None: ...

    def take(self) -> pa.Array: ...


def _column(type: pa.DataType) -> _Column:
    """Lists and structs are taken apart to their leaves, which pyarrow reads fast; the rest is its own."""
    if isinstance(type, pa.JsonType):
        return _Json(type)
    if pa.types.is_struct(type):
        return _Structs(type)
    if pa.types.is_list(type) and (pa.types.is_struct(type.value_type) or isinstance(type.value_type, pa.JsonType)):
        return _Lists(type)
    return _Plain(type)


class _Plain:
    def __init__(self, type: pa.DataType) -> None:
        self._type = type
        self._values: list[Any] = []

    def extend(self, values: Sequence[Any]) -> None:
        self._values += values

    def take(self) -> pa.Array:
        values, self._values = self._values, []
        return pa.array(values, type=self._type)


class _Json(_Plain):
    def extend(self, values: Sequence[Any]) -> None:
        self._values += [value if value is None or isinstance(value, str) else json_text(value) for value in values]

    def take(self) -> pa.Array:
        values, self._values = self._values, []
        return self._type.wrap_array(pa.array(values, type=self._type.storage_type))


class _Lists:
    def __init__(self, type: pa.DataType) -> None:
        self._type = type
        self._inner = _column(type.value_type)
        self._offsets, self._is_null = [0], list[bool]()

    def extend(self, values: Sequence[Any]) -> None:
        there = [value for value in values if value is not None]
        end = self._offsets[-1]
        for value in values:
            end += len(value) if value is not None else 0
            self._offsets.append(end)
        self._is_null += [value is None for value in values]
        self._inner.extend(there[0] if len(there) == 1 else list(chain.from_iterable(there)))

    def take(self) -> pa.Array:
        offsets, mask = pa.array(self._offsets, type=pa.int32()), pa.array(self._is_null, type=pa.bool_())
        self._offsets, self._is_null = [0], []
        return pa.ListArray.from_arrays(offsets, self._inner.take(), type=self._type, mask=mask)


class _Structs:
    def __init__(self, type: pa.DataType) -> None:
        self._fields = [type.field(number) for number in range(type.num_fields)]
        self._columns = [(field.name, _column(field.type)) for field in self._fields]
        self._is_null: list[bool] = []

    def extend(self, values: Sequence[Any]) -> None:
        is_null = [value is None for value in values]
        self._is_null += is_null
        there = [{} if value is None else value for value in values] if True in is_null else values
        for name, column in self._columns:
            column.extend(list(map(dict.get, there, repeat(name))))

    def take(self) -> pa.Array:
        mask, self._is_null = pa.array(self._is_null, type=pa.bool_()), []
        arrays = [column.take() for _, column in self._columns]
        return pa.StructArray.from_arrays(arrays, fields=self._fields, mask=mask)


def json_text(value: Any) -> str:
    return json_bytes(value).decode()


def json_bytes(value: Any) -> bytes:
    """Half of a surrogate pair, which a model's server may send, is a text to `json` alone."""
    try:
        return to_json(value)
    except PydanticSerializationError:
        return json.dumps(value).encode()


def stored(type: pa.DataType) -> pa.DataType:
    """The same type with JSON as plain text: what Parquet holds, and what `Table.from_pylist` can build."""
    if isinstance(type, pa.JsonType):
        return type.storage_type
    if pa.types.is_list(type):
        return pa.list_(stored(type.value_type))
    if pa.types.is_struct(type):
        return pa.struct([field.with_type(stored(field.type)) for field in type])
    return type
