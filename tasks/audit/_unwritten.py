"""Variants of Python code that are wrong for sure, for tasks whose judge is all that there is.

A changed statement or branch is not written: a judge that is content has never run it. A number in what is
returned is off: a judge that is content looks at it loosely. The whole function does nothing.
"""

import ast
from collections.abc import Iterator

from tasks.audit._altered import Altered, changed_lines

NOT_WRITTEN = "not written"
_WRITTEN = ast.Return | ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Expr | ast.Delete
_FOUR = ast.Add | ast.Sub | ast.Mult | ast.Div
_LARGE = 100  # from here on, one more is less than one hundredth more
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def unwritten(before: bytes | None, after: bytes) -> list[Altered]:
    """All such variants of a file, each of which parses."""
    try:
        tree = ast.parse(after)
    except (SyntaxError, ValueError):
        return []
    lines = changed_lines(before, after)
    text = _Text(after)
    found: list[Altered] = []
    for function in _functions(tree):
        if not lines & set(range(function.lineno, (function.end_lineno or 0) + 1)):
            continue
        found.append(_gutted(text, function))
        for statement in _certain(function.body):
            if lines & set(range(statement.lineno, (statement.end_lineno or 0) + 1)):
                found += _not_written(text, statement)
        found += _numbers_off(text, function)
    unique = {each.text: each for each in found if each.text != after and _parses(each.text)}
    return list(unique.values())


class _Text:
    """Bytes with places by line and column as `ast` counts them."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._starts = [0]
        for line in data.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        start = self._starts[node.lineno - 1] + node.col_offset
        return start, self._starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)

    def replaced(self, start: int, end: int, text: str) -> bytes:
        return self.data[:start] + text.encode() + self.data[end:]


def _functions(tree: ast.AST) -> Iterator[_Function]:
    return (node for node in ast.walk(tree) if isinstance(node, _Function))


def _certain(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Simple statements that do something, without those whose failure is caught close by."""
    for statement in body:
        if isinstance(statement, ast.Try) or type(statement).__name__ == "TryStar":
            continue
        if isinstance(statement, ast.With | ast.AsyncWith) and "suppress" in ast.dump(statement):
            continue
        if isinstance(statement, _WRITTEN) and not _is_talk(statement):
            yield statement
        for block in ("body", "orelse"):
            inner = getattr(statement, block, None)
            if isinstance(inner, list) and not isinstance(statement, _Function | ast.ClassDef):
                yield from _certain(inner)


def _is_talk(statement: ast.stmt) -> bool:
    """A docstring, or a call that only says something."""
    if not isinstance(statement, ast.Expr):
        return False
    call = statement.value
    if isinstance(call, ast.Constant):
        return True
    text = ast.unparse(call.func) if isinstance(call, ast.Call) else ""
    return text == "print" or any(part.lower().strip("_") in ("log", "logger", "logging", "warnings")
                                  for part in text.split("."))  # fmt: skip


def _not_written(text: _Text, statement: ast.stmt) -> Iterator[Altered]:
    start, end = text.span(statement)
    yield Altered("statement", text.replaced(start, end, f'raise AssertionError("{NOT_WRITTEN}")'), statement.lineno)
    for node in ast.walk(statement):
        if isinstance(node, ast.Lambda):
            return
        for branch in (node.body, node.orelse) if isinstance(node, ast.IfExp) else ():
            # An expression that fails; needs no name, no attribute and no import, which a judge may forbid.
            yield Altered(
                "branch",
                text.replaced(*text.span(branch), f'{{}}["{NOT_WRITTEN}"]'),
                branch.lineno,
                ast.unparse(branch),
            )


def _gutted(text: _Text, function: _Function) -> Altered:
    first = function.body[0]
    is_documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(function.body) > 1
    rest = function.body[1:] if is_documented else function.body
    start, end = text.span(rest[0])[0], text.span(rest[-1])[1]
    return Altered("function", text.replaced(start, end, "return None"), function.lineno, function.name)


def _numbers_off(text: _Text, function: _Function) -> Iterator[Altered]:
    """Numbers that go into what is returned by + - * / only: nothing rounds or compares them away."""
    statements = list(_certain(function.body))
    returned = [each.value for each in statements if isinstance(each, ast.Return) and each.value is not None]
    names = {node.id for value in returned for node in _terms(value) if isinstance(node, ast.Name)}
    once = {name: [each for each in ast.walk(function) if isinstance(each, ast.Name) and each.id == name
                   and isinstance(each.ctx, ast.Store)] for name in names}  # fmt: skip
    for each in statements:
        if isinstance(each, ast.Assign) and len(each.targets) == 1 and each.value is not None:
            target = each.targets[0]
            if isinstance(target, ast.Name) and len(once.get(target.id, ())) == 1:
                returned.append(each.value)
    for value in returned:
        for node in _terms(value):
            if node is value or not isinstance(node, ast.Constant) or type(node.value) not in (int, float):
                continue
            number = node.value
            assert isinstance(number, int | float)
            if number == 0:
                continue
            off = number + 1 if isinstance(number, int) and number >= _LARGE else round(number * 1.01, 12)
            detail = f"{number} is {off}"
            yield Altered("number", text.replaced(*text.span(node), repr(off)), node.lineno, detail)


def _terms(value: ast.expr) -> Iterator[ast.expr]:
    yield value
    if isinstance(value, ast.BinOp) and isinstance(value.op, _FOUR):
        yield from _terms(value.left)
        yield from _terms(value.right)
    elif isinstance(value, ast.IfExp):
        yield from _terms(value.body)
        yield from _terms(value.orelse)
    elif isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
        yield from _terms(value.operand)


def _parses(data: bytes) -> bool:
    try:
        ast.parse(data)
    except (SyntaxError, ValueError):
        return False
    return True
