"""Resources left open."""

from collections.abc import Iterator

import libcst as cst

from tasks.generators._indent import indent_of, reindented
from tasks.generators._source_file import Definition, Edit, SourceFile

CLOSING = {"close", "aclose", "release", "shutdown", "disconnect", "terminate", "stop", "cleanup", "flush"}


def leave_open(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """`with open(x) as f:` → `f = open(x)`; a call of `close`, `release` and the like goes."""
    for node in file.nodes(definition.node):
        if isinstance(node, cst.With) and node.asynchronous is None:
            yield from _opened_only(file, node)
    for statements in file.blocks(definition.node):
        for statement in statements:
            if _closes(statement):
                start, end = file.span(statement)
                if file.is_alone(start, end):
                    yield Edit(start, end, b"pass", "left open")


def _opened_only(file: SourceFile, node: cst.With) -> Iterator[Edit]:
    if len(node.items) != 1 or not isinstance(node.body, cst.IndentedBlock):
        return
    (item,) = node.items
    if item.asname is None or not isinstance(item.asname.name, cst.Name) or not _is_its_own_result(item.item):
        return
    start, end = file.span(node)
    if not file.is_alone(start, end):
        return
    indent = indent_of(file, node)
    opened = indent + file.text(item.asname.name) + b" = " + file.whole_text(item.item)
    newline = b"\r\n" if b"\r\n" in file.data[start:end] else b"\n"
    statements = node.body.body
    body = reindented(file, statements, indent_of(file, statements[0]), indent)
    yield Edit(*file.lines_of(start, end), opened + newline + body, "left open")


def _is_its_own_result(context: cst.BaseExpression) -> bool:
    """Entering it gives the very object, as of files, sockets and most classes; not so for a generator's context."""
    if not isinstance(context, cst.Call):
        return False
    if isinstance(context.func, cst.Attribute):
        name = context.func.attr.value
    elif isinstance(context.func, cst.Name):
        name = context.func.value
    else:
        return False
    return name[:1].isupper() or name.endswith("open") or name in ("connect", "socket", "fdopen", "scandir")


def _closes(statement: cst.CSTNode) -> bool:
    if not (isinstance(statement, cst.SimpleStatementLine) and len(statement.body) == 1):
        return False
    only = statement.body[0]
    call = only.value if isinstance(only, cst.Expr) else None
    if isinstance(call, cst.Await):
        call = call.expression
    return isinstance(call, cst.Call) and isinstance(call.func, cst.Attribute) and call.func.attr.value in CLOSING
