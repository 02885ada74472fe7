"""Worlds of `word_problems`: a story with numbers, its program, the same story with other numbers, wrong programs."""

import ast
import math
import random
import re
from typing import Any

from tasks.families.word_problems.story import Told, tell

CASES = 8
_TOLERANCE = 1e-6
_SMALLEST, _LARGEST = 0.01, 1e7
_DRAWS = 200


def make_world(rng: random.Random, steps: int, distractors: int) -> dict[str, Any]:
    """`steps`: computations that the answer takes, 2 to 6. `distractors`: sentences without use for it, 0 to 2."""
    while True:
        told = tell(rng, steps, distractors)
        draws = _draws(rng, told)
        if draws is None:
            continue
        wrong = _near_misses(rng, told, draws)
        if len(wrong) >= 2:
            return _world(told, draws, wrong)


def _draws(rng: random.Random, told: Told) -> list[list[float]] | None:
    """Numbers, in the order of the text, that make sense together and give results that differ."""
    found: list[list[float]] = []
    results: set[float] = set()
    for _ in range(_DRAWS):
        numbers = [_draw(rng, told.ranges[name]) for name in told.order]
        space: dict[str, Any] = dict(zip(told.order, numbers, strict=True))
        try:
            exec("\n".join(told.lines), space)
        except (AssertionError, ZeroDivisionError):
            continue
        result = round(space["result"], 4)
        if _SMALLEST <= abs(result) <= _LARGEST and result not in results and result not in numbers:
            results.add(result)
            found.append(numbers)
        if len(found) == CASES:
            return found
    return None


def _draw(rng: random.Random, spread: tuple[float, ...]) -> float:
    low, high, step = (*spread, 1)[:3]
    value = low + rng.randint(0, round((high - low) / step)) * step
    return round(value, 6) if isinstance(step, float) or isinstance(low, float) else int(value)


def program(told: Told, lines: tuple[str, ...]) -> str:
    """`answer` of the numbers in the order of the text."""
    used = {node.id for line in lines for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Name)}
    names = [f"n{place}" for place in range(len(told.order))]
    unpacked = [f"{name} = {given}" for name, given in zip(told.order, names, strict=True) if name in used]
    body = "\n".join(f"    {line}" for line in [*unpacked, *lines, "return result"])
    return f"def answer({', '.join(names)}):\n{body}\n"


def run(source: str, numbers: list[float]) -> float | None:
    """What a program of this family gives; None where it cannot."""
    space: dict[str, Any] = {}
    try:
        exec(source, space)
        return float(space["answer"](*numbers))
    except (ArithmeticError, NameError, UnboundLocalError):
        return None


def _near_misses(rng: random.Random, told: Told, draws: list[list[float]]) -> list[str]:
    """Programs with one wrong operator, one step left out or one number taken for another, that give other results."""
    lines = told.needed
    tried = [program(told, lines[:place] + lines[place + 1 :]) for place in range(len(lines) - 1)]
    tried += [
        program(told, (*lines[:place], wrong, *lines[place + 1 :]))
        for place in range(len(lines))
        for wrong in _altered(lines[place])
    ]
    right = program(told, lines)
    places = range(len(told.order))
    for place in places:
        if len(places) > 1 and f"= n{place}\n" in right:
            other = rng.choice([each for each in places if each != place])
            tried.append(right.replace(f"= n{place}\n", f"= n{other}\n", 1))
    wanted = [run(right, numbers) for numbers in draws]
    kept = [source for source in tried if _differs([run(source, numbers) for numbers in draws], wanted)]
    rng.shuffle(kept)
    return kept


def _differs(found: list[float | None], wanted: list[float | None]) -> bool:
    return any(
        ours is None or theirs is None or not math.isclose(ours, theirs, rel_tol=10 * _TOLERANCE)
        for ours, theirs in zip(found, wanted, strict=True)
    )


def _altered(line: str) -> list[str]:
    """The line with one operator replaced by its opposite, for each operator."""
    swaps: dict[type[ast.operator], ast.operator] = {
        ast.Add: ast.Sub(),
        ast.Sub: ast.Add(),
        ast.Mult: ast.Div(),
        ast.Div: ast.Mult(),
    }
    count = sum(isinstance(node, ast.BinOp) and type(node.op) in swaps for node in ast.walk(ast.parse(line)))
    altered = []
    for place in range(count):
        tree = ast.parse(line)
        node = [each for each in ast.walk(tree) if isinstance(each, ast.BinOp) and type(each.op) in swaps][place]
        node.op = swaps[type(node.op)]
        altered.append(ast.unparse(tree))
    return altered


def _world(told: Told, draws: list[list[float]], wrong: list[str]) -> dict[str, Any]:
    right = program(told, told.needed)
    cases = [{"arguments": numbers, "expected": run(right, numbers)} for numbers in draws]
    shown = draws[0]
    constant = f"def answer(*numbers):\n    return {cases[0]['expected']!r}\n"
    text = told.text.format_map({name: _written(number) for name, number in zip(told.order, shown, strict=True)})
    return {
        "story": told.story,
        "text": text,
        "parameters": ", ".join(f"n{place}" for place in range(len(shown))),
        "numbers": [{"name": f"n{place}", "value": _written(number)} for place, number in enumerate(shown)],
        "grading": {"function": "answer", "cases": cases, "tolerance": _TOLERANCE},
        "reference": {"solution.py": right},
        "decoys": [{"solution.py": source} for source in (constant, *wrong[:2])],
    }


def _written(number: float) -> str:
    return f"{number:g}" if isinstance(number, float) else str(number)


def digits_in(text: str) -> list[str]:
    """The numbers that a reader finds in a text, in order."""
    return re.findall(r"\d+(?:\.\d+)?", text)
