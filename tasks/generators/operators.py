"""Edits of expressions: operators, operands, constants, slices, negation."""

from collections.abc import Iterator

import libcst as cst

from tasks.generators._source_file import Definition, Edit, SourceFile

Exchange = dict[type[cst.CSTNode], type[cst.CSTNode]]

# Each family: an operator becomes another of the same family, so that the code still reads naturally.
ARITHMETIC: tuple[tuple[type[cst.CSTNode], type[cst.CSTNode]], ...] = (
    (cst.Add, cst.Subtract),
    (cst.Multiply, cst.Divide),
    (cst.FloorDivide, cst.Modulo),
    (cst.BitAnd, cst.BitOr),
    (cst.LeftShift, cst.RightShift),
)
TEXT: dict[type[cst.CSTNode], bytes] = {
    cst.Add: b"+",
    cst.Subtract: b"-",
    cst.Multiply: b"*",
    cst.Divide: b"/",
    cst.FloorDivide: b"//",
    cst.Modulo: b"%",
    cst.BitAnd: b"&",
    cst.BitOr: b"|",
    cst.LeftShift: b"<<",
    cst.RightShift: b">>",
    cst.BitXor: b"^",
    cst.Power: b"**",
    cst.AddAssign: b"+=",
    cst.SubtractAssign: b"-=",
    cst.BitAndAssign: b"&=",
    cst.BitOrAssign: b"|=",
    cst.MultiplyAssign: b"*=",
    cst.DivideAssign: b"/=",
    cst.FloorDivideAssign: b"//=",
    cst.ModuloAssign: b"%=",
    cst.Equal: b"==",
    cst.NotEqual: b"!=",
    cst.LessThan: b"<",
    cst.LessThanEqual: b"<=",
    cst.GreaterThan: b">",
    cst.GreaterThanEqual: b">=",
    cst.Is: b"is",
    cst.IsNot: b"is not",
    cst.In: b"in",
    cst.NotIn: b"not in",
    cst.And: b"and",
    cst.Or: b"or",
}
OTHER: Exchange = {one: two for pair in ARITHMETIC for one, two in (pair, pair[::-1])}
OTHER |= {cst.AddAssign: cst.SubtractAssign, cst.SubtractAssign: cst.AddAssign}
OTHER |= {cst.BitAndAssign: cst.BitOrAssign, cst.BitOrAssign: cst.BitAndAssign}
OTHER |= {cst.MultiplyAssign: cst.DivideAssign, cst.DivideAssign: cst.MultiplyAssign}
OTHER |= {cst.FloorDivideAssign: cst.ModuloAssign, cst.ModuloAssign: cst.FloorDivideAssign}
OTHER |= {cst.BitXor: cst.BitOr, cst.Power: cst.Multiply}
OPPOSITE: Exchange = {
    cst.Equal: cst.NotEqual,
    cst.NotEqual: cst.Equal,
    cst.LessThan: cst.GreaterThanEqual,
    cst.GreaterThanEqual: cst.LessThan,
    cst.GreaterThan: cst.LessThanEqual,
    cst.LessThanEqual: cst.GreaterThan,
    cst.Is: cst.IsNot,
    cst.IsNot: cst.Is,
    cst.In: cst.NotIn,
    cst.NotIn: cst.In,
}
BOUNDARY: Exchange = {
    cst.LessThan: cst.LessThanEqual,
    cst.LessThanEqual: cst.LessThan,
    cst.GreaterThan: cst.GreaterThanEqual,
    cst.GreaterThanEqual: cst.GreaterThan,
}
COMMUTES = (cst.Equal, cst.NotEqual, cst.Is, cst.IsNot, cst.Multiply, cst.BitAnd, cst.BitOr, cst.BitXor)


def _exchanged(file: SourceFile, node: cst.CSTNode, table: Exchange) -> Iterator[Edit]:
    """The operator node becomes what the table says."""
    if other := table.get(type(node)):
        before, after = TEXT[type(node)], TEXT[other]
        yield file.replace(node, after, f"{before.decode()} → {after.decode()}")


