"""A table with empty cells, each of which the rest of the table tells."""

import random
from collections import Counter
from typing import Any

from tasks.families._files import csv_text
from tasks.families.imputation.rules import Row, impute
from tasks.families.imputation.themes import THEMES, Theme

_TRIES = 50


def make_world(rng: random.Random, rows: int, empty: int) -> dict[str, Any]:
    """`rows` of the table, `empty` cells of it left out. Raises ValueError for more than a quarter of the rows."""
    if rows < 30 or not 1 <= empty <= rows // 4:
        raise ValueError(f"rows must be at least 30 and empty at most a quarter of them, not {rows} and {empty}")
    for _ in range(_TRIES):
        theme = rng.choice(THEMES)
        full = theme.draw(rng, rows)
        table, gone = _with_gaps(rng, theme, full, empty)
        wanted = {(index, column): full[index][column] for index, column in gone}
        if impute(table, theme.rules) == wanted:
            break
    else:
        raise RuntimeError(f"in {_TRIES} tables the empty cells were never all to be known")
    columns = list(full[0])
    cells = [(full[index][theme.key], column, value) for (index, column), value in sorted(wanted.items())]
    return {
        "theme": theme.name,
        "key": theme.key,
        "hints": theme.hints,
        "empty": len(cells),
        "data": csv_text(columns, [[row[column] for column in columns] for row in table]),
        "grading": {"rows": [{"row": key, "column": column, "value": value} for key, column, value in cells]},
        "reference": {"filled.csv": _answer(cells)},
        "decoys": [{"filled.csv": _answer(each)} for each in _decoys(theme, table, wanted) if each != cells],
    }


def _with_gaps(
    rng: random.Random, theme: Theme, full: list[Row], count: int
) -> tuple[list[Row], list[tuple[int, str]]]:
    """Mostly one gap a row; at times two, of which one must be filled before the other can be."""
    columns = sorted(theme.rules)
    gaps: list[tuple[int, str]] = []
    for index in rng.sample(range(len(full)), count):
        for column in rng.sample(columns, 2 if rng.random() < 0.3 else 1):
            if len(gaps) < count:
                gaps.append((index, column))
    table = [dict(row) for row in full]
    for index, column in gaps:
        table[index][column] = ""
    return table, sorted(gaps)


def _answer(cells: list[tuple[str, str, str]]) -> str:
    return csv_text(["row", "column", "value"], cells)


def _decoys(theme: Theme, table: list[Row], wanted: dict[tuple[int, str], str]) -> list[list[tuple[str, str, str]]]:
    """The commonest value of the column; the value of the row above; one cell forgotten."""
    common = {}
    above = {}
    for index, column in sorted(wanted):
        values = Counter(row[column] for row in table if row[column])
        common[index, column] = min(values, key=lambda value: (-values[value], value))
        known = [row[column] for row in table[:index] if row[column]] or [min(values)]
        above[index, column] = known[-1]
    right = [(table[index][theme.key], column, value) for (index, column), value in sorted(wanted.items())]
    guesses = [[(table[i][theme.key], c, value) for (i, c), value in sorted(each.items())] for each in (common, above)]
    return [*guesses, right[:-1]] if len(right) > 1 else guesses
