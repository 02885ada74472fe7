"""The reference's Python code written otherwise: other local names, other layout, other order of assignments.

What is not surely the same program is left out. Layout is checked by the syntax tree.
"""

import ast
import io
import sys
import tokenize
from collections.abc import Callable, Iterator
from itertools import pairwise

from tasks.audit._altered import changed_lines

Rewrite = Callable[[bytes, str], bytes | None]

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Scope = _Function | ast.Lambda | ast.ClassDef | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_SEES_NAMES = {"locals", "eval", "exec", "vars", "dir", "globals", "_getframe", "currentframe", "stack", "compile"}
SUFFIX = "_value"


def changed_functions(before: bytes | None, after: bytes) -> list[str]:
    """Names (`Class.method`, of repeated ones with `#2`) of the outermost functions that hold a changed line."""
    lines = changed_lines(before, after)
    try:
        tree = ast.parse(after)
    except (SyntaxError, ValueError):
        return []
    return [name for name, function, _ in _functions(tree)
            if lines & set(range(_first_line(function), (function.end_lineno or 0) + 1))]  # fmt: skip


def reordered(data: bytes, name: str) -> bytes | None:
    """Neighbouring assignments of constants and names, which do not know of each other, change places."""
    function, _ = _function(data, name)
    lines = data.splitlines(keepends=True)
    for body in _bodies(function):
        for one, two in pairwise(body):
            if _is_plain(one) and _is_plain(two) and not _names(one) & _names(two) and two.lineno == one.lineno + 1:
                at = one.lineno - 1
                if all(_is_alone(lines[each.lineno - 1], each) for each in (one, two)):
                    swapped = [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]
                    return b"".join(swapped) if lines[at + 1].endswith(b"\n") else None
    return None


def renamed(data: bytes, name: str) -> bytes | None:
    """Local variables get another name, those that nothing but plain statements of this one function know."""
    function, _ = _function(data, name)
    if any(isinstance(node, ast.Global | ast.Nonlocal) for node in ast.walk(function)):
        return None
    mentioned = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    mentioned |= {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
    if mentioned & _SEES_NAMES:
        return None
    own_names = [node for node in _own_nodes(function) if isinstance(node, ast.Name)]
    places_known = {id(node) for node in own_names}
    stored = {node.id for node in own_names if isinstance(node.ctx, ast.Store)}
    elsewhere = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and id(node) not in places_known}
    unsure = elsewhere | _parameters(function) | set(_names_as_text(function))
    everywhere = data.decode()
    chosen = {each for each in stored - unsure if not each.startswith("__") and each + SUFFIX not in everywhere}
    places = [(node.lineno, node.col_offset, node.id) for node in own_names if node.id in chosen]
    if not places:
        return None
    lines = data.splitlines(keepends=True)
    for line, column, old in sorted(places, reverse=True):
        text = lines[line - 1]
        assert text[column : column + len(old.encode())] == old.encode()
        lines[line - 1] = text[:column] + (old + SUFFIX).encode() + text[column + len(old.encode()) :]
    return b"".join(lines)


def reformatted(data: bytes, name: str) -> bytes | None:
    """The function as `ast.unparse` writes it, one argument a line; decorators and docstring stay."""
    function, depth = _function(data, name)
    if sys.version_info >= (3, 12) and any(isinstance(node, ast.JoinedStr) for node in ast.walk(function)):
        return None  # unparse may write quotes within quotes there, which older Pythons do not read
    nested: ast.stmt = function
    for _ in range(depth):
        nested = ast.If(test=ast.Constant(value=1), body=[nested], orelse=[])
    text = _one_a_line(ast.unparse(ast.fix_missing_locations(nested)))
    lines = data.splitlines(keepends=True)
    new = "".join(text.splitlines(keepends=True)[depth:]).encode() + b"\n"
    first, last = _first_line(function), function.end_lineno or function.lineno
    result = b"".join([*lines[: first - 1], new, *lines[last:]])
    try:
        is_same = ast.dump(ast.parse(result)) == ast.dump(ast.parse(data))
    except (SyntaxError, ValueError):
        return None
    return result if is_same and result != data else None


