"""Which lines of a file belong to which statement."""

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache


def own_lines(content: bytes, line: int) -> set[int]:
    """Lines of the smallest statement that holds a line, without those of the statements in it; none for a blank."""
    return _owners(content).get(line, set())


@lru_cache(maxsize=64)
def _owners(content: bytes) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    statements = [node for node in ast.walk(ast.parse(content)) if isinstance(node, ast.stmt | ast.ExceptHandler)]
    for node in sorted(statements, key=lambda node: (node.lineno, -(node.end_lineno or 0))):
        inner = {line for child in _inner(node) for line in _lines(child)}
        own = set(_lines(node)) - inner
        for line in own:
            found[line] = found[line] | own if line in found and not inner else own
    return found


def _inner(node: ast.AST) -> Iterator[ast.stmt | ast.ExceptHandler]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.ExceptHandler):
            yield child
        elif isinstance(child, ast.match_case):
            yield from child.body


def _lines(node: ast.stmt | ast.ExceptHandler) -> range:
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
    return range(first, (node.end_lineno or node.lineno) + 1)


def class_names(content: bytes, first_line: int, changed_lines: Iterable[int]) -> tuple[set[str], set[str]]:
    """Of the class that begins on a line its name and what the changed lines of its body define; names of its bases.

    Empty where it is no class, or is made in a special way.
    """
    tree = ast.parse(content)
    node = next((each for each in ast.walk(tree) if isinstance(each, ast.ClassDef)
                 and first_line in (each.lineno, *(one.lineno for one in each.decorator_list))), None)  # fmt: skip
    if (
        node is None
        or node.keywords
        or any(line < node.body[0].lineno for line in changed_lines if node.decorator_list)
    ):
        return set(), set()
    bases = {each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "") for each in node.bases}
    found = {node.name}
    for statement in node.body:
        first = min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", ()))])
        if not any(first <= line <= (statement.end_lineno or first) for line in changed_lines):
            continue
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(statement.name)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            found |= {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}
    return found, bases - {"", "object", "Exception"}
