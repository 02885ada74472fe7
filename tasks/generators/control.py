"""Edits of statements: branches, loops, assignments, handlers, returns, order."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import libcst as cst

from tasks.generators._indent import indent_of, reindented
from tasks.generators._source_file import Definition, Edit, SourceFile
from tasks.generators._walk import is_docstring, is_logging


def _removed(file: SourceFile, node: cst.CSTNode, siblings: Sequence[cst.CSTNode], kind: str) -> Iterator[Edit]:
    """The statement's lines go; where it was alone in its block, `pass` stays."""
    start, end = file.span(node)
    if not file.is_alone(start, end):
        return
    others = [sibling for sibling in siblings if sibling is not node and not is_docstring(sibling)]
    if others:
        yield Edit(*file.lines_of(start, end), b"", kind)
    else:
        yield Edit(start, end, b"pass", kind)


def _only(node: cst.CSTNode) -> cst.CSTNode | None:
    """The one small statement of a line; None for a compound statement or a line with several."""
    if isinstance(node, cst.SimpleStatementLine) and len(node.body) == 1:
        return node.body[0]
    return None


def _block_span(file: SourceFile, body: cst.BaseSuite) -> tuple[int, int] | None:
    """Whole lines of an indented block's statements."""
    if not isinstance(body, cst.IndentedBlock) or not body.body:
        return None
    start, end = file.span(body.body[0])[0], file.span(body.body[-1])[1]
    return file.lines_of(start, end) if file.is_alone(start, end) else None


