"""Whether two results are the same: as bags, sets or lists of rows, their columns in another order if allowed."""

from collections import Counter
from collections.abc import Hashable
from typing import Any

Row = tuple[Hashable, ...]
_MOST_ORDERS = 5_000  # orders of columns that are tried


def same_results(
    found: list[list[list[Any]]],
    wanted: list[list[list[Any]]],
    *,
    ordered: bool,
    as_set: bool,
    any_columns: bool,
) -> bool:
    """`found`, `wanted`: for each database its rows. One order of columns must serve all databases."""
    if len(found) != len(wanted):
        return False
    ours, theirs = (
        [(number, tuple(map(_value, row))) for number, rows in enumerate(each) for row in rows]
        for each in (found, wanted)
    )
    width = len(theirs[0][1]) if theirs else 0
    if any(len(row) != width for _, row in (*ours, *theirs)):
        return False
    if not as_set and len(ours) != len(theirs):
        return False
    wanted_form = _form(theirs, range(width), ordered, as_set)
    orders = _orders(ours, theirs, width, as_set) if any_columns else [list(range(width))]
    return any(_form(ours, order, ordered, as_set) == wanted_form for order in orders)


def _form(rows: list[tuple[int, Row]], order: Any, ordered: bool, as_set: bool) -> Any:
    arranged = [(number, *(row[column] for column in order)) for number, row in rows]
    if ordered:
        return list(dict.fromkeys(arranged)) if as_set else arranged
    return set(arranged) if as_set else Counter(arranged)


def _orders(ours: list[tuple[int, Row]], theirs: list[tuple[int, Row]], width: int, as_set: bool) -> list[list[int]]:
    """Orders of our columns in which each holds what the wanted one there holds; the order as it is comes first."""

    def content(rows: list[tuple[int, Row]], column: int) -> Any:
        cells = [(number, row[column]) for number, row in rows]
        return frozenset(cells) if as_set else frozenset(Counter(cells).items())

    our_columns = [content(ours, column) for column in range(width)]
    places = [[c for c in range(width) if our_columns[c] == content(theirs, column)] for column in range(width)]
    orders: list[list[int]] = [[]]
    for column, fitting in enumerate(places):
        fitting.sort(key=lambda place, here=column: place != here)  # type: ignore[misc]
        orders = [[*order, place] for order in orders for place in fitting if place not in order][:_MOST_ORDERS]
    return orders


def _value(value: Any) -> Hashable:
    """3 and 3.0 are equal, and floats that differ from the tenth digit on; a number and its text are not."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return (type(value).__name__, value)
    if value != value:
        return ("number", "NaN")  # equal to itself here, as a value of a row
    try:
        return ("number", float(f"{value:.10g}"))
    except OverflowError:
        return ("number", value)
