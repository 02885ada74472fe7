"""A table with its notes and some wrong cells."""

import random
from typing import Any

from tasks.families._files import csv_text
from tasks.families.error_detection.errors import Cells, detect, spoil
from tasks.families.error_detection.tables import OPTIONAL, THEMES, draw_table, notes

_TRIES = 50


def make_world(rng: random.Random, rows: int, errors: int) -> dict[str, Any]:
    """`rows` of the table, `errors` of them with an error. Raises ValueError where there are not that many rows."""
    if rows < 40 or not 1 <= errors <= rows // 3:
        raise ValueError(f"rows must be at least 40 and errors at most a third of them, not {rows} and {errors}")
    for _ in range(_TRIES):
        theme = rng.choice(THEMES)
        left_out = set(rng.sample(OPTIONAL, rng.randint(0, 2)))
        roles = [role for role in theme.columns if role not in left_out]
        table = draw_table(rng, theme, rows)
        wrong = spoil(rng, table, roles, theme, errors)
        # What an attentive reader of the table and the notes finds is what was done: nothing needs to be guessed.
        if detect(table, roles, theme) == wrong and len(wrong) >= errors:
            break
    else:
        raise RuntimeError(f"in {_TRIES} tables the errors were never all to be found")
    order = ["id", *rng.sample(roles[1:], len(roles) - 1)]
    names = theme.columns
    return {
        "theme": theme.name,
        "key": names["id"],
        "files": {
            "data.csv": csv_text([names[role] for role in order], [[row[role] for role in order] for row in table]),
            "README.md": notes(theme, order),
        },
        "grading": {"rows": [{"row": key, "column": names[role]} for key, role in wrong]},
        "reference": {"errors.csv": _answer(wrong, names)},
        "decoys": [{"errors.csv": _answer(cells, names)} for cells in _decoys(wrong, [row["id"] for row in table])],
    }


def _answer(cells: Cells, names: dict[str, str]) -> str:
    return csv_text(["row", "column"], [(key, names[role]) for key, role in cells])


def _decoys(wrong: Cells, ids: list[str]) -> list[Cells]:
    """Without what only the other rows tell; the right rows with one column; one cell too many; one too few."""
    forms = [cell for cell in wrong if cell[1] not in {"town", "region", "total"}]
    clean = next(key for key in ids if all(key != row for row, _ in wrong))
    decoys = [forms, sorted({(key, "kind") for key, _ in wrong}), [*wrong, (clean, "town")], wrong[1:]]
    return [cells for cells in decoys if cells and cells != wrong]
