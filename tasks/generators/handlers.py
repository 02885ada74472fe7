"""Exception handling removed."""

from collections.abc import Iterator

import libcst as cst

from tasks.generators._source_file import Definition, Edit, SourceFile


def remove_handler(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """One of several `except` blocks goes, one of several types that a block catches, or `finally`."""
    for node in file.nodes(definition.node):
        if isinstance(node, cst.ExceptHandler) and isinstance(node.type, cst.Tuple) and len(node.type.elements) > 1:
            yield from _without_one_type(file, node.type)
        if not isinstance(node, cst.Try):
            continue
        if len(node.handlers) > 1 or (node.handlers and node.finalbody and not node.orelse):
            for handler in node.handlers:
                yield from _lines_gone(file, handler, "handler removed")
        if node.handlers and node.finalbody:
            yield from _lines_gone(file, node.finalbody, "finally removed")


def swallow_exception(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """`raise` at the end of a handler becomes `pass`: whoever calls never hears of it."""
    for node in file.nodes(definition.node):
        if not isinstance(node, cst.ExceptHandler):
            continue
        for statements in file.blocks(node):
            last = statements[-1] if statements else None
            if isinstance(last, cst.SimpleStatementLine) and isinstance(last.body[-1], cst.Raise):
                yield file.replace(last.body[-1], b"pass", "exception swallowed")


def _without_one_type(file: SourceFile, types: cst.Tuple) -> Iterator[Edit]:
    for gone in types.elements:
        left = [file.whole_text(each.value) for each in types.elements if each is not gone]
        text = left[0] if len(left) == 1 else b"(" + b", ".join(left) + b")"
        name = file.text(gone.value).decode()
        yield Edit(*file.whole_span(types), text, f"{name} no longer caught")


def _lines_gone(file: SourceFile, node: cst.CSTNode, kind: str) -> Iterator[Edit]:
    start, end = file.span(node)
    if file.is_alone(start, end):
        yield Edit(*file.lines_of(start, end), b"", kind)
