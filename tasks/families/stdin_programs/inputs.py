"""Inputs of each kind: edge cases, drawn ones, and a large one."""

import random


def edge_inputs(kind: str) -> list[str]:
    lists: dict[str, list[str]] = {
        "array": [_array(values) for values in ([], [5], [-3], [0, 0, 0], [4, 3, 2, 1], [1, 2, 3, 4, 5], [-5, -1, -7])],
        "grid": ["1 1\n4\n", "1 1\n-9\n", "1 4\n1 -2 3 -4\n", "3 1\n5\n-1\n0\n", "2 2\n-9 -9\n-9 -9\n"],
        "graph": ["1 0\n", "4 0\n", "2 1\n2 1 7\n", "3 3\n1 1 5\n2 3 4\n3 2 1\n"],
        "spans": ["0\n", "1\n4 4\n", "2\n1 3\n3 5\n", "2\n1 3\n4 5\n", "3\n-9 9\n-2 3\n5 8\n"],
        "word": ["a\n", "aaaa\n", "ab\n", "aeiou\n", "abcabcab\n", "racecar\n"],
    }
    return lists[kind]


def draw_input(rng: random.Random, kind: str) -> str:
    """One of small or middle size, as an example that a person can follow may be."""
    size = rng.choice((4, 6, 8, 12, 25))
    if kind == "array":
        reach = rng.choice((3, 9, 100, 1000))
        return _array([rng.randint(-reach, reach) for _ in range(size)])
    if kind == "grid":
        return _grid(rng, rng.randint(2, 7), rng.randint(2, 7))
    if kind == "graph":
        nodes = rng.choice((5, 7, 10, 20))
        return _graph(rng, nodes, rng.randint(nodes // 2, 2 * nodes))
    if kind == "spans":
        return _spans(rng, size, rng.choice((10, 30, 200, 1000)))
    letters = rng.choice(("ab", "abc", "abcdefghij", "abcdefghijklmnopqrstuvwxyz"))
    half = "".join(rng.choice(letters) for _ in range(size))
    return rng.choice((half, half + half[::-1], half + half[: size // 2])) + "\n"


def large_input(rng: random.Random, kind: str, size: int) -> str:
    """As large as the statement allows; `size`: of a list or of intervals."""
    if kind == "array":
        return _array([rng.randint(-1000, 1000) for _ in range(size)])
    if kind == "spans":
        return _spans(rng, size, 1000)
    if kind == "grid":
        return _grid(rng, 30, 30)
    if kind == "graph":
        return _graph(rng, 60, 150)
    return "".join(rng.choice("abc") for _ in range(200)) + "\n"


def _grid(rng: random.Random, height: int, width: int) -> str:
    rows = (" ".join(str(rng.randint(-9, 9)) for _ in range(width)) for _ in range(height))
    return f"{height} {width}\n" + "".join(f"{row}\n" for row in rows)


def _graph(rng: random.Random, nodes: int, edges: int) -> str:
    lines = (f"{rng.randint(1, nodes)} {rng.randint(1, nodes)} {rng.randint(1, 50)}" for _ in range(edges))
    return f"{nodes} {edges}\n" + "".join(f"{line}\n" for line in lines)


def _array(values: list[int]) -> str:
    return f"{len(values)}\n{' '.join(map(str, values))}\n"


def _spans(rng: random.Random, size: int, reach: int) -> str:
    lines = []
    for _ in range(size):
        start = rng.randint(-reach, reach)
        lines.append(f"{start} {min(1000, start + rng.choice((0, 1, 3, 10, reach // 4, reach)))}\n")
    return f"{size}\n" + "".join(lines)
