"""Awaiting forgotten."""

from collections.abc import Iterator

import libcst as cst

from tasks.generators._source_file import Definition, Edit, SourceFile


def drop_await(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """`await f(x)` → `f(x)`: a coroutine where its result should be, or work that never happens."""
    for node in file.nodes(definition.node):
        if isinstance(node, cst.Await):
            start, end = file.span(node)
            yield Edit(start, end, file.whole_text(node.expression), "await dropped")
