"""Moving statements to another depth without touching what is written inside their strings."""

from collections.abc import Sequence

import libcst as cst

from tasks.generators._source_file import SourceFile


def reindented(file: SourceFile, statements: Sequence[cst.CSTNode], old: bytes, new: bytes) -> bytes:
    """The whole lines of these statements, with `new` at their starts where `old` was.

    Lines inside a string stay as they are, and so do those that are less indented (continued lines, comments).
    """
    start, end = file.lines_of(file.span(statements[0])[0], file.span(statements[-1])[1])
    strings = [file.span(node) for statement in statements for node in _strings(statement)]
    lines = []
    at = start
    for line in file.data[start:end].splitlines(keepends=True):
        is_moved = line.strip() and line.startswith(old) and not any(first < at < last for first, last in strings)
        lines.append(new + line[len(old) :] if is_moved else line)
        at += len(line)
    return b"".join(lines)


def indent_of(file: SourceFile, node: cst.CSTNode) -> bytes:
    """White space before the first statement on a node's line."""
    start = file.span(node)[0]
    return file.data[file.lines_of(start, start)[0] : start]


def _strings(root: cst.CSTNode) -> list[cst.CSTNode]:
    found: list[cst.CSTNode] = []
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, cst.SimpleString | cst.FormattedString):
            found.append(node)
        else:
            pending += node.children
    return found
