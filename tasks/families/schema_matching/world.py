"""Two tables of the same kind of things from two systems, and which of their columns mean the same."""

import random
from typing import Any

from tasks.families._files import csv_text
from tasks.families.schema_matching.concepts import THEMES, Concept, Theme, draw_value
from tasks.families.schema_matching.match import Table, match_columns
from tasks.families.schema_matching.writing import draw_name, draw_writing, plain

STYLES = ("synonyms", "shortened", "opaque")
_TRIES = 50
_CHANGED = 0.02  # share of values that one system has updated and the other has not


def make_world(rng: random.Random, names: str, rows: int = 44) -> dict[str, Any]:
    """`names`: synonyms, shortened or opaque; the less they say, the more the values must. `rows` of each table."""
    if names not in STYLES or rows < 24:
        raise ValueError(f"names is one of {', '.join(STYLES)} and rows at least 24, not {names!r} and {rows!r}")
    for _ in range(_TRIES):
        theme = rng.choice(THEMES)
        ours, theirs, pairs, twins = _tables(rng, theme, names, rows)
        if match_columns(ours, theirs) == pairs:
            break
    else:
        raise RuntimeError(f"in {_TRIES} pairs of tables the columns were never all to be matched")
    return {
        "theme": theme.name,
        "files": {"first.csv": _csv(ours), "second.csv": _csv(theirs)},
        "columns": list(ours),
        "grading": {"rows": [{"first": a, "second": b} for a, b in pairs]},
        "reference": {"mapping.csv": csv_text(["first", "second"], pairs)},
        "decoys": [
            {"mapping.csv": csv_text(["first", "second"], each)} for each in _decoys(ours, theirs, pairs, twins)
        ],
    }


def _tables(
    rng: random.Random, theme: Theme, style: str, size: int
) -> tuple[Table, Table, list[tuple[str, str]], list[tuple[str, str]]]:
    """Both tables, the right pairs, and pairs of our columns that are of one kind.

    About two thirds of the things are in both; each table has a column or two that the other lacks.
    """
    key, *rest = theme.concepts
    chosen = rng.sample(rest, min(len(rest), rng.randint(9, 12)))
    only_ours, only_theirs, both = chosen[:2], chosen[2:4], chosen[4:]
    shared = round(size * 0.65)
    things = [{concept.names: draw_value(rng, concept) for concept in theme.concepts} for _ in range(2 * size - shared)]
    mine, other = things[:size], things[size - shared :]
    rng.shuffle(other)
    ours, our_names = _written(rng, mine, [key, *both, *only_ours], style, 0)
    theirs, their_names = _written(rng, other, [key, *both, *only_theirs], style, 1)
    pairs = sorted((our_names[c], their_names[c]) for c in (key, *both))
    twins = [
        (our_names[a], our_names[b])
        for index, a in enumerate(both)
        for b in both[index + 1 :]
        if a.kind == b.kind and a.kind != "level"
    ]
    return ours, theirs, pairs, twins


def _written(
    rng: random.Random, things: list[dict[tuple[str, ...], str]], concepts: list[Concept], style: str, index: int
) -> tuple[Table, dict[Concept, str]]:
    """The first system mostly writes plainly, the second mostly not."""
    order = rng.sample(concepts, len(concepts))
    numbers = rng.sample(range(1, 40), len(order))
    table: Table = {}
    names: dict[Concept, str] = {}
    for concept, number in zip(order, numbers, strict=True):
        write = draw_writing(rng, concept) if rng.random() < (0.2, 0.85)[index] else plain
        variant = index if style == "opaque" else rng.choice((0, 1) if index == 0 else (1, 2))
        name = draw_name(rng, concept.names, index if style == "opaque" else variant, style, number)
        while name in table:
            name += "2"
        names[concept] = name
        table[name] = [
            write(
                draw_value(rng, concept) if rng.random() < _CHANGED and concept.kind != "code" else thing[concept.names]
            )
            for thing in things
        ]
    return table, names


def _csv(table: Table) -> str:
    return csv_text(list(table), list(zip(*table.values(), strict=True)))


def _decoys(
    ours: Table, theirs: Table, pairs: list[tuple[str, str]], twins: list[tuple[str, str]]
) -> list[list[tuple[str, str]]]:
    """Two columns of one kind mixed up; one that has no partner given one; one forgotten; each with the next."""
    right = dict(pairs)
    decoys = [[(a, right[twin.get(a, a)]) for a in right] for twin in ({x: y, y: x} for x, y in twins[:2])]
    lone = [a for a in ours if a not in right]
    free = [b for b in theirs if b not in right.values()]
    if lone and free:
        decoys.append(sorted([*pairs, (lone[0], free[0])]))
    decoys += [pairs[1:], list(zip(right, list(right.values())[1:] + list(right.values())[:1], strict=True))]
    return decoys
