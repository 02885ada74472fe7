"""Edits of classes: bases, methods."""

from collections.abc import Iterator
from itertools import pairwise

import libcst as cst

from tasks.generators._source_file import Definition, Edit, SourceFile


def remove_bases(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """One base class goes."""
    node = definition.node
    if not isinstance(node, cst.ClassDef):
        return
    for index, base in enumerate(node.bases):
        left = [file.text(other.value) for at, other in enumerate(node.bases) if at != index]
        left += [file.text(keyword) for keyword in node.keywords]
        all_of_them = [*node.bases, *node.keywords]
        start, end = file.span(all_of_them[0])[0], file.span(all_of_them[-1])[1]
        if left or file.data[start - 1 : start] == b"(":
            yield Edit(start, end, b", ".join(left), f"base {file.text(base.value).decode()} removed")


def remove_method(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """One method goes, with its decorators; `__init__` and the only statement of a class stay."""
    node = definition.node
    if not isinstance(node, cst.ClassDef) or not isinstance(node.body, cst.IndentedBlock) or len(node.body.body) < 2:
        return
    for method in node.body.body:
        if isinstance(method, cst.FunctionDef) and method.name.value != "__init__":
            first = method.decorators[0] if method.decorators else method
            start, end = file.span(first)[0], file.span(method)[1]
            if file.is_alone(start, end):
                yield Edit(*file.lines_of(start, end), b"", f"method {method.name.value} removed")


def shuffle_methods(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """Two neighbouring statements of a class body change places: wrong where one is made from the other."""
    node = definition.node
    if not isinstance(node, cst.ClassDef) or not isinstance(node.body, cst.IndentedBlock):
        return
    for one, two in pairwise(node.body.body):
        if not isinstance(one, cst.SimpleStatementLine) or not isinstance(two, cst.SimpleStatementLine):
            continue
        (start, one_end), (two_start, end) = file.span(one), file.span(two)
        if file.is_alone(start, one_end) and file.is_alone(two_start, end):
            between = file.data[one_end:two_start]
            yield Edit(start, end, file.text(two) + between + file.text(one), "class statements swapped")
