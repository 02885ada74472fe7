"""The `table` grader: a whole table, cell by cell, its rows aligned by key columns (WideSearch, Wong et al. 2025)."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from tasks.graders._reading import Refused, read_text, shown
from tasks.graders._tables import Format, Rows, column_name, parse_table
from tasks.graders._values import are_equal, normal_form, read_comparison
from tasks.graders.grading import CannotGrade, Grade, Part, Work, failed

_MOST_BYTES = 5_000_000
_MOST_PARTS = 200
_MOST_PARTIAL = 0.999

Comparisons = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class TableData:
    """`columns`: name to its comparison, a kind or {as: number, absolute: 0.5}; `rows`: name to value, one a row.

    `key`: the columns that say which row is which; without them the first row is compared with the first, and so on.
    `ordered`: the rows must also stand in this order. Columns that nobody asked for are not looked at.
    """

    columns: dict[str, str | dict[str, Any]] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    key: list[str] = field(default_factory=list)
    output: str = "answer.csv"
    format: Format = "auto"
    ordered: bool = False
    reward: Literal["item_f1", "row_f1", "success"] = "item_f1"


class TableGrader:
    name = "table"
    Data = TableData

    async def grade(self, work: Work, data: Any) -> Grade:
        """Raises CannotGrade for wanted rows that have no columns, no rows, or a key twice."""
        how, key, wanted = _checked(data)
        try:
            found = parse_table(await read_text(work, data.output, max_bytes=_MOST_BYTES), data.output, data.format)
            if missing := [name for name in key if found and not any(name in row for row in found)]:
                raise Refused(f"{data.output}: there is no column {', '.join(missing)}")
        except Refused as reason:
            return failed(data.output, str(reason))
        pairs = _aligned(found, wanted, key, how)
        return _graded(found, wanted, pairs, how, key, data)


def _checked(data: TableData) -> tuple[Comparisons, list[str], Rows]:
    try:
        how = {column_name(name): read_comparison(given) for name, given in data.columns.items()}
    except ValueError as error:
        raise CannotGrade(f"table: columns: {error}") from error
    key = [column_name(name) for name in data.key]
    wanted = [{column_name(name): value for name, value in row.items()} for row in data.rows]
    if not how or not wanted or set(key) - set(how):
        raise CannotGrade("table: `columns` and `rows` must not be empty, and each of `key` must be a column")
    if unknown := {name for row in wanted for name in row} - set(how):
        raise CannotGrade(f"table: rows hold columns that `columns` lacks: {', '.join(sorted(unknown))}")
    twice = [each for each, count in Counter(_key(row, key, how) for row in wanted).items() if count > 1]
    if key and twice:
        raise CannotGrade(f"table: two wanted rows have the key {twice[0]}")
    return how, key, wanted


def _key(row: dict[str, Any], key: list[str], how: Comparisons) -> tuple[object, ...]:
    return tuple(normal_form(row.get(name), how[name]) for name in key)


def _aligned(found: Rows, wanted: Rows, key: list[str], how: Comparisons) -> list[tuple[int, int]]:
    """(index found, index wanted); of rows with the same key the first counts, all others are extra."""
    if not key:
        return [(index, index) for index in range(min(len(found), len(wanted)))]
    places: dict[tuple[object, ...], int] = {}
    for index, row in enumerate(found):
        places.setdefault(_key(row, key, how), index)
    keys = [_key(row, key, how) for row in wanted]
    return [(places[each], index) for index, each in enumerate(keys) if None not in each and each in places]


def _graded(
    found: Rows, wanted: Rows, pairs: list[tuple[int, int]], how: Comparisons, key: list[str], data: TableData
) -> Grade:
    parts: list[Part] = []
    right_items = right_rows = 0
    partner = {theirs: ours for ours, theirs in pairs}
    for index, row in enumerate(wanted):
        label = shown(", ".join(f"{row.get(name)}" for name in key) or f"row {index + 1}", 60)
        if index not in partner:
            parts.append(Part(label, False, "no such row"))
            continue
        ours = found[partner[index]]
        wrong = [name for name in how if not are_equal(ours.get(name), row.get(name), how[name])]
        right_items += len(how) - len(wrong)
        right_rows += not wrong
        parts.append(Part(label, not wrong, "; ".join(f"{name}: {shown(ours.get(name), 40)}" for name in wrong[:5])))
    item_f1 = 2 * right_items / (len(how) * (len(found) + len(wanted)))
    row_f1 = 2 * right_rows / (len(found) + len(wanted))
    extra = len(found) - len(pairs)
    if extra:
        parts.append(Part("no other rows", False, f"{extra} rows too many"))
    places = [ours for ours, _ in pairs]
    if data.ordered:
        parts.append(Part("order of the rows", places == sorted(places)))
    success = right_rows == len(wanted) == len(found) and not (data.ordered and places != sorted(places))
    reward = {"item_f1": item_f1, "row_f1": row_f1, "success": 0.0}[data.reward]
    evidence = f"item_f1 {item_f1:.4f}, row_f1 {row_f1:.4f}, success {int(success)}; {len(found)} rows found"
    failures_first = sorted(parts, key=lambda part: part.passed)
    return Grade(1.0 if success else min(_MOST_PARTIAL, reward), tuple(failures_first[:_MOST_PARTS]), evidence)
