"""A failing test's traceback without parsing and walking its whole file once for each frame.

pytest shows the statement that a frame stands at, and looks for it in the syntax tree of the file: for a file of a
thousand tests that takes longer than most of them. Here each file is parsed once a process, and only the definition
around the line is walked. What is shown stays the same. For code of our own making: it changes functions of pytest.
"""

from __future__ import annotations

import ast
import bisect
import linecache
from typing import Any


def share_sources() -> None:
    """From now on, in this process and those forked from it."""
    from _pytest._code import code, source

    whole_source, whole_walk = code.TracebackEntry.getsource, source.get_statement_startend2
    whole_file = code.Code.fullsource.fget  # type: ignore[attr-defined, unused-ignore]
    trees: dict[Any, Any] = {}  # pytest's own cache, which lives as long as one traceback
    files: dict[str, tuple[Any, Any]] = {}  # name -> lines, as `linecache` has them, and what pytest makes of them

    def getsource(self: Any, astcache: Any = None) -> Any:
        return whole_source(self, trees)

    def statement_around(lineno: int, node: Any) -> Any:
        return whole_walk(lineno, bare(around(lineno, node)))

    def fullsource(self: Any) -> Any:
        name = self.raw.co_filename
        lines, made = files.get(name, (None, None))
        if lines is None or _lines_of(name) is not lines:
            made = whole_file(self)
            files[name] = (_lines_of(name), made)
        return made

    code.Code.fullsource = property(fullsource)  # type: ignore[assignment, method-assign, unused-ignore]
    code.TracebackEntry.getsource = getsource  # type: ignore[method-assign, unused-ignore]
    source.get_statement_startend2 = statement_around


def around(lineno: int, node: Any) -> Any:
    """The part of a module in which a line's statement begins, and the next statement ends it. Lines count from 0."""
    found: list[Any] = []
    inner = node
    while isinstance(inner, (ast.Module, ast.ClassDef)):
        at = bisect.bisect_right([_first_line(each) - 1 for each in inner.body], lineno) - 1
        if at < 0:
            break  # in the head of a class
        found = inner.body[at : at + 2] + found[1:]
        inner = inner.body[at]
    return ast.Module(body=found, type_ignores=[]) if found else node


def _lines_of(file: str) -> Any:
    """The very list that `linecache` has now; None where it has none yet."""
    entry: tuple[Any, ...] = linecache.cache.get(file) or ()  # type: ignore[assignment, unused-ignore]
    return entry[2] if len(entry) > 2 else None


_PARTS = ("body", "handlers", "orelse", "finalbody", "cases")


def bare(node: Any) -> Any:
    """A statement, and those in it, without their expressions: it is only asked where statements begin.

    A test's parameters may be thousands of expressions.
    """
    kind: Any = type(node)
    made = kind.__new__(kind)  # its fields are set below, and no constructor asks for the others
    for name in _PARTS:
        inner = getattr(node, name, None)
        if inner is not None:
            setattr(made, name, [bare(each) for each in inner])
    if hasattr(node, "decorator_list"):
        made.decorator_list = [_mark(each.lineno) for each in node.decorator_list]
    if hasattr(node, "lineno"):
        made.lineno = node.lineno
    return made


def _mark(line: int) -> Any:
    name: Any = ast.Name.__new__(ast.Name)
    name.lineno = line
    return name


def _first_line(node: Any) -> int:
    lines: list[int] = [node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))]
    return min(lines)
