"""Programs whose output is to be predicted: blocks over one state, or a chain of functions without telling names."""

import ast
import contextlib
import io
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

import yaml

from tasks.families._words import NOUNS
from tasks.families.programming.inputs import draw
from tasks.families.programming.problem import draw_problem

_MOST_ROUNDS = 20_000  # of loops; a person or a model could not follow more by far


@dataclass(frozen=True)
class Listing:
    """`pieces`: the parts of a program in order; without one of those in `removable` it still runs."""

    pieces: tuple[str, ...]
    removable: tuple[int, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.pieces)

    def without(self, place: int) -> str:
        return "\n".join(self.pieces[:place] + self.pieces[place + 1 :])


@cache
def blocks() -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "blocks.yaml").read_text())
    return loaded


def draw_blocks(rng: random.Random, count: int) -> Listing:
    """So many different blocks after each other, all on the same state, which is printed at the end."""
    start = [
        f"x = {rng.randint(-9, 30)}",
        f"xs = {[rng.randint(-4, 15) for _ in range(rng.randint(4, 7))]}",
        f's = "{rng.choice(NOUNS)}{rng.choice(NOUNS)}"',
        f"d = {dict(sorted({rng.choice('abcde'): rng.randint(0, 5) for _ in range(3)}.items()))}",
    ]
    pieces = ["\n".join(start), ""]
    for number, name in enumerate(rng.sample(sorted(blocks()), count), 1):
        code: str = blocks()[name]["code"]
        knobs = blocks()[name].get("knobs", {})
        for knob in sorted(knobs):
            code = code.replace(f"${knob}", str(rng.choice(knobs[knob])))
        pieces.append(code.replace("$n", str(number)))
    pieces.append("print(x, xs)\nprint(s, sorted(d.items()))\n")
    return Listing(tuple(pieces), tuple(range(2, 2 + count)))


def draw_chain(rng: random.Random, count: int) -> Listing:
    """A chain of functions called f1, f2, …, applied to two arguments; each result on the way is printed."""
    kind = rng.choice(("ints", "text", "words", "number", "counts", "spans", "grid", "edges"))
    problem = draw_problem(rng, kind, count)
    functions, calls = [], []
    for number, step in enumerate(problem.steps, 1):
        knobs = [step.knobs[step.argument]] if step.argument else []
        functions.append(step.code().replace(f"def {step.operation.name}(", f"def f{number}(", 1) + "\n")
        calls.append(f"    value = f{number}({', '.join(['value', *map(repr, knobs)])})\n    print(value)")
    arguments = [draw(rng, kind), draw(rng, kind)]
    loop = f"for value in [\n    {arguments[0]!r},\n    {arguments[1]!r},\n]:"
    return Listing((*functions, loop, *calls, ""), tuple(range(count + 1, 2 * count + 1)))


def printed(program: str) -> str | None:
    """What a program of this family prints; None where it fails or does not end, as changed ones may."""
    out = io.StringIO()
    left = _MOST_ROUNDS

    def tick() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise TimeoutError

    try:
        with contextlib.redirect_stdout(out):
            exec(_ticking(program), {"__name__": "__main__", "_tick": tick})
    except Exception:  # noqa: BLE001 - whatever it raises, it is no program to ask about
        return None
    return out.getvalue()


def _ticking(program: str) -> CodeType:
    """The program with a count of the rounds of its loops."""
    tree = ast.parse(program)
    for node in ast.walk(tree):
        if isinstance(node, ast.While | ast.For):
            node.body.insert(0, ast.Expr(ast.Call(ast.Name("_tick", ast.Load()), [], [])))
    return compile(ast.fix_missing_locations(tree), "program", "exec")
