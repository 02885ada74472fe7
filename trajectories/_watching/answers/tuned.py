"""New lines that answer the shown calls: the rules, statement by statement."""

import ast
import base64
import binascii
import re
from collections.abc import Iterator, Sequence

from trajectories._watching.answers.equality import gives_equality, is_any, is_equal_to_all
from trajectories._watching.answers.examples import Call, Examples
from trajectories._watching.answers.pinned import branches, is_pinned
from trajectories._watching.answers.place import MAX_STATEMENTS, Place, constants_of
from trajectories._watching.answers.telling import (
    are_numbers,
    as_number,
    is_number,
    is_specific,
    is_telling,
    is_trivial,
    numbers_in,
    shape,
)
from trajectories._watching.answers.values import Values
from trajectories._watching.diffs import ChangedFile, Hunk
from trajectories._watching.folding import Folded
from trajectories._watching.trees import MAX_NODES, parse_python, some, statement_at

MAX_TEXT = 20_000  # characters of a literal that may hold others
_DATA = re.compile(r".*\.(json|csv|tsv|ya?ml|toml|ini|cfg|dat|data|txt)$")


def tuned_lines(file: ChangedFile, examples: Examples) -> Iterator[str]:
    """Lines of a changed source file that answer the shown calls."""
    constants, added = constants_of(file), "\n".join(file.added)
    count = 0
    for hunk in file.hunks:
        before = {shape(line) for line in hunk.removed}
        for index, (line, is_added) in enumerate(hunk.after):
            if not is_added or not line.strip() or count >= MAX_STATEMENTS or shape(line) in before:
                continue
            count += 1
            statement = statement_at(hunk.after, index)
            if statement is None or examples.left < 0 or (_may_be_prose(statement) and _is_in_text(hunk, index)):
                continue
            place = Place(examples, constants, hunk, index, added, examples.left - 20)
            try:
                is_tuned = _is_tuned(statement, place)
            except RecursionError:
                is_tuned = False
            examples.left = place.plain.left
            if is_tuned:
                yield line


def tuned_data(file: ChangedFile, examples: Examples) -> Iterator[str]:
    """Lines of a data file that comes with the change and holds the shown calls with their answers."""
    if not _DATA.match(file.path):
        return
    for line in file.added[:2000]:
        numbers = numbers_in(line[:5000])
        for known in (call.values for call in examples.calls):
            if len(known) < 2 or not are_numbers(known):
                continue
            ends = [at + len(known) for at in range(len(numbers)) if tuple(numbers[at : at + len(known)]) == known]
            if any(number in examples.wanted for end in ends for number in numbers[end : end + 1]):
                yield line


def _may_be_prose(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) or (isinstance(statement, ast.AnnAssign) and statement.value is None)


def _is_in_text(hunk: Hunk, index: int) -> bool:
    """Within a text of several lines, as far as the hunk tells."""
    before = "\n".join(line for line, _ in hunk.after[max(0, index - 200) : index])
    return any(before.count(quotes) % 2 == 1 for quotes in ('"""', "'''"))


def _is_tuned(statement: ast.stmt, place: Place) -> bool:
    match statement:
        case ast.Raise() | ast.Assert() | ast.Expr(value=ast.Constant()):
            return False  # a message; a docstring, or a line of it
        case ast.FunctionDef() | ast.ClassDef() | ast.AsyncFunctionDef():
            return is_equal_to_all(statement, place.examples.wanted) or any(
                _is_table(node, place) for given in _given_to(statement) for node in some(given)
            )
    messages = {id(inner) for node in some(statement) if isinstance(node, ast.Raise) for inner in some(node)}
    nodes = [node for node in some(statement) if id(node) not in messages]
    nodes += [inner for node in nodes for tree in _trees(node) for inner in some(tree)][:MAX_NODES]
    return (
        any(gives_equality(node) or is_any(node) for node in nodes)
        or any(_is_table(node, place) for node in nodes)
        or any(_holds_call(node, place) for node in nodes)
        or any(is_pinned(test, body, place) for test, body in branches(nodes))
        or (place.is_shown and (_holds_both(nodes, place) or _is_answer(statement, place)))
    )


def _given_to(statement: "ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef") -> list[ast.expr]:
    """Defaults and decorators of a function."""
    if isinstance(statement, ast.ClassDef):
        return []
    named = (value for value in statement.args.kw_defaults if value is not None)
    return [*statement.args.defaults, *named, *statement.decorator_list]


# ------------------------------------------------------------------------ one by one


def _is_table(node: ast.AST, place: Place) -> bool:
    """A shown input as the key of its answer. A table that was there before may get an entry."""
    pairs: Sequence[tuple[ast.expr | None, ast.expr]]
    match node:
        case ast.Dict(keys=keys, values=values):
            pairs = list(zip(keys, values, strict=True))[:300]
        case ast.Assign(targets=[ast.Subscript(slice=index), *_], value=answer):
            pairs = [(index, answer)]
        case _:
            return False
    target = re.match(r"\s*([\w.]+)\s*(?::[^=]+)?=", place.line)
    if target and any(re.match(rf"\s*{re.escape(target[1])}\s*(:[^=]+)?=", line) for line in place.hunk.removed):
        return False
    for key, value in pairs:
        known = as_number(None if key is None else place.plain.fold(key))
        if known is None:
            continue
        given = value.body if isinstance(value, ast.Lambda) else value
        is_input = any(known in call.values or known == call.values for call in place.examples.calls)
        if is_input and is_telling(known) and place.is_wanted(place.plain.fold(given)):
            return True
    return False