def invert_if_else(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """The bodies of `if` and `else` change places."""
    for node in file.nodes(definition.node):
        if not (isinstance(node, cst.If) and isinstance(node.orelse, cst.Else)):
            continue
        body, other = _block_span(file, node.body), _block_span(file, node.orelse.body)
        if body and other:
            data = file.data
            swapped = data[slice(*other)] + data[body[1] : other[0]] + data[slice(*body)]
            if not data[slice(*other)].endswith(b"\n"):  # the file ends without a newline
                continue
            yield Edit(body[0], other[1], swapped, "branches swapped")


def shuffle_lines(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """Two neighbouring simple statements change places."""
    for statements in file.blocks(definition.node):
        for one, two in pairwise(statements):
            first, second = _only(one), _only(two)
            if first is None or second is None or is_docstring(one) or is_logging(one) or is_logging(two):
                continue
            if isinstance(first, cst.Return | cst.Raise) or isinstance(second, cst.Pass):
                continue
            (one_start, one_end), (two_start, two_end) = file.span(one), file.span(two)
            if not (file.is_alone(one_start, one_end) and file.is_alone(two_start, two_end)):
                continue
            if file.text(one) == file.text(two):
                continue
            between = file.data[one_end:two_start]
            yield Edit(one_start, two_end, file.text(two) + between + file.text(one), "neighbours swapped")


def remove_loop(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """A whole `for` or `while`."""
    for statements in file.blocks(definition.node):
        for node in statements:
            if isinstance(node, cst.For | cst.While):
                yield from _removed(file, node, statements, "loop removed")


def remove_conditional(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """A whole `if` with its branches, or only its `else`."""
    for statements in file.blocks(definition.node):
        for statement in statements:
            if isinstance(statement, cst.If):
                yield from _removed(file, statement, statements, "conditional removed")
    for node in file.nodes(definition.node):
        if isinstance(node, cst.If) and isinstance(node.orelse, cst.Else):
            start, end = file.span(node.orelse)
            if file.is_alone(start, end):
                yield Edit(*file.lines_of(start, end), b"", "else removed")


def remove_assignment(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """An assignment; of attributes and items too."""
    for statements in file.blocks(definition.node):
        for node in statements:
            if isinstance(_only(node), cst.Assign | cst.AugAssign | cst.AnnAssign):
                yield from _removed(file, node, statements, "assignment removed")


def remove_call(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """A statement that is nothing but a call: its effect is missing."""
    for statements in file.blocks(definition.node):
        for node in statements:
            only = _only(node)
            if isinstance(only, cst.Expr) and isinstance(only.value, cst.Call) and not is_logging(node):
                yield from _removed(file, node, statements, "call removed")


def remove_wrapper(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """`try:` or `with …:` goes, its body stays."""
    for node in file.nodes(definition.node):
        if not isinstance(node, cst.Try | cst.With):
            continue
        span = _block_span(file, node.body)
        start, end = file.span(node)
        if span is None or not isinstance(node.body, cst.IndentedBlock) or not file.is_alone(start, end):
            continue
        first, after = file.lines_of(start, end)
        statements = node.body.body
        dedented = reindented(file, statements, indent_of(file, statements[0]), file.data[first:start])
        yield Edit(first, after, dedented, f"{'try' if isinstance(node, cst.Try) else 'with'} removed")


def widen_handler(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """`except KeyError:` catches everything; or the handler's body does nothing."""
    for node in file.nodes(definition.node):
        if not isinstance(node, cst.ExceptHandler):
            continue
        if node.type is not None and file.text(node.type) not in (b"Exception", b"BaseException"):
            yield file.replace(node.type, b"Exception", "handler widened")
        span = _block_span(file, node.body)
        if span and isinstance(node.body, cst.IndentedBlock):
            start, end = file.span(node.body.body[0])[0], file.span(node.body.body[-1])[1]
            if file.data[start:end] != b"pass":
                yield Edit(start, end, b"pass", "handler emptied")


def change_default(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """A default argument has another value."""
    others = {"True": b"False", "False": b"True", "None": b"False"}
    parameters = (
        node for node in file.nodes(definition.node) if isinstance(node, cst.Param) and node.default is not None
    )
    for parameter in parameters:
        default = parameter.default
        if isinstance(default, cst.Name) and default.value in others:
            yield file.replace(default, others[default.value], f"default {default.value} changed")
        elif isinstance(default, cst.Integer) and default.value.isdigit():
            yield file.replace(default, str(int(default.value) + 1).encode(), f"default {default.value} changed")
        elif isinstance(default, cst.SimpleString) and default.evaluated_value and not default.prefix:
            yield file.replace(default, default.quote.encode() * 2, "default text emptied")
        elif isinstance(default, cst.Tuple) and len(default.elements) > 1:
            left = b", ".join(file.text(element.value) for element in default.elements[:-1])
            yield Edit(*file.whole_span(default), b"(" + left + b",)", "last of a default tuple dropped")


def swap_returns(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """The values of two neighbouring `return`s change places."""
    returns = [node for node in file.nodes(definition.node) if isinstance(node, cst.Return) and node.value is not None]
    for one, two in pairwise(returns):
        assert one.value is not None and two.value is not None
        if file.whole_text(one.value) == file.whole_text(two.value):
            continue
        (start, one_end), (two_start, end) = file.whole_span(one.value), file.whole_span(two.value)
        if not (file.data[start - 1 : start].isspace() and file.data[two_start - 1 : two_start].isspace()):
            continue  # `return(a)`: without its parentheses the value would grow together with the keyword
        between = file.data[one_end:two_start]
        yield Edit(
            start, end, file.whole_text(two.value) + between + file.whole_text(one.value), "return values swapped"
        )


def swap_arguments(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """Two neighbouring positional arguments of a call change places."""
    for node in file.nodes(definition.node):
        if not isinstance(node, cst.Call):
            continue
        for one, two in pairwise(node.args):
            if (
                one.keyword
                or two.keyword
                or one.star
                or two.star
                or file.whole_text(one.value) == file.whole_text(two.value)
            ):
                continue
            (start, one_end), (two_start, end) = file.whole_span(one.value), file.whole_span(two.value)
            between = file.data[one_end:two_start]
            yield Edit(
                start, end, file.whole_text(two.value) + between + file.whole_text(one.value), "arguments swapped"
            )
