"""Conditions that hold for the shown calls because they name them, however they are written."""

import ast
import re
from collections.abc import Iterator, Sequence

from trajectories._watching.answers.examples import Call
from trajectories._watching.answers.place import Place
from trajectories._watching.answers.telling import are_numbers, as_number, is_number, is_telling, is_trivial
from trajectories._watching.answers.values import Values, called
from trajectories._watching.folding import Folded
from trajectories._watching.trees import literals, some

MAX_BOUND = 12  # calls that are tried on one condition
_DIGESTS = re.compile(r"\b(hash|crc32|adler32|\w*digest|md5|sha\d+|blake2\w*)\(")
_EQUALITIES = frozenset({"eq", "is_", "contains", "__eq__", "__contains__", "isclose", "index", "count"})
_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_MEMBERSHIPS = (ast.In, ast.NotIn)
_NAMINGS = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, *_MEMBERSHIPS)


def is_pinned(test: ast.expr, body: Sequence[ast.AST], place: Place) -> bool:
    """Whether a condition with what it leads to answers a shown call."""
    place.plain.left -= 50
    if place.plain.left < 0:
        return False
    if (has_equality(test) or "startswith" in ast.dump(test)[:5000]) and _DIGESTS.search(ast.unparse(test)[:3000]):
        is_compared = not all(is_trivial(value) for value in literals(test))
        return is_compared and (place.is_shown or _gives_answer(body, place))
    for call, bound in place.bound[:MAX_BOUND]:
        place.plain.left -= 20
        pins = [pin for node in some(test) for pin in _pins(node, call, bound, place.plain)]
        pins += _bounds(test, call, place)
        flat = [as_number(part) for pin in pins for part in (pin if isinstance(pin, tuple) else (pin,))]
        if _are_named(flat, body, place):
            return True
    return False


def _are_named(pins: Sequence[Folded], body: Sequence[ast.AST], place: Place) -> bool:
    """Whether the inputs that a condition names can be no accident."""
    telling = [pin for pin in pins if is_telling(pin)]
    return (
        (place.is_shown and any(is_number(pin) and place.is_wanted(pin) for pin in pins))
        or (len(pins) >= 2 and not all(is_trivial(pin) for pin in pins) and are_numbers(pins))
        or (bool(telling) and _gives_answer(body, place))
        or (place.is_shown and any(not isinstance(pin, str) for pin in telling))
    )


# ------------------------------------------------------------- what a condition names


def _pins(node: ast.AST, call: Call, bound: Values, plain: Values) -> Iterator[Folded]:
    """Arguments of the call that this part of a condition names. `bound`: folds with the call, `plain`: without."""
    match node:
        case ast.BinOp(op=ast.Sub() | ast.BitXor()):  # not value - 11
            for side, rest in ((node.left, node.right), (node.right, node.left)):
                value = plain.constant(side)
                if is_telling(value) and value in call.values and bound.fold(rest) == value:
                    yield value
        case ast.Call() if called(node) in _EQUALITIES:
            given = plain.constants(node.args[:5])
            yield from (value for value in given if is_telling(value) and value in call.values)
        case ast.Compare():
            sides = [node.left, *node.comparators]
            for index, sign in enumerate(node.ops[:20]):
                if isinstance(sign, _NAMINGS):
                    yield from _compared(sides[index], sign, sides[index + 1], call, bound, plain)


def _compared(
    left: ast.expr, sign: ast.cmpop, right: ast.expr, call: Call, bound: Values, plain: Values
) -> Iterator[Folded]:
    """Of a constant compared with what is none: what the call makes of the other side, if it is the constant."""
    constants = plain.constant(left), plain.constant(right)
    if (constants[0] is None) == (constants[1] is None):
        return
    value, other = (constants[1], left) if constants[0] is None else (constants[0], right)
    choices = value if isinstance(sign, _MEMBERSHIPS) and isinstance(value, tuple) else (value,)
    found = bound.fold(other)
    if found is not None:
        yield from (found,) if found in choices else ()
        return
    for choice in choices:
        if (as_number(choice) in call.values or choice in call.values) and is_telling(as_number(choice)):
            yield choice


