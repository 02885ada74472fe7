"""Which lines of a file belong to which statement."""

import ast
import builtins
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=256)
def clean_text(file: Path) -> bytes | None:
    """Of a file of a source, which lies in the cache and does not change there; None: it has none of that path.

    Always the same object, whose hash is made once.
    """
    return file.read_bytes() if file.is_file() else None


@lru_cache(maxsize=16)  # 30 bytes for each one of its text
def tree_of(content: bytes) -> ast.Module:
    """Only to be looked at. Raises SyntaxError, ValueError."""
    return ast.parse(content)


def own_lines(content: bytes, line: int) -> set[int]:
    """Lines of the smallest statement that holds a line, without those of the statements in it; none for a blank."""
    return _owners(content).get(line, set())


def is_suspended(content: bytes, line: int) -> bool:
    """Some function around a line stops in between, and may have been begun long before the line runs."""
    return any(first <= line <= last for first, last in _suspended(content))


@lru_cache(maxsize=64)
def _suspended(content: bytes) -> list[tuple[int, int]]:
    """Lines of functions with a `yield` or `await` somewhere in them; of more than one scope, all."""
    return [
        (node.lineno, node.end_lineno or node.lineno)
        for _, node in _definitions(tree_of(content), "")
        if not isinstance(node, ast.ClassDef)
        and any(
            isinstance(each, ast.Yield | ast.YieldFrom | ast.Await | ast.AsyncFunctionDef) for each in ast.walk(node)
        )
    ]


_SIMPLE = {ast.AnnAssign, ast.Assign, ast.Assert, ast.AugAssign, ast.Expr, ast.Import, ast.ImportFrom, ast.Pass,
           ast.Raise, ast.Return}  # the most of them: no statement is in one of these  # fmt: skip


def statements_of(scope: ast.AST) -> Iterator[ast.stmt | ast.ExceptHandler]:
    """All below a node. Expressions, most of a tree, hold none, and are not looked at."""
    pending = list(inner_of(scope))[::-1]
    while pending:
        node = pending.pop()
        yield node
        if type(node) not in _SIMPLE:
            pending += list(inner_of(node))[::-1]


@lru_cache(maxsize=64)
def _owners(content: bytes) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for node in sorted(statements_of(tree_of(content)), key=lambda node: (node.lineno, -(node.end_lineno or 0))):
        inner = set() if type(node) in _SIMPLE else {line for child in inner_of(node) for line in lines_of(child)}
        own = set(lines_of(node)) - inner
        for line in own:
            found[line] = found[line] | own if line in found and not inner else own
    return found


def inner_of(node: ast.AST) -> Iterator[ast.stmt | ast.ExceptHandler]:
    for name in ("body", "handlers", "orelse", "finalbody", "cases"):
        children = getattr(node, name, ())
        if isinstance(children, list):  # the body of a lambda or of a conditional expression is none
            for child in children:
                if isinstance(child, ast.match_case):
                    yield from (each for each in child.body if isinstance(each, ast.stmt))
                else:
                    yield child


def lines_of(node: ast.stmt | ast.ExceptHandler) -> range:
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
    return range(first, (node.end_lineno or node.lineno) + 1)


def names_at_import(content: bytes, first_line: int) -> tuple[set[str], set[str]]:
    """Names by which others get at the definition that begins on a line, where its body runs at import; of its bases.

    Whoever uses a class or an object of it has named it. A method that runs at import is known by its own name as well.
    Empty where a class is made in a special way, or nothing begins there.
    """
    for outer, node in _definitions(tree_of(content), ""):
        if first_line not in (node.lineno, *(each.lineno for each in node.decorator_list)):
            continue
        if isinstance(node, ast.ClassDef):
            if node.keywords or not is_plain(node):
                return set(), set()
            bases = {each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "") for each in node.bases}
            return {node.name}, {base for base in bases if base and not hasattr(builtins, base)}
        return {name for name in (outer, node.name) if name and not name.startswith("__")}, set()
    return set(), set()


def _definitions(
    scope: ast.AST, outer: str
) -> Iterator[tuple[str, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Each with the name of the class around it, or ''."""
    for node in inner_of(scope):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield outer, node
        yield from _definitions(node, node.name if isinstance(node, ast.ClassDef) else outer)


@lru_cache(maxsize=64)
def functions_of(content: bytes) -> list[tuple[str, int, int]]:
    """Of each function the name by which it matters to others (of `__init__` its class's), and its body's lines."""
    found = []
    for outer, node in _definitions(tree_of(content), ""):
        if not isinstance(node, ast.ClassDef):
            name = outer if node.name.startswith("__") and outer else node.name
            found.append((name, node.body[0].lineno, node.end_lineno or node.lineno))
    return found


_PLAIN = {
    "abstractmethod", "cache", "cached_property", "classmethod", "contextmanager", "dataclass", "final", "lru_cache",
    "overload", "property", "runtime_checkable", "staticmethod", "total_ordering", "unique", "wraps",
}  # fmt: skip


def is_plain(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Its decorators are known to register nothing."""

    def name(decorator: ast.expr) -> str:
        while isinstance(decorator, ast.Call):
            decorator = decorator.func
        return decorator.attr if isinstance(decorator, ast.Attribute) else getattr(decorator, "id", "")

    return all(name(each) in _PLAIN or name(each) in ("setter", "getter", "deleter") for each in node.decorator_list)
