"""Arguments for problems: of each kind the edge cases, and as many drawn ones as wanted."""

import random
from datetime import date, timedelta
from typing import Any

from tasks.families._words import GIVEN_NAMES, NOUNS

# kind -> (name of the function's argument, what it is)
ARGUMENTS = {
    "ints": ("numbers", "a list of integers"),
    "text": ("text", "a text of ASCII characters"),
    "words": ("words", "a list of texts without spaces, some of which may be empty"),
    "number": ("number", "an integer"),
    "counts": ("counts", "a dictionary from texts to integers"),
    "spans": ("intervals", "a list of intervals, each a list [start, end] of two integers with start <= end"),
    "dates": ("dates", "a list of dates as texts, year-month-day as in `2024-02-29`"),
    "grid": ("grid", "a list of rows, each a list of integers, all of the same length"),
    "edges": (
        "edges",
        "the edges of an undirected graph: a list of lists [node, node], nodes being integers from 0 to 9",
    ),
    "records": ("records", "a list of dictionaries with the keys `name` (text), `team` (text) and `points` (integer)"),
}
_EDGES: dict[str, list[Any]] = {
    "ints": [[], [7], [0, 0, 0], [-4, -9, -1], [5, 5, 2, 2], list(range(1, 9)), [9, 6, 3, 0, -3]],
    "text": ["", "a", "  ", "aaaBBB", "Level noon", "((a)b))(", "x9y10  z", "12 007 3"],
    "words": [[], ["a"], ["", "Abc", ""], ["tab", "Bat", "bat", "TAB"], ["one", "Eve", "end", "dog"]],
    "number": [0, 1, -1, 2, 10, 97, -100, 1024, 999, 4, 16],
    "counts": [{}, {"a": 3}, {"b": 2, "a": 2}, {"zz": -1, "y": 0, "xx": 5, "w": 5}],
    "spans": [[], [[1, 1]], [[1, 3], [3, 5]], [[1, 9], [2, 3], [5, 6]], [[8, 9], [0, 2], [3, 5]], [[4, 7], [4, 7]]],
    "dates": [[], ["2024-02-29"], ["2023-12-31", "2024-01-01"], ["2000-03-01", "1999-03-01", "2023-02-28"]],
    "grid": [[], [[3]], [[1, 2, 3]], [[1], [2], [3]], [[0, 0], [0, 0]], [[1, 0, 2], [0, 3, 0], [4, 0, 5]]],
    "edges": [[], [[0, 0]], [[1, 0]], [[2, 3], [3, 2]], [[4, 3], [2, 1], [0, 2]]],
    "records": [[], [{"name": "Ada", "team": "red", "points": 5}]],
}  # fmt: skip


def edge_cases(kind: str) -> list[Any]:
    return list(_EDGES[kind])


def draw(rng: random.Random, kind: str) -> Any:
    """One argument of middle size."""
    size = rng.randint(3, 9)
    if kind == "ints":
        return [rng.randint(-12, 20) for _ in range(size)]
    if kind == "number":
        return rng.choice((1, 1, 1, -1)) * rng.randint(2, 1500)
    if kind == "text":
        return _text(rng)
    if kind == "words":
        return [_word(rng) for _ in range(size)]
    if kind == "counts":
        return {_word(rng): rng.randint(-2, 9) for _ in range(size)}
    if kind == "spans":
        starts = [rng.randint(-5, 25) for _ in range(size)]
        return [[start, start + rng.choice((0, 1, 2, 3, 5, 8))] for start in starts]
    if kind == "dates":
        return [_date(rng) for _ in range(size)]
    if kind == "grid":
        width = rng.randint(2, 4)
        return [[rng.choice((0, 0, 1, 2, 3, 4, 7, -1)) for _ in range(width)] for _ in range(rng.randint(2, 4))]
    if kind == "edges":
        return [[rng.randint(0, 8), rng.randint(0, 8)] for _ in range(rng.randint(4, 9))]
    size = rng.randint(2, 6)
    names = rng.sample(GIVEN_NAMES, 3)
    points = (-1, 0, 2, 4, 5, 7, 9, 10, 12, 15)
    return [
        {"name": rng.choice(names), "team": rng.choice(("red", "blue", "green")), "points": rng.choice(points)}
        for _ in range(size)
    ]


def _word(rng: random.Random) -> str:
    word = rng.choice(NOUNS) if rng.random() < 0.6 else "".join(rng.choice("abcde") for _ in range(rng.randint(1, 5)))
    return rng.choice((word, word, word.capitalize(), word.upper()))


def _text(rng: random.Random) -> str:
    parts = [_word(rng) for _ in range(rng.randint(2, 5))]
    if rng.random() < 0.5:
        parts.insert(rng.randint(0, len(parts)), str(rng.randint(0, 120)))
    if rng.random() < 0.4:
        parts.insert(rng.randint(0, len(parts)), rng.choice(("(a(b)", "))x(", "(ooo)", "aab--b")))
    return rng.choice((" ", " ", "  ")).join(parts)


def _date(rng: random.Random) -> str:
    near_a_leap_day = date(rng.choice((2020, 2023, 2024, 1900)), 2, 27) + timedelta(days=rng.randint(0, 4))
    anywhere = date(2015, 1, 1) + timedelta(days=rng.randint(0, 4000))
    return (near_a_leap_day if rng.random() < 0.3 else anywhere).isoformat()
