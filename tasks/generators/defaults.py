"""Mutable state that is shared by accident: default arguments and class attributes."""

from collections.abc import Iterator

import libcst as cst

from tasks.generators._indent import indent_of
from tasks.generators._source_file import Definition, Edit, SourceFile
from tasks.generators._walk import is_docstring

MAKERS = {"list", "dict", "set", "deque", "defaultdict", "OrderedDict", "Counter", "bytearray"}


def share_default(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """A new container for each call becomes one for all: as a default argument, or as a class attribute.

    `def f(a=None)` with `if a is None: a = []` → `def f(a=[])`; `seen = set()` in the body → an argument
    `seen=set()`; `self.items = []` in `__init__` → `items = []` in the class.
    """
    node = definition.node
    if not isinstance(node, cst.FunctionDef) or not isinstance(node.body, cst.IndentedBlock):
        return
    parameters = {param.name.value: param for param in (*node.params.params, *node.params.kwonly_params)}
    for statement in node.body.body:
        if (guarded := _guarded(statement)) is not None:
            name, container = guarded
            parameter = parameters.get(name)
            default = parameter.default if parameter is not None else None
            if default is not None and isinstance(default, cst.Name) and default.value == "None":
                yield from _default_made(file, default, container, statement, node.body)
        elif (assigned := _fresh_container(statement)) is not None:
            target, container = assigned
            if isinstance(target, cst.Name) and target.value not in parameters:
                yield from _local_to_parameter(file, node, target, container, statement)
            elif isinstance(target, cst.Attribute) and definition.name.endswith(".__init__"):
                yield from _attribute_to_class(file, node, target, container, statement)


def _guarded(statement: cst.CSTNode) -> tuple[str, cst.BaseExpression] | None:
    """Name and container of `if a is None: a = []`, `a = a or []`, `a = [] if a is None else a` and its reverse."""
    if isinstance(statement, cst.If):
        if statement.orelse is not None or not isinstance(statement.body, cst.IndentedBlock):
            return None
        if len(statement.body.body) != 1 or (assigned := _fresh_container(statement.body.body[0])) is None:
            return None
        target, container = assigned
        is_guard = isinstance(target, cst.Name) and _is_none(statement.test, target.value, cst.Is)
        return (target.value, container) if is_guard and isinstance(target, cst.Name) else None
    target_name, value = _assignment(statement)
    if not isinstance(target_name, cst.Name):
        return None
    name = target_name.value
    if isinstance(value, cst.BooleanOperation) and isinstance(value.operator, cst.Or):
        return (name, value.right) if _is_name(value.left, name) and _is_container(value.right) else None
    if isinstance(value, cst.IfExp):
        if _is_none(value.test, name, cst.Is) and _is_name(value.orelse, name) and _is_container(value.body):
            return name, value.body
        if _is_none(value.test, name, cst.IsNot) and _is_name(value.body, name) and _is_container(value.orelse):
            return name, value.orelse
    return None


def _default_made(
    file: SourceFile, default: cst.Name, container: cst.BaseExpression, statement: cst.CSTNode, body: cst.IndentedBlock
) -> Iterator[Edit]:
    """The container moves into the signature, and the statement that made a new one goes."""
    start, end = file.span(statement)
    if not file.is_alone(start, end):
        return
    default_start, default_end = file.span(default)
    first, after, rest = *file.lines_of(start, end), b""
    if all(each is statement or is_docstring(each) for each in body.body):
        first, after, rest = start, end, b"pass"
    text = file.whole_text(container) + file.data[default_end:first] + rest
    yield Edit(default_start, after, text, "mutable default")


def _local_to_parameter(
    file: SourceFile, node: cst.FunctionDef, target: cst.Name, container: cst.BaseExpression, statement: cst.CSTNode
) -> Iterator[Edit]:
    params = node.params
    if params.kwonly_params or params.star_kwarg or params.posonly_params or not params.params:
        return
    if isinstance(params.star_arg, cst.Param | cst.ParamStar) or not isinstance(node.body, cst.IndentedBlock):
        return
    start, end = file.span(statement)
    if not file.is_alone(start, end) or len(node.body.body) < 2:
        return
    last = params.params[-1]
    at_end = last.default or (last.annotation.annotation if last.annotation else last.name)
    insert = file.whole_span(at_end)[1]
    first, after = file.lines_of(start, end)
    added = b", " + file.text(target) + b"=" + file.whole_text(container)
    yield Edit(insert, after, added + file.data[insert:first], "local became a mutable default")


def _attribute_to_class(
    file: SourceFile,
    node: cst.FunctionDef,
    target: cst.Attribute,
    container: cst.BaseExpression,
    statement: cst.CSTNode,
) -> Iterator[Edit]:
    if node.decorators or not (isinstance(target.value, cst.Name) and target.value.value == "self"):
        return
    start, end = file.span(statement)
    def_start = file.span(node)[0]
    if not file.is_alone(start, end) or file.data[file.lines_of(def_start, def_start)[0] : def_start].strip():
        return
    line_start = file.lines_of(def_start, def_start)[0]
    newline = b"\r\n" if b"\r\n" in file.data else b"\n"
    shared = indent_of(file, node) + file.text(target.attr) + b" = " + file.whole_text(container) + newline + newline
    first, after, rest = *file.lines_of(start, end), b""
    if isinstance(node.body, cst.IndentedBlock) and all(
        each is statement or is_docstring(each) for each in node.body.body
    ):
        first, after, rest = start, end, b"pass"
    yield Edit(line_start, after, shared + file.data[line_start:first] + rest, "attribute shared by all instances")


def _fresh_container(statement: cst.CSTNode) -> tuple[cst.CSTNode, cst.BaseExpression] | None:
    target, value = _assignment(statement)
    return (target, value) if target is not None and value is not None and _is_container(value) else None


def _assignment(statement: cst.CSTNode) -> tuple[cst.CSTNode | None, cst.BaseExpression | None]:
    """Target and value of a line that is one assignment to one target."""
    if isinstance(statement, cst.SimpleStatementLine) and len(statement.body) == 1:
        only = statement.body[0]
        if isinstance(only, cst.Assign) and len(only.targets) == 1:
            return only.targets[0].target, only.value
    return None, None


def _is_container(value: cst.BaseExpression) -> bool:
    """Empty and mutable; of a call, without arguments that might not be there when the function is defined."""
    if isinstance(value, cst.List | cst.Dict):
        return not value.elements
    if not isinstance(value, cst.Call) or not isinstance(value.func, cst.Name) or value.func.value not in MAKERS:
        return False
    return all(isinstance(each.value, cst.Name) and each.value.value in MAKERS | {"int", "str"} for each in value.args)


def _is_none(test: cst.BaseExpression, name: str, operator: type[cst.Is] | type[cst.IsNot]) -> bool:
    return (
        isinstance(test, cst.Comparison)
        and _is_name(test.left, name)
        and len(test.comparisons) == 1
        and isinstance(test.comparisons[0].operator, operator)
        and _is_name(test.comparisons[0].comparator, "None")
    )


def _is_name(node: cst.CSTNode, name: str) -> bool:
    return isinstance(node, cst.Name) and node.value == name
