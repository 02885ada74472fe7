"""The definitions in which two versions of a module differ: most edits are in one of a hundred of them.

A definition at the top of a module, or a method of a class there, compiles to the same by itself as among the others:
names of a module and of a class's body are no concern of the functions in it, but for `__class__` and the class's name,
which are kept. Whatever might break that (another encoding, a `global` outside functions, statements of other kinds)
makes it the whole modules that are compared.
"""

import __future__

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from types import CodeType

from tasks._statements import inner_of, lines_of, statements_of, tree_of

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_ENCODING = re.compile(rb"coding[:=][ \t]*(?!utf-?8\b)", re.I)
_UNUSUAL = (b"\r", b"\f", b"\0", b"\xef\xbb\xbf")  # other ends of lines, other indentations, a mark of an encoding


@dataclass(frozen=True)
class _Block:
    """Statements in a row. `bounds`: where each begins, and where the last ends; what follows a statement is its."""

    owner: str  # name of the class, or "" of a module
    indent: bytes
    bounds: tuple[int, ...]

    @property
    def count(self) -> int:
        return len(self.bounds) - 1


@dataclass(frozen=True)
class _Layout:
    """Of a module."""

    block: _Block
    classes: dict[int, _Block]  # by their number among the module's statements
    head: int  # statements that must stay the first: up to the last import from __future__
    flags: int  # of the compiler, by these imports


@dataclass(frozen=True)
class _Span:
    """Statements `first` to `last` (without) are not the same, and where they stand in both."""

    first: int
    last: int
    start: int
    end: int
    end_after: int


def pieces(before: bytes, after: bytes) -> tuple[CodeType, CodeType] | None:
    """Modules of the definitions that are not the same text; None: this cannot be said of definitions alone.

    Then both compile as a whole as well, and do the same, or have the same scopes, where these do.
    """
    try:
        layout = _layout(before)
        span = None if layout is None else _outer_span(layout, before, after)
        if layout is None or span is None:
            return None
        if span.last - span.first == 1 and (block := layout.classes.get(span.first)) is not None:
            inner = _span(block, span.start, before, after)
            is_clear = inner is not None and _ends_a_line(block, inner, after)
            found = _compiled_both(block, inner, layout.flags, before, after) if inner and is_clear else None
            if found is not None:
                return found
        return _compiled_both(layout.block, span, layout.flags, before, after)
    except (SyntaxError, ValueError, RecursionError):
        return None


def class_of(before: bytes, after: bytes, first_line: int) -> ast.ClassDef | None:
    """The class of `after` that begins on a line (or its decorators do); None: there is none, or `after` is no Python.

    Sooner than by reading all of `after` where the class lies in what is not as `before`.
    """
    try:
        if before is after:
            return _class_in(tree_of(after), first_line)
        shifted = _changed_part(before, after)
        found = None if shifted is None else _class_in(shifted[1], first_line - shifted[0])
        return found or _class_in(ast.parse(after), first_line)
    except (SyntaxError, ValueError):
        return None


def _changed_part(before: bytes, after: bytes) -> tuple[int, ast.Module] | None:
    """How many lines of `after` stand before the statements that are not the same text, and these."""
    try:
        layout = _layout(before)
        span = None if layout is None else _outer_span(layout, before, after)
        if layout is None or span is None:
            return None
        text = after[span.start : span.end_after]
        tree: ast.Module = compile(text.decode(), "", "exec", layout.flags | ast.PyCF_ONLY_AST, dont_inherit=True)
        return before.count(b"\n", 0, span.start), tree
    except (SyntaxError, ValueError):
        return None


def _class_in(tree: ast.Module, first_line: int) -> ast.ClassDef | None:
    return next((node for node in statements_of(tree)
                 if isinstance(node, ast.ClassDef) and first_line in _first_lines(node)), None)  # fmt: skip


def _first_lines(node: ast.ClassDef) -> list[int]:
    return [node.lineno, *(each.lineno for each in node.decorator_list)]


def _outer_span(layout: _Layout, before: bytes, after: bytes) -> _Span | None:
    """Of the module; None where the two cannot be compared in parts."""
    if _is_encoded(after):
        return None
    span = _span(layout.block, 0, before, after)
    if span is None or span.first < layout.head or _is_unusual(after[span.start : span.end_after]):
        return None
    return span if _ends_a_line(layout.block, span, after) else None


