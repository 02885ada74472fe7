"""Python's trees, within bounds: what is read may have been written to be too long or too deep."""

import ast
import re
import textwrap
from collections.abc import Iterator, Sequence
from itertools import islice

MAX_NODES = 2000  # of one statement
MAX_STATEMENT_LINES = 80
_HUGE = re.compile(r"\b0[xXoObB][0-9a-fA-F_]{1000,}")  # Python refuses to write such a number in decimals
_CLAUSE = re.compile(r"\s*(except|finally|else|elif)\b")
_COMPOUND = re.compile(r"\s*(try|if|elif|for|while|async for)\b")


def parse_python(source: str) -> ast.Module | None:
    """The tree; None where it is no Python, or more than the parser can bear. Numbers without end are 0 in it."""
    try:
        return ast.parse(_HUGE.sub("0", source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def some(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a tree, from the root down, at most MAX_NODES."""
    return islice(ast.walk(tree), MAX_NODES)


def literals(tree: ast.AST) -> Iterator[str | bytes | int | float]:
    """The texts, numbers and truth values that are written in it."""
    for node in some(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes | int | float):
            yield node.value


def statement_at(hunk: Sequence[tuple[str, bool]], index: int) -> ast.stmt | None:
    """The statement that begins on this line of a hunk, with what is indented below it."""
    first = hunk[index][0]
    indent = len(first) - len(first.lstrip())
    block = [first]
    for line, _ in hunk[index + 1 : index + MAX_STATEMENT_LINES]:
        if line.strip() and len(line) - len(line.lstrip()) <= indent and not re.match(r"\s*[)\]}]", line):
            is_clause = len(line) - len(line.lstrip()) == indent and _CLAUSE.match(line)
            if not (is_clause and _COMPOUND.match(first)):
                break
        block.append(line)
    text = textwrap.dedent("\n".join(block)).strip("\n")
    text = re.sub(r"\A(elif|el if)\b", "if", text)
    if re.match(r"case\b", text):
        text = "match _:\n" + textwrap.indent(text, "    ")
    head = text.split("\n")[0]
    for candidate in (text, head, "{" + head + "}", text + "\n    pass"):
        tree = parse_python(candidate)
        if tree is not None and tree.body:
            return tree.body[0]
    return None
