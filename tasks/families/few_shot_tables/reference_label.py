"""Learns from shots.csv and labels rows: a decision tree over what one can ask of a cell.

Asked are: a number above a limit, a value, the first letters, the month or year of a date, a word of a text.
Run as a program beside shots.csv, it reads JSON Lines and prints a label a line.
"""

import csv
import json
import math
import re
import sys
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

Row = dict[str, str]
Question = tuple[str, str, Any]  # column, kind, what is compared with
Tree = Any  # a label, or (question, tree if so, tree if not)
_DEEPEST = 7


def main() -> None:
    with Path("shots.csv").open(newline="", encoding="utf-8") as file:
        shots = list(csv.DictReader(file))
    output = list(shots[0])[-1]
    labels = [shot.pop(output) for shot in shots]
    tree = learn(shots, labels)
    for line in sys.stdin:
        sys.stdout.write(label(tree, json.loads(line)) + "\n")


def learn(rows: list[Row], labels: list[str]) -> Tree:
    """A tree that splits by information gained, each question a bit mask over the rows."""
    masks: dict[int, Question] = {}
    for question in questions(rows):
        mask = sum(1 << index for index, row in enumerate(rows) if holds(question, row))
        masks.setdefault(mask, question)
    classes = {name: sum(1 << i for i, each in enumerate(labels) if each == name) for name in sorted(set(labels))}
    return _grow((1 << len(rows)) - 1, masks, classes, 0)


def _grow(node: int, masks: dict[int, Question], classes: dict[str, int], depth: int) -> Tree:
    counts = {name: (node & mask).bit_count() for name, mask in classes.items()}
    total = node.bit_count()
    commonest = max(counts, key=lambda name: counts[name])
    if depth == _DEEPEST or counts[commonest] == total:
        return commonest
    best, gain = 0, 1e-9
    for mask in masks:
        inside = (node & mask).bit_count()
        if 0 < inside < total:
            split = [(node & mask & each).bit_count() for each in classes.values()]
            rest = [count - here for count, here in zip(counts.values(), split, strict=True)]
            gained = _entropy(list(counts.values())) * total - _entropy(split) * inside
            gained -= _entropy(rest) * (total - inside)
            if gained > gain + 1e-9:
                best, gain = mask, gained
    if not best:
        return commonest
    yes = _grow(node & best, masks, classes, depth + 1)
    return masks[best], yes, _grow(node & ~best, masks, classes, depth + 1)


def _entropy(counts: list[int]) -> float:
    total = sum(counts)
    return -sum(count / total * math.log2(count / total) for count in counts if count)


def label(tree: Tree, row: Row) -> str:
    while isinstance(tree, tuple):
        question, yes, no = tree
        tree = yes if holds(question, row) else no
    return str(tree)


def questions(rows: list[Row]) -> list[Question]:
    """What can be asked of each column, the simplest first (of questions that split alike the first is taken)."""
    found: list[Question] = []
    for column in rows[0]:
        values = [row[column] for row in rows]
        for kind, read in (("number", number), ("month", month), ("year", year)):
            found += [(column, kind, limit) for limit in limits([read(value) for value in values])]
        distinct = sorted(set(values))
        if len(distinct) <= 12:
            found += [(column, "is", value) for value in distinct]
        elif not any(" " in value for value in values):
            starts = Counter(value[:size] for value in values for size in (1, 2) if number(value) is None)
            found += [(column, "starts", start) for start, count in sorted(starts.items()) if count > 1]
        seen = Counter(word for value in values for word in words(value))
        found += [(column, "word", word) for word, count in sorted(seen.items()) if 1 < count < len(rows)]
    return found


def holds(question: Question, row: Row) -> bool:
    column, kind, wanted = question
    value = row.get(column, "") or ""
    if kind == "is":
        return value == str(wanted)
    if kind == "starts":
        return value.startswith(str(wanted))
    if kind == "word":
        return wanted in words(value)
    reader: Callable[[str], float | None] = {"number": number, "month": month, "year": year}[kind]
    read = reader(value)
    return read is not None and read > float(wanted)


def limits(values: list[float | None]) -> list[float]:
    """Halfway between neighbours, where all values are numbers."""
    known = sorted({value for value in values if value is not None})
    if len(known) < 2 or any(value is None for value in values):
        return []
    return [(low + high) / 2 for low, high in pairwise(known)]


def words(value: str) -> set[str]:
    return set(re.findall(r"[a-z]{3,}", value.lower())) if " " in value else set()


def number(value: str) -> float | None:
    return float(value) if re.fullmatch(r"-?\d+(\.\d+)?", value) else None


def month(value: str) -> float | None:
    found = re.fullmatch(r"\d{4}-(\d\d)-\d\d", value)
    return float(found[1]) if found else None


def year(value: str) -> float | None:
    found = re.fullmatch(r"(\d{4})-\d\d-\d\d", value)
    return float(found[1]) if found else None


if __name__ == "__main__":
    main()
