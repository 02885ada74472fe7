"""A table as a few-shot task: one column is the output, some rows are shown with it, for the rest it is asked for."""

import csv
import io
import random
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.families._files import csv_text
from tasks.families.few_shot_tables import reference_label
from tasks.families.few_shot_tables.filters import Filters, Row, why_not
from tasks.families.few_shot_tables.tables import draw_table
from tasks.graders.labels import macro_f1

_TRIES = 60
_BELOW = 0.94  # the reward asks for this share of what the reference reaches
_LEAST = 0.25  # by how much the reference must beat guessing, or the column does not follow from the others
_REFERENCE = Path(reference_label.__file__)
_COMMONEST = 'import sys\n\nfor line in sys.stdin:\n    print("{}")\n'
_SHORTEST = """\
import csv
import json
import sys

shots = list(csv.DictReader(open("shots.csv", newline="")))
output = list(shots[0])[-1]
labels = {shot[COLUMN]: shot[output] for shot in shots}
for line in sys.stdin:
    print(labels.get(json.loads(line)[COLUMN], shots[0][output]))
"""


def make_world(rng: random.Random, depth: int, classes: int, shots: int = 50, queries: int = 60) -> dict[str, Any]:
    """A generated table; `depth` 1…3 columns decide. RAFT's form: 50 labelled rows. Raises ValueError."""
    if depth not in {1, 2, 3} or not 2 <= classes <= 5 or shots < 20 or queries < 20:
        raise ValueError("depth is 1…3, classes 2…5, and shots and queries at least 20")
    for _ in range(_TRIES):
        theme, columns, rows = draw_table(rng, shots + queries + 20, depth, classes)
        rows = [{name: row[name] for name in columns} for row in rows]
        if why_not(theme.output, rows, Filters(min_rows=shots + queries, min_balance=0.75)):
            continue
        world = _world(rng, rows, theme.output, shots, queries, least=0.9)
        if world is not None:
            return {"topic": theme.name, **world}
    raise RuntimeError(f"in {_TRIES} tables no rule of depth {depth} could be learned from {shots} rows")


def from_table(rng: random.Random, table: Mapping[str, Any], shots: int = 50, queries: int = 60) -> dict[str, Any]:
    """`table`: {path, text} of a CSV file with a header; its rows are cut down to what `shots` and `queries` need.

    Raises ValueError saying for each column why it makes no task.
    """
    reader = csv.DictReader(io.StringIO(str(table["text"])))
    rows: list[Row] = [{name: value or "" for name, value in row.items() if name} for row in reader]
    if not rows:
        raise ValueError(f"{table['path']}: no rows; a CSV file with a header is wanted")
    filters = Filters(min_rows=shots + 20)
    refused = {column: why_not(column, rows, filters) for column in rows[0]}
    fitting = [column for column, why in refused.items() if not why]
    rng.shuffle(fitting)
    for output in fitting:
        known = [row for row in rows if row[output].strip()]
        chosen = rng.sample(known, min(len(known), shots + queries))
        ordered = [
            {**{name: value for name, value in row.items() if name != output}, output: row[output]} for row in chosen
        ]
        world = _world(rng, ordered, output, shots, len(ordered) - shots)
        if world is not None:
            return {"topic": Path(str(table["path"])).stem.replace("_", " "), **world}
        refused[output] = "it does not follow from the others as far as a decision tree can tell"
    said = "; ".join(f"{column}: {why}" for column, why in refused.items())
    raise ValueError(f"{table['path']}: no column makes a few-shot task. {said}")


def _world(
    rng: random.Random, rows: list[Row], output: str, shots: int, queries: int, least: float = 0.0
) -> dict[str, Any] | None:
    """None where the reference learner does not clearly beat guessing, or not reach `least`."""
    shown, asked = _split(rng, rows, output, shots, queries)
    inputs = [name for name in rows[0] if name != output]
    wanted = [row[output] for row in asked]
    tree = reference_label.learn([{n: row[n] for n in inputs} for row in shown], [row[output] for row in shown])
    reached = macro_f1([reference_label.label(tree, row) for row in asked], wanted)
    counts = Counter(row[output] for row in shown)
    commonest = min(counts, key=lambda name: (-counts[name], name))
    base = max(macro_f1([commonest] * len(asked), wanted), 1 / len(counts))  # always the same label; any label
    if reached < max(least, base + _LEAST):
        return None
    pass_at = int(reached * _BELOW * 100) / 100
    by_one = [_by_column(shown, asked, output, column) for column in inputs]
    weak = [column for column, found in zip(inputs, by_one, strict=True) if macro_f1(found, wanted) < pass_at]
    decoys = [_COMMONEST.format(commonest), *(_SHORTEST.replace("COLUMN", repr(column)) for column in weak[:2])]
    return {
        "output": output,
        "classes": sorted(set(wanted)),
        "pass_at": pass_at,
        "reached": round(reached, 3),
        "files": {
            "shots.csv": csv_text([*inputs, output], [[row[n] for n in (*inputs, output)] for row in shown]),
            "queries.csv": csv_text(inputs, [[row[name] for name in inputs] for row in asked]),
        },
        "grading": {
            "rows": [{name: row[name] for name in inputs} for row in asked],
            "labels": wanted,
            "metric": "macro_f1",
            "threshold": pass_at,
        },
        "reference": {"label.py": _REFERENCE.read_text()},
        "decoys": [{"label.py": text} for text in decoys],
    }


def _split(rng: random.Random, rows: list[Row], output: str, shots: int, queries: int) -> tuple[list[Row], list[Row]]:
    """Each class has its share of the shots, at least three; no row is in both."""
    by_class: dict[str, list[Row]] = defaultdict(list)
    for row in rng.sample(rows, len(rows)):
        by_class[row[output]].append(row)
    shown: list[Row] = []
    rest: list[Row] = []
    for name in sorted(by_class):
        count = max(3, round(shots * len(by_class[name]) / len(rows)))
        shown += by_class[name][:count]
        rest += by_class[name][count:]
    rng.shuffle(shown)
    return shown, rng.sample(rest, min(queries, len(rest)))


def _by_column(shown: list[Row], asked: list[Row], output: str, column: str) -> list[str | None]:
    """The label of the last shot with the same value, or of the first shot: what the decoy program does."""
    labels = {row[column]: row[output] for row in shown}
    return [labels.get(row[column], shown[0][output]) for row in asked]
