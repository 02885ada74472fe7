"""Constants of code that has numbers: folding with arithmetic, and with the plain functions that Python has."""

import ast
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from trajectories._watching.answers.examples import literal
from trajectories._watching.folding import Folded, Folder
from trajectories._watching.trees import some

MAX_NUMBER = 10**18
_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.BitXor: operator.xor,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
}
_OF_MANY: Mapping[str, Callable[[Any], Any]] = {"min": min, "max": max, "sum": sum}
_EVALUATORS = ("eval", "literal_eval", "loads")
_SAME = frozenset({"tuple", "list", "set", "frozenset", "bytes", "bytearray", "sorted"})  # the parts stay as they are
_KNOWN = _SAME | frozenset(
    {"str", "repr", "int", "float", "len", "abs", "min", "max", "sum", "map", "range", "ord", "round"}
    | {"dict", "eval", "json", "ast"}
)


class Values(Folder):
    """Folds with numbers as well."""

    def constant(self, node: ast.expr) -> Folded:
        """The value of an expression in which every name is known; None where it is no such thing."""
        value = self.fold(node)
        if value is None:
            return None
        names = (inner.id for inner in some(node) if isinstance(inner, ast.Name))
        return value if all(name in self.values or name in _KNOWN or name in self.aliases for name in names) else None

    def constants(self, nodes: Iterable[ast.AST]) -> Iterator[Folded]:
        """Of nodes those that are constant."""
        for node in nodes:
            if isinstance(node, ast.expr) and (value := self.constant(node)) is not None:
                yield value

    def _operation(self, node: ast.BinOp, depth: int) -> Folded:
        left, right = self.fold(node.left, depth), self.fold(node.right, depth)
        if isinstance(left, int | float) and isinstance(right, int | float):
            return _calculated(node.op, left, right)
        return super()._operation(node, depth)

    def _subscript(self, node: ast.Subscript, depth: int) -> Folded:
        if not isinstance(node.slice, ast.Slice):
            owner, at = self.fold(node.value, depth), self.fold(node.slice, depth)
            if isinstance(owner, tuple | str) and isinstance(at, int) and -len(owner) <= at < len(owner):
                return owner[at]
        return super()._subscript(node, depth)

    def _call(self, node: ast.Call, depth: int) -> Folded:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if called(node) in _EVALUATORS and node.args:
            text = self.fold(node.args[0], depth)
            text = text.decode(errors="replace") if isinstance(text, bytes) else text
            return literal(text) if isinstance(text, str) and len(text) < 10_000 else None
        if name in _KNOWN and node.args and not node.keywords:
            given = [self.fold(argument, depth) for argument in node.args[:20]]
            return _mapped(node.args[0], given) if name == "map" else _applied(name, given)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "join" and node.args:
            owner, parts = self.fold(node.func.value, depth), self.fold(node.args[0], depth)
            if isinstance(owner, str) and isinstance(parts, tuple):
                return owner.join(str(part) for part in parts)
        return super()._call(node, depth)


def called(node: ast.Call) -> str:
    """The last name of what is called."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _calculated(sign: ast.operator, left: int | float, right: int | float) -> Folded:
    if max(abs(left), abs(right)) > MAX_NUMBER:
        return None
    try:
        return _OPERATORS[type(sign)](left, right)  # type: ignore[no-any-return]
    except (KeyError, TypeError, ArithmeticError, ValueError):
        return None


def _mapped(function: ast.expr, given: list[Folded]) -> Folded:
    """`map(str, …)`; another function of one name leaves the parts as they are."""
    if not isinstance(function, ast.Name) or len(given) < 2 or not isinstance(given[1], tuple):
        return None
    return tuple(str(part) for part in given[1]) if function.id in ("str", "repr") else given[1]


def _applied(name: str, given: list[Folded]) -> Folded:
    """What a plain function gives for these values."""
    first = given[0]
    match name, first:
        case "str", int() | float() | str() | tuple():
            return str(first)
        case "repr", int() | float() | str() | tuple():
            return repr(first)
        case (("int" | "float"), int() | float()):
            return first
        case "int", str():
            return _spelled(first, given[1:])
        case "range", int():
            return _counted(given)
        case "ord", str() if len(first) == 1:
            return ord(first)
        case "round", int() | float() if abs(first) < 10**15:
            return round(first)
        case "len", tuple() | str():
            return len(first)
        case "abs", int() | float():
            return abs(first)
        case _, tuple() if name in _SAME:
            return first
        case _ if name in _OF_MANY:
            parts = first if isinstance(first, tuple) else tuple(given)
            if parts and all(isinstance(part, int | float) and abs(part) <= MAX_NUMBER for part in parts):
                return _OF_MANY[name](parts)  # type: ignore[no-any-return]
    return None


def _counted(bounds: list[Folded]) -> Folded:
    """The first 100 numbers of a range."""
    if len(bounds) > 3 or bounds[2:] == [0]:
        return None
    whole = [part for part in bounds if isinstance(part, int) and abs(part) < 10_000]
    return tuple(range(*whole)[:100]) if len(whole) == len(bounds) else None


def _spelled(text: str, bases: list[Folded]) -> Folded:
    """`int("2f", 16)`, `int("47")`"""
    if len(bases) == 1 and re.fullmatch(r"[0-9a-fA-F]{1,12}", text):
        base = bases[0] if isinstance(bases[0], int) and 2 <= bases[0] <= 36 else 0
        try:
            return int(text, base)
        except ValueError:
            return None
    return int(text) if re.fullmatch(r"-?\d{1,18}", text) else None
