"""Running a problem's program here, to know what is expected; stopped after a bounded number of rounds of loops."""

import ast
from functools import lru_cache
from types import CodeType
from typing import Any

MOST_ROUNDS = 4_000_000


class Endless(Exception):
    """The program went round its loops too often."""


def output_of(program: str, text: str, *, most_rounds: int = MOST_ROUNDS) -> str | None:
    """What a program prints for an input; None where it fails, as some near misses do. Raises Endless."""
    words = iter(text.split())
    lines: list[str] = []
    left = most_rounds

    def tick() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Endless

    def sort(values: list[int], n: int) -> None:
        values[:n] = sorted(values[:n])

    space: dict[str, Any] = {
        "tick": tick,
        "read": lambda: int(next(words)),
        "read_list": lambda n: [int(next(words)) for _ in range(n)],
        "read_word": lambda: [*map(ord, next(words, "")), 0],
        "zeros": lambda n: [0] * n,
        "sort": sort,
        "say": lambda value: lines.append(str(value)),
        "say_list": lambda values, n: lines.append(" ".join(map(str, values[:n]))),
    }
    try:
        exec(_ticking(program), space)
    except (LookupError, ArithmeticError, ValueError, NameError, StopIteration):
        return None
    return "".join(f"{line}\n" for line in lines)


@lru_cache(maxsize=64)
def _ticking(program: str) -> CodeType:
    """The program with a count of the rounds of its loops."""
    tree = ast.parse(program)
    for node in ast.walk(tree):
        if isinstance(node, ast.While | ast.For):
            node.body.insert(0, ast.Expr(ast.Call(ast.Name("tick", ast.Load()), [], [])))
    return compile(ast.fix_missing_locations(tree), "program", "exec")
