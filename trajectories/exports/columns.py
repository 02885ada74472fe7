"""Rows of nested objects as Arrow columns, built column by column: faster than pyarrow's own `from_pylist`."""

from collections.abc import Mapping, Sequence
from itertools import accumulate, chain
from typing import Any

import pyarrow as pa


def table_of(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows as objects -> a table. A field that an object has not is null; those that the schema has not are left out.

    Raises pyarrow.ArrowInvalid or ArrowTypeError for a value that is not of its column's type.
    """
    arrays = [array_of([row.get(field.name) for row in rows], field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def array_of(values: Sequence[Any], type: pa.DataType) -> pa.Array:
    """Lists and structs are taken apart to their leaves, which pyarrow reads fast; the rest is its own."""
    is_nested = pa.types.is_list(type) or pa.types.is_struct(type)
    if not is_nested or (pa.types.is_list(type) and not pa.types.is_struct(type.value_type)):
        return pa.array(values, type=type)
    mask = pa.array([value is None for value in values], type=pa.bool_())
    if pa.types.is_list(type):
        offsets = list(accumulate((len(value) if value is not None else 0 for value in values), initial=0))
        inner = array_of(list(chain.from_iterable(value for value in values if value is not None)), type.value_type)
        return pa.ListArray.from_arrays(pa.array(offsets, type=pa.int32()), inner, type=type, mask=mask)
    fields = [type.field(number) for number in range(type.num_fields)]
    columns = [[None if value is None else value.get(field.name) for value in values] for field in fields]
    arrays = [array_of(column, field.type) for column, field in zip(columns, fields, strict=True)]
    return pa.StructArray.from_arrays(arrays, fields=fields, mask=mask)
