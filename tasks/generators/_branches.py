"""Branch coverage of one function by the stable tests, derived from which test runs which line.

A repository keeps lines, not arcs. What follows from lines is counted, what does not follow counts as not covered:

- a branch into a block is covered where a test runs the block's first statement;
- the way past an `if` or a loop without `else` is covered where some test runs the header and never the block; past an
  `if` whose block always leaves, and past a loop, also where one test runs both the header and the statement after it;
  past a loop that ends its function and holds no `return` or `raise`, wherever it is run.

The last two are approximations: the same test may run header and following statement in two different calls. What lies
on one line (a conditional expression, `and`/`or`, `if x: return`) cannot be told apart and is only counted
(`not_derivable`); coverage.py's own branch measurement does not tell it apart either.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

Function = ast.FunctionDef | ast.AsyncFunctionDef
Reached = Mapping[int, tuple[int, ...]]
_LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)


@dataclass(frozen=True)
class BranchCoverage:
    """Branches of a function: its entry, and each way out of a decision."""

    branches: int
    covered: int
    not_derivable: int
    statements: int
    statements_run: int
    missed_lines: tuple[int, ...]

    @property
    def ratio(self) -> float:
        """Of branches, 0…1."""
        return self.covered / self.branches

    def as_details(self) -> dict[str, object]:
        return {
            "branches": self.branches,
            "covered": self.covered,
            "ratio": round(self.ratio, 4),
            "not_derivable": self.not_derivable,
            "statements": self.statements,
            "statements_run": self.statements_run,
            "method": "derived from lines",
        }


def branch_coverage(function: Function, reached: Reached) -> BranchCoverage:
    """`reached`: of the file, line -> indexes of the tests that run it."""
    body = without_docstring(function.body)
    found = [(body[0].lineno, _is_run(body[0], reached))] if body else []
    found += _block(body, reached, after=None)
    statements = [node for node in _own_nodes(body) if isinstance(node, ast.stmt) and not _is_silent(node)]
    return BranchCoverage(
        branches=max(1, len(found)),
        covered=sum(covered for _, covered in found),
        not_derivable=sum(_not_derivable(node) for node in _own_nodes(body)),
        statements=len(statements),
        statements_run=sum(_is_run(node, reached) for node in statements),
        missed_lines=tuple(sorted({line for line, covered in found if not covered})),
    )


def without_docstring(body: Sequence[ast.stmt]) -> Sequence[ast.stmt]:
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return body[1:]
    return body


def _block(body: Sequence[ast.stmt], reached: Reached, after: ast.stmt | None) -> Iterator[tuple[int, bool]]:
    """(line, is covered) of the branches in a block; `after` runs next where the block ends, if that is known."""
    for index, node in enumerate(body):
        following = body[index + 1] if index + 1 < len(body) else after
        if isinstance(node, ast.If):
            yield from _if(node, reached, following)
        elif isinstance(node, ast.For | ast.AsyncFor | ast.While):
            yield from _loop(node, reached, following)
        elif isinstance(node, ast.Try | ast.TryStar):
            for handler in node.handlers:
                yield handler.body[0].lineno, _is_run(handler.body[0], reached)
                yield from _block(handler.body, reached, following)
            for block in (node.body, node.orelse, node.finalbody):
                yield from _block(block, reached, following)
        elif isinstance(node, ast.Match):
            for case in node.cases:
                yield case.body[0].lineno, _is_run(case.body[0], reached)
                yield from _block(case.body, reached, following)
        elif isinstance(node, ast.With | ast.AsyncWith):
            yield from _block(node.body, reached, following)
        elif isinstance(node, Function):
            inner = without_docstring(node.body)
            if inner:
                yield inner[0].lineno, _is_run(inner[0], reached)
            yield from _block(inner, reached, None)


def _if(node: ast.If, reached: Reached, following: ast.stmt | None) -> Iterator[tuple[int, bool]]:
    if node.body[0].lineno != node.lineno:
        yield node.body[0].lineno, _is_run(node.body[0], reached)
        if node.orelse:
            yield node.orelse[0].lineno, _is_run(node.orelse[0], reached)
        else:
            goes_on = isinstance(node.body[-1], _LEAVES) and _tests_of(following, reached) & _tests_of(node, reached)
            yield node.lineno, bool(goes_on) or _is_passed_by(node, reached)
    yield from _block(node.body, reached, following)
    yield from _block(node.orelse, reached, following)


def _loop(
    node: ast.For | ast.AsyncFor | ast.While, reached: Reached, following: ast.stmt | None
) -> Iterator[tuple[int, bool]]:
    is_endless = isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and bool(node.test.value)
    if node.body[0].lineno != node.lineno:
        yield node.body[0].lineno, _is_run(node.body[0], reached)
        if not is_endless:
            beyond = node.orelse[0] if node.orelse else following
            goes_on = _tests_of(beyond, reached) & _tests_of(node, reached)
            runs_out = beyond is None and _is_run(node, reached) and not any(
                isinstance(each, ast.Return | ast.Raise) for each in _own_nodes(node.body)
            )  # fmt: skip
            yield node.lineno, bool(goes_on) or runs_out or _is_passed_by(node, reached)
    yield from _block(node.body, reached, after=None)
    yield from _block(node.orelse, reached, following)


def _tests_of(node: ast.stmt | None, reached: Reached) -> set[int]:
    """Tests that run some line of the statement (of a compound one: of its header)."""
    return {test for line in header_lines(node) for test in reached.get(line, ())} if node is not None else set()


def _is_run(node: ast.stmt, reached: Reached) -> bool:
    return bool(_tests_of(node, reached))


def _is_passed_by(node: ast.If | ast.For | ast.AsyncFor | ast.While, reached: Reached) -> bool:
    """A test runs the header and never the block, so it went past it."""
    return bool(_tests_of(node, reached) - _tests_of(node.body[0], reached))


def header_lines(node: ast.stmt) -> range:
    """All lines of a simple statement; of a compound one those before its first block, with its decorators."""
    first, last = node.lineno, node.end_lineno or node.lineno
    if isinstance(node, Function | ast.ClassDef):
        first = min([first, *(each.lineno for each in node.decorator_list)])
    body = getattr(node, "body", None) or getattr(node, "cases", None)
    if body:
        inner = body[0].pattern.lineno if isinstance(body[0], ast.match_case) else body[0].lineno
        last = max(node.lineno, inner - 1)
    return range(first, last + 1)


def _own_nodes(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    for statement in body:
        yield from ast.walk(statement)


def _is_silent(node: ast.stmt) -> bool:
    """The interpreter runs nothing for it."""
    if isinstance(node, ast.Global | ast.Nonlocal | ast.Try | ast.TryStar):
        return True
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _not_derivable(node: ast.AST) -> bool:
    if isinstance(node, ast.If | ast.For | ast.AsyncFor | ast.While):
        return node.body[0].lineno == node.lineno
    return isinstance(node, ast.IfExp | ast.BoolOp)