def change_operator(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """`a + b` → `a - b`, also in augmented assignments."""
    for node in file.nodes(definition.node):
        if isinstance(node, cst.BinaryOperation | cst.AugAssign):
            yield from _exchanged(file, node.operator, OTHER)


def flip_comparison(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """`a == b` → `a != b`: the opposite."""
    for node in file.nodes(definition.node):
        if isinstance(node, cst.ComparisonTarget):
            yield from _exchanged(file, node.operator, OPPOSITE)


def move_boundary(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """`a < b` → `a <= b`: wrong at the boundary only."""
    for node in file.nodes(definition.node):
        if isinstance(node, cst.ComparisonTarget):
            yield from _exchanged(file, node.operator, BOUNDARY)


def flip_boolean(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """`a and b` → `a or b`."""
    for node in file.nodes(definition.node):
        if isinstance(node, cst.BooleanOperation):
            yield from _exchanged(file, node.operator, {cst.And: cst.Or, cst.Or: cst.And})


def negate_condition(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """`if a:` → `if not a:` and back. Comparisons are left to flip_comparison."""
    for node in file.nodes(definition.node):
        if not isinstance(node, cst.If | cst.While | cst.IfExp):
            continue
        test = node.test
        if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
            yield file.replace(test, file.whole_text(test.expression), "not removed")
        elif isinstance(test, cst.Name | cst.Attribute | cst.Call | cst.Subscript):
            yield file.replace(test, b"not " + file.text(test), "not added")


def swap_operands(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """`a - b` → `b - a`, `a in b` → `b in a`; only where the order matters."""
    left: cst.BaseExpression
    right: cst.BaseExpression
    operator: cst.CSTNode
    for node in file.nodes(definition.node):
        if isinstance(node, cst.BinaryOperation) and not isinstance(node.operator, COMMUTES):
            left, right, operator = node.left, node.right, node.operator
        elif isinstance(node, cst.Comparison) and len(node.comparisons) == 1:
            left, right, operator = node.left, node.comparisons[0].comparator, node.comparisons[0].operator
        else:
            continue
        if isinstance(operator, COMMUTES) or file.whole_text(left) == file.whole_text(right):
            continue
        if isinstance(left, cst.BaseNumber | cst.SimpleString) and isinstance(operator, cst.In | cst.NotIn):
            continue  # `list in "text"` only raises: too plain
        start, end = file.span(node)
        (left_start, left_end), (right_start, right_end) = file.whole_span(left), file.whole_span(right)
        middle = file.data[left_end:right_start]
        tail = file.data[right_end:end]
        swapped = file.data[start:left_start] + file.whole_text(right) + middle + file.whole_text(left) + tail
        yield Edit(start, end, swapped, "operands swapped")


def break_chain(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """`a + b + c` → `a + b`: one link of a chain of operations is dropped."""
    for node in file.nodes(definition.node):
        if isinstance(node, cst.BinaryOperation) and isinstance(node.left, cst.BinaryOperation):
            yield file.replace(node, file.whole_text(node.left), "last link dropped")
    yield from drop_condition(file, definition)


def drop_condition(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """`a and b` → `a`, and `b`: one side alone."""
    for node in file.nodes(definition.node):
        if isinstance(node, cst.BooleanOperation):
            yield file.replace(node, file.whole_text(node.left), "right condition dropped")
            yield file.replace(node, file.whole_text(node.right), "left condition dropped")


def change_constant(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """A whole number by one, a fraction too; True to False; None is left alone."""
    for node in file.nodes(definition.node):
        if isinstance(node, cst.Integer) and node.value.isdigit():
            yield file.replace(node, str(int(node.value) + 1).encode(), f"{node.value} + 1")
            if int(node.value) > 0:
                yield file.replace(node, str(int(node.value) - 1).encode(), f"{node.value} - 1")
        elif isinstance(node, cst.Float) and "e" not in node.value.lower():
            whole, _, rest = node.value.partition(".")
            after = f"{int(whole.replace('_', '') or 0) + 1}.{rest}"
            yield file.replace(node, after.encode(), f"{node.value} + 1")
        elif isinstance(node, cst.Name) and node.value in ("True", "False"):
            other = "False" if node.value == "True" else "True"
            yield file.replace(node, other.encode(), f"{node.value} → {other}")


def off_by_one(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """A bound of a slice or of `range` by one; `range` or `enumerate` from 1 in place of 0, and back."""
    for node in file.nodes(definition.node):
        bounds: list[cst.BaseExpression | None] = []
        if isinstance(node, cst.Slice):
            bounds = [node.lower, node.upper]
        elif isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value == "range":
            bounds = [argument.value for argument in node.args[:2]]
            if len(node.args) == 1 and not node.args[0].star:
                yield file.replace(node.args[0], b"1, " + file.text(node.args[0]), "range starts at 1")
        elif isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value == "enumerate":
            yield from _other_start(file, node)
        for bound in bounds:
            if isinstance(bound, cst.Name | cst.Attribute | cst.Call):
                text = file.text(bound)
                yield file.replace(bound, text + b" + 1", "bound + 1")
                yield file.replace(bound, text + b" - 1", "bound - 1")
            elif (
                isinstance(bound, cst.BinaryOperation)
                and isinstance(bound.operator, cst.Add | cst.Subtract)
                and file.text(bound.right) == b"1"
            ):
                yield file.replace(bound, file.text(bound.left), "bound without its one")


def _other_start(file: SourceFile, call: cst.Call) -> Iterator[Edit]:
    """`enumerate(a)` → `enumerate(a, 1)`; `enumerate(a, 1)` → `enumerate(a)`."""
    if len(call.args) == 1 and not call.args[0].star:
        end = file.whole_span(call.args[0].value)[1]
        yield Edit(end, end, b", 1", "numbered from 1")
    elif len(call.args) == 2 and file.text(call.args[1].value) == b"1":
        start, end = file.whole_span(call.args[0].value)[1], file.whole_span(call.args[1].value)[1]
        yield Edit(start, end, b"", "numbered from 0")