REWRITES: dict[str, Rewrite] = {"reordered": reordered, "renamed": renamed, "reformatted": reformatted}


def _functions(tree: ast.Module) -> Iterator[tuple[str, _Function, int]]:
    """Each outermost function and method with its name and its depth."""
    count: dict[str, int] = {}

    def walk(body: list[ast.stmt], prefix: str, depth: int) -> Iterator[tuple[str, _Function, int]]:
        for node in body:
            if isinstance(node, _Function):
                name = prefix + node.name
                count[name] = count.get(name, 0) + 1
                yield (name if count[name] == 1 else f"{name}#{count[name]}"), node, depth
            elif isinstance(node, ast.ClassDef):
                yield from walk(node.body, f"{prefix}{node.name}.", depth + 1)
            elif isinstance(node, ast.If | ast.Try):
                yield from walk(node.body, prefix, depth + 1)

    return walk(tree.body, "", 0)


def _function(data: bytes, name: str) -> tuple[_Function, int]:
    return next((function, depth) for each, function, depth in _functions(ast.parse(data)) if each == name)


def _first_line(function: _Function) -> int:
    return min([function.lineno, *(each.lineno for each in function.decorator_list)])


def _bodies(function: _Function) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(function):
        for field in ("body", "orelse", "finalbody"):
            body = getattr(node, field, None)
            if isinstance(body, list) and not isinstance(node, ast.ClassDef):
                yield body


def _is_plain(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return False
    value = statement.value
    is_empty = (isinstance(value, ast.List | ast.Tuple) and not value.elts) or (
        isinstance(value, ast.Dict) and not value.keys
    )
    return isinstance(statement.targets[0], ast.Name) and (isinstance(value, ast.Constant | ast.Name) or is_empty)


def _names(statement: ast.stmt) -> set[str]:
    """All that it reads and writes: where two share none, neither can know of the other."""
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}


def _is_alone(line: bytes, statement: ast.stmt) -> bool:
    rest = line[statement.end_col_offset :].strip() if statement.end_lineno == statement.lineno else b";"
    return not line[: statement.col_offset].strip() and (not rest or rest.startswith(b"#"))


def _own_nodes(function: _Function) -> Iterator[ast.AST]:
    """Nodes of a function's body, without scopes in it and without f-strings, whose places `ast` does not give."""
    pending: list[ast.AST] = list(function.body)
    while pending:
        node = pending.pop()
        if isinstance(node, _Scope | ast.JoinedStr):
            continue
        yield node
        pending += ast.iter_child_nodes(node)


def _parameters(function: _Function) -> set[str]:
    return {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}


def _names_as_text(function: _Function) -> Iterator[str]:
    """Names that are bound otherwise than by a Name: imports, handlers, patterns, definitions."""
    for node in ast.walk(function):
        for field in ("name", "rest", "asname"):
            if isinstance(value := getattr(node, field, None), str):
                yield value.split(".")[0]


def _one_a_line(text: str) -> str:
    """A line break after each comma within brackets, with the layout that brackets allow."""
    lines = io.StringIO(text).readlines()
    depth = 0
    breaks: list[tuple[int, int, int]] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.OP:
            continue
        depth += (token.string in "([{") - (token.string in ")]}")
        if depth and token.string in ("(", ","):
            indent = len(token.line) - len(token.line.lstrip(" ")) + 4 * depth
            breaks.append((token.end[0], token.end[1], indent))
    for line, column, indent in reversed(breaks):
        before, after = lines[line - 1][:column], lines[line - 1][column:].lstrip(" ")
        lines[line - 1] = f"{before}\n{' ' * indent}{after}" if after.strip(")\n") else f"{before}{after}"
    return "".join(lines)
