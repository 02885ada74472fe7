"""Comparisons that are chained wrongly."""

from collections.abc import Iterator

import libcst as cst

from tasks.generators._source_file import Definition, Edit, SourceFile


def break_comparison(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """`a < b < c` → `a < b or b < c`, `(a < b) < c`, one half; `a == b or a == c` → `a == b or c`."""
    alone: set[cst.CSTNode] = set()
    for node in file.nodes(definition.node):
        if isinstance(node, cst.If | cst.While):
            alone.add(node.test)
        elif isinstance(node, cst.Return | cst.Assign) and node.value is not None:
            alone.add(node.value)
        if isinstance(node, cst.Comparison) and len(node.comparisons) == 2:
            yield from _of_chain(file, node, needs_parentheses=node not in alone and not node.lpar)
        elif isinstance(node, cst.BooleanOperation) and isinstance(node.operator, cst.Or):
            yield from _of_alternatives(file, node)


def _of_chain(file: SourceFile, node: cst.Comparison, *, needs_parentheses: bool) -> Iterator[Edit]:
    first, second = node.comparisons
    start, end = file.span(node)
    middle_start, middle_end = file.whole_span(first.comparator)
    left, middle, right = file.data[start:middle_end], file.data[middle_start:middle_end], file.data[middle_end:end]
    # the tail begins with the white space before its operator
    either = left + b" or " + middle + right
    yield Edit(start, end, b"(" + either + b")" if needs_parentheses else either, "chain became either")
    yield Edit(start, end, left, "second comparison dropped")
    last = file.data[middle_start:end]
    yield Edit(start, end, last, "first comparison dropped")
    if not isinstance(second.operator, cst.In | cst.NotIn | cst.Is | cst.IsNot):
        yield Edit(start, end, b"(" + left + b")" + right, "compared with the result of the first comparison")


def _of_alternatives(file: SourceFile, node: cst.BooleanOperation) -> Iterator[Edit]:
    one, two = node.left, node.right
    while isinstance(one, cst.BooleanOperation) and isinstance(one.operator, cst.Or):
        one = one.right  # `a == 1 or a == 2 or a == 3`: the neighbour on the left
    if not (isinstance(one, cst.Comparison) and isinstance(two, cst.Comparison)):
        return
    if len(one.comparisons) != 1 or len(two.comparisons) != 1:
        return
    operators = one.comparisons[0].operator, two.comparisons[0].operator
    if all(isinstance(operator, cst.Equal) for operator in operators) and (
        file.whole_text(one.left) == file.whole_text(two.left)
    ):
        start, end = file.whole_span(two)
        yield Edit(start, end, file.whole_text(two.comparisons[0].comparator), "second alternative not compared")