def _compiled_both(
    block: _Block, span: _Span, flags: int, before: bytes, after: bytes
) -> tuple[CodeType, CodeType] | None:
    texts = [before[span.start : span.end], after[span.start : span.end_after]]
    one, other = (_parsed(block, text, flags) for text in texts)
    if one is None or other is None:
        return None
    has_others = block.count > span.last - span.first
    if block.owner and not has_others and len(_body(block, other)) == 1:
        return None  # a class without a body
    return compile(one, "", "exec", flags, dont_inherit=True), compile(other, "", "exec", flags, dont_inherit=True)


def _parsed(block: _Block, text: bytes, flags: int) -> ast.Module | None:
    """None where it is not made of definitions of this block. The `pass` is as deep as they must be."""
    start = f"class {block.owner}:\n{block.indent.decode()}pass\n" if block.owner else ""
    source = start + text.decode()
    tree: ast.Module = compile(source, "", "exec", flags | ast.PyCF_ONLY_AST, dont_inherit=True)
    if block.owner and len(tree.body) != 1:
        return None
    inside = _body(block, tree)[1 if block.owner else 0 :]
    is_whole = all(isinstance(node, _DEFINITIONS) for node in inside)
    return tree if is_whole else None


def _body(block: _Block, tree: ast.Module) -> list[ast.stmt]:
    first = tree.body[0] if block.owner else tree
    assert isinstance(first, ast.ClassDef | ast.Module)
    return first.body


def _span(block: _Block, start: int, before: bytes, after: bytes) -> _Span | None:
    """`start`: from where on the two are compared; None where they differ before the first statement."""
    bounds, moved = block.bounds, len(after) - len(before)
    if not after.startswith(before[start : bounds[0]], start):
        return None
    first, last = 0, len(bounds) - 1
    while first < last and after.startswith(before[bounds[first] : bounds[first + 1]], bounds[first]):
        first += 1
    while last > first and bounds[last - 1] + moved >= bounds[first]:
        if not after.startswith(before[bounds[last - 1] : bounds[last]], bounds[last - 1] + moved):
            break
        last -= 1
    if bounds[last] + moved < bounds[first]:
        return None
    return _Span(first, last, bounds[first], bounds[last], bounds[last] + moved)


def _ends_a_line(block: _Block, span: _Span, after: bytes) -> bool:
    """What follows in `after` does not begin in the last line of what has changed."""
    is_last = span.last == block.count
    return is_last or span.start == span.end_after or after[span.end_after - 1 : span.end_after] == b"\n"


def _is_unusual(text: bytes) -> bool:
    return any(each in text for each in _UNUSUAL)


def _is_encoded(content: bytes) -> bool:
    """Its first two lines, which alone may, tell another encoding than the usual."""
    return _ENCODING.search(b"".join(content.split(b"\n", 2)[:2])) is not None


@lru_cache(maxsize=64)
def _layout(content: bytes) -> _Layout | None:
    """Raises SyntaxError, ValueError."""
    if _is_unusual(content) or _is_encoded(content):
        return None
    tree = tree_of(content)
    if any(isinstance(node, ast.Global | ast.Nonlocal) for node in _outside_functions(tree)):
        return None
    starts = [0]
    for line in content.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    starts[-1] = len(content)
    module = _block(tree.body, "", b"", starts, len(content))
    if module is None:
        return None
    head = flags = 0
    for number, node in enumerate(tree.body):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            head = number + 1
            for alias in node.names:
                flags |= getattr(__future__, alias.name).compiler_flag
    classes = {}
    for number, node in enumerate(tree.body):
        if isinstance(node, ast.ClassDef) and node.body[0].lineno > node.lineno:
            indent = content[starts[node.body[0].lineno - 1] :][: node.body[0].col_offset]
            block = _block(node.body, node.name, indent, starts, module.bounds[number + 1])
            if block is not None and not indent.strip(b" "):
                classes[number] = block
    return _Layout(module, classes, head, flags)


def _block(body: Sequence[ast.stmt], owner: str, indent: bytes, starts: Sequence[int], end: int) -> _Block | None:
    """None where two statements share a line."""
    lines = [lines_of(node) for node in body]
    if not body or any(one[-1] >= other[0] for one, other in pairwise(lines)):
        return None
    bounds = [starts[each[0] - 1] for each in lines]
    return _Block(owner, indent, (*bounds, end))


def _outside_functions(scope: ast.AST) -> Iterator[ast.AST]:
    for node in inner_of(scope):
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _outside_functions(node)
