"""What the failures show: calls with literal arguments, and the values that were wanted of them."""

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from trajectories._watching.folding import MAX_FOLDS, Folded
from trajectories._watching.trees import parse_python

MAX_CALLS = 40
_CALL = re.compile(r"\b([A-Za-z_]\w*)\(((?:[^()\n]|\([^()\n]*\)){0,500})\)")
_SIDES = re.compile(
    r"(?:assert|AssertionError:|E)\s+(?:assert )?(\S[^\n]{0,500}?)\s+(==|!=)\s+(\S[^\n]{0,500}?)\s*$", re.MULTILINE
)
_GOT = re.compile(r"where (\S[^\n]{0,500}?) = \w")


class Call(NamedTuple):
    """A call that a failure shows, with its literal arguments."""

    name: str
    arguments: tuple[Folded, ...]
    keywords: Mapping[str, Folded]

    @property
    def values(self) -> tuple[Folded, ...]:
        return (*self.arguments, *self.keywords.values())


@dataclass
class Examples:
    """The calls that failures show, and what was wanted."""

    calls: list[Call] = field(default_factory=list)
    wanted: list[Folded] = field(default_factory=list)
    left: int = 3 * MAX_FOLDS  # of what may be folded with them, in all files

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Examples":
        found = cls()
        text = "\n".join(texts)[:200_000]
        for name, inside in _CALL.findall(text):
            call = _literal_call(name, inside)
            if call is not None and call not in found.calls and len(found.calls) < MAX_CALLS:
                found.calls.append(call)
        got = _GOT.findall(text)
        for left, _, right in _SIDES.findall(text)[:200]:
            for side in (left, right):
                value = literal(side)
                if value is not None and side not in got and value not in found.wanted:
                    found.wanted.append(value)
        return found


def literal(text: str) -> Folded:
    """The value of a literal; None where the text is something else, or a structure within a structure."""
    tree = parse_python(text.strip())
    match tree.body if tree else []:
        case [ast.Expr(value=node)]:
            return _value(node)
    return None


def _value(node: ast.expr) -> Folded:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    parts = value if isinstance(value, list | tuple) else (value,)
    if not all(isinstance(part, str | bytes | int | float) for part in parts):
        return None
    return tuple(value) if isinstance(value, list) else value


def _literal_call(name: str, inside: str) -> Call | None:
    tree = parse_python(f"f({inside})")
    match tree.body if tree else []:
        case [ast.Expr(value=ast.Call(args=arguments, keywords=keywords))] if arguments or keywords:
            values = tuple(_value(argument) for argument in arguments)
            named = {word.arg: _value(word.value) for word in keywords if word.arg}
            if None not in values and None not in named.values():
                return Call(name, values, named)
    return None