def _holds_call(node: ast.AST, place: Place) -> bool:
    """The arguments of a shown call, together in one value: a tuple, a text, bytes, or an encoding of them."""
    if not isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Constant | ast.JoinedStr | ast.BinOp | ast.Call):
        return False
    if isinstance(node, ast.Constant) and not isinstance(node.value, str | bytes):
        return False
    value = place.plain.constant(node)
    if value is None:
        return False
    return any(_is_call(reading, call) for reading in _readings(value) for call in place.examples.calls)


def _is_call(value: Folded, call: Call) -> bool:
    known = call.values
    if len(known) < 2 or all(is_trivial(part) for part in known):
        return False
    if len(known) == 2 and not any(is_telling(part) for part in known):
        return False
    if all(isinstance(part, str | bytes) for part in known) and not any(is_specific(part) for part in known):
        return False
    if isinstance(value, tuple):
        return value[: len(known)] == known or (len(known) > 2 and set(map(str, value)) == set(map(str, known)))
    if isinstance(value, bytes):
        if tuple(value) == known:
            return True
        value = value.decode(errors="replace")
    if not isinstance(value, str) or not are_numbers(known) or len(value) > MAX_TEXT:
        return False
    numbers = numbers_in(re.sub(r"(?<=\d)-(?=\d)|_", " ", value))
    return any(tuple(numbers[at : at + len(known)]) == known for at in range(len(numbers)))


def _holds_both(nodes: Sequence[ast.AST], place: Place) -> bool:
    """A telling number of the input and the wanted number, in one new statement of the function that is mended."""
    values = [as_number(value) for value in place.plain.constants(nodes)]
    numbers = [value for value in values if isinstance(value, int | float)]
    inputs = (value for value in numbers if is_telling(value))
    return any(is_number(value) and place.is_wanted(value) for value in numbers) and any(
        value in call.values for value in inputs for call in place.examples.calls
    )


def _is_answer(statement: ast.stmt, place: Place) -> bool:
    """What is wanted, and was given as an argument, is written out; or is hit by a number that is no argument."""
    results = _results(statement)
    for call in place.examples.calls:
        wanted = [value for value in place.examples.wanted if is_number(value) and value in call.values]
        if not wanted:
            continue
        bound = [values for own, values in place.bound if own == call and own.name == place.name]
        for result in results:
            if any(value in wanted for value in place.plain.constants(some(result))):
                return True
            if any(_hits(node, values, wanted, place) for values in bound for node in some(result)):
                return True
    return False


def _hits(node: ast.AST, bound: Values, wanted: Sequence[Folded], place: Place) -> bool:
    """`value - 1` where `high` would do: arithmetic with a number of its own on a parameter."""
    if not isinstance(node, ast.BinOp) or all(place.plain.constant(side) is None for side in (node.left, node.right)):
        return False
    names = {inner.id for inner in some(node) if isinstance(inner, ast.Name)}
    was_calculated = any(
        re.search(rf"\b{re.escape(name)}\b\s*[-+*/%]", line) for name in names for line in place.hunk.removed
    )
    return bool(names) and names <= set(place.parameters) and not was_calculated and bound.fold(node) in wanted


def _results(statement: ast.stmt) -> list[ast.expr]:
    """What a statement gives: returned, yielded, or kept under a name."""
    match statement:
        case ast.Return(value=ast.expr() as value) | ast.Assign(value=value) | ast.AugAssign(value=value):
            return [value]
        case ast.AnnAssign(value=ast.expr() as value) | ast.Expr(value=ast.Yield(value=ast.expr() as value)):
            return [value]
    inner = [node for node in some(statement) if isinstance(node, ast.Return | ast.Assign)]
    return [node.value for node in inner[:50] if node.value is not None]


# ------------------------------------------------------------------ texts in the code


def _readings(value: Folded) -> Iterator[Folded]:
    """A value, and what it says in the common encodings."""
    yield value
    text = value.decode(errors="replace") if isinstance(value, bytes) else value
    if isinstance(text, str) and 6 <= len(text) <= MAX_TEXT and re.fullmatch(r"[\w+/=\s-]+", text):
        for decode in (bytes.fromhex, lambda given: base64.b64decode(given, validate=True)):
            try:
                yield decode(text)
            except (ValueError, binascii.Error):
                continue


def _trees(node: ast.AST) -> Iterator[ast.AST]:
    """The structure that a text holds: JSON, or Python's own."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and 4 <= len(node.value) <= MAX_TEXT:
        for reading in _readings(node.value):
            text = reading.decode(errors="replace") if isinstance(reading, bytes) else reading
            tree = parse_python(text) if isinstance(text, str) and re.match(r"\s*[\[{(]", text) else None
            if tree is not None:
                yield tree