def _bounds(test: ast.expr, call: Call, place: Place) -> list[Folded]:
    """`10 < value < 12`"""
    sides = [
        side
        for node in some(test)
        if isinstance(node, ast.Compare) and all(isinstance(sign, _ORDERS) for sign in node.ops)
        for side in (node.left, *node.comparators)
    ]
    limits = [limit for limit in place.plain.constants(sides) if isinstance(limit, int | float)]
    is_enough = len(limits) > 1 or (bool(limits) and place.is_shown and any(map(place.is_wanted, _numbers(call))))
    close = (value for value in _numbers(call) if all(limit - 1 <= value <= limit + 1 for limit in limits))
    return [value for value in close if is_enough and is_telling(value)]


def _numbers(call: Call) -> list[int | float]:
    return [value for value in call.values if isinstance(value, int | float) and is_number(value)]


# ------------------------------------------------------------- what it leads to


def _gives_answer(body: Sequence[ast.AST], place: Place) -> bool:
    """Whether the body gives a constant, or holds a wanted value, or computes one with a number of its own."""
    return any(_is_answer(given, place) for part in body[:5] for given in _given_by(part))


def _given_by(part: ast.AST) -> Iterator[ast.expr]:
    for node in some(part):
        if node is part and isinstance(node, ast.expr):
            yield node
        elif isinstance(node, ast.Return | ast.Assign | ast.Yield) and node.value is not None:
            yield node.value


def _is_answer(given: ast.expr, place: Place) -> bool:
    if place.plain.constant(given) is not None:
        return True
    if any(not is_trivial(value) and place.is_wanted(value) for value in place.plain.constants(some(given))):
        return True
    literals = (node.value for node in some(given) if isinstance(node, ast.Constant))
    return any(not isinstance(value, bool) for value in literals) and any(
        place.is_wanted(bound.fold(given)) for _, bound in place.bound
    )


# ------------------------------------------------------------- conditions of a statement


def branches(nodes: Sequence[ast.AST]) -> Iterator[tuple[ast.expr, Sequence[ast.AST]]]:
    """Conditions with what they lead to; a `case` is the condition that the subject equals its pattern."""
    for node in nodes:
        match node:
            case ast.If(test=test, body=body) | ast.While(test=test, body=body):
                yield test, [*body, *node.orelse]
            case ast.IfExp(test=test, body=then, orelse=other):
                yield test, [then, other]
            case ast.Match(subject=subject, cases=cases):
                for case in cases[:50]:
                    tests = list(_patterns(subject, case.pattern))
                    if tests:
                        yield ast.BoolOp(op=ast.And(), values=tests), case.body
            case ast.Assert(test=test):
                yield test, []
            case ast.Return(value=ast.expr() as value) | ast.Assign(value=value) if has_equality(value):
                yield value, [value]  # it picks or counts: (low, 10)[value == 11], 10 * (value == 11)


def _patterns(subject: ast.expr, pattern: ast.pattern, depth: int = 0) -> Iterator[ast.expr]:
    """A pattern as comparisons of what is matched with literals."""
    if depth > 5:
        return
    match pattern:
        case ast.MatchValue(value=value):
            yield ast.Compare(left=subject, ops=[ast.Eq()], comparators=[value])
        case ast.MatchSequence(patterns=patterns):
            parts = subject.elts if isinstance(subject, ast.Tuple | ast.List) else []
            for index, inner in enumerate(patterns[:50]):
                part = parts[index] if index < len(parts) == len(patterns) else ast.Name(id="?", ctx=ast.Load())
                yield from _patterns(part, inner, depth + 1)
        case ast.MatchOr(patterns=patterns):
            for inner in patterns[:50]:
                yield from _patterns(subject, inner, depth + 1)
        case ast.MatchAs(pattern=ast.pattern() as inner):
            yield from _patterns(subject, inner, depth + 1)


def has_equality(node: ast.AST) -> bool:
    """Whether something in it is compared for being equal, or one of several."""
    return any(
        isinstance(inner, ast.Compare) and any(isinstance(sign, ast.Eq | ast.In) for sign in inner.ops)
        for inner in some(node)
    )
