"""Edits of classes: bases, methods."""

from collections.abc import Iterator
from itertools import pairwise

import libcst as cst

from tasks.generators._source_file import Definition, Edit, SourceFile

PLAIN_DECORATORS = {b"property", b"staticmethod", b"classmethod", b"abstractmethod", b"override", b"cached_property"}


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
            start, end = _with_decorators(file, method)
            if file.is_alone(start, end):
                yield Edit(*file.lines_of(start, end), b"", f"method {method.name.value} removed")


def shuffle_methods(file: SourceFile, definition: Definition) -> Iterator[Edit]:
    """Two neighbours of a class body change places: wrong where order counts.

    Only where their order can be seen: of plain statements in a class that is decorated or has a base of elsewhere
    (fields, members of an enumeration), of methods where both are decorated, of both where one name is bound twice.
    """
    node = definition.node
    if not isinstance(node, cst.ClassDef) or not isinstance(node.body, cst.IndentedBlock):
        return
    is_watched = bool(node.decorators or node.keywords)
    for one, two in pairwise(node.body.body):
        if isinstance(one, cst.SimpleStatementLine) and isinstance(two, cst.SimpleStatementLine):
            if not (is_watched or _is_ordered(file, node) or _bind_one_name(one, two)):
                continue
            (start, one_end), (two_start, end), kind = file.span(one), file.span(two), "class statements swapped"
        elif isinstance(one, cst.FunctionDef) and isinstance(two, cst.FunctionDef):
            if not (is_watched or _depends_on_order(file, one, two)):
                continue
            (start, one_end), (two_start, end), kind = (
                _with_decorators(file, one),
                _with_decorators(file, two),
                "methods swapped",
            )
        else:
            continue
        first, second = file.data[start:one_end], file.data[two_start:end]
        if first != second and file.is_alone(start, one_end) and file.is_alone(two_start, end):
            yield Edit(start, end, second + file.data[one_end:two_start] + first, kind)


def _is_ordered(file: SourceFile, node: cst.ClassDef) -> bool:
    """Its fields or members have an order: an enumeration, a tuple, a model; or a base that nobody here knows."""
    bases = {file.text(base.value).decode().rpartition(".")[2] for base in node.bases}
    own = {definition.name for definition in file.definitions}
    return any(base not in own and base != "object" and not base.endswith(("Error", "Exception")) for base in bases)


def _bind_one_name(one: cst.SimpleStatementLine, two: cst.SimpleStatementLine) -> bool:
    """Both bind one name: the later one counts."""
    return bool(_bound(one) & _bound(two))


def _bound(statement: cst.SimpleStatementLine) -> set[str]:
    targets = (target.target for small in statement.body if isinstance(small, cst.Assign) for target in small.targets)
    return {target.value for target in targets if isinstance(target, cst.Name)}


def _depends_on_order(file: SourceFile, one: cst.FunctionDef, two: cst.FunctionDef) -> bool:
    """Both have one name, or a decorator that may keep a list of what it was given."""
    if one.name.value == two.name.value:
        return True
    return all(
        any(file.text(each.decorator) not in PLAIN_DECORATORS for each in method.decorators) for method in (one, two)
    )


def _with_decorators(file: SourceFile, method: cst.FunctionDef) -> tuple[int, int]:
    first = method.decorators[0] if method.decorators else method
    return file.span(first)[0], file.span(method)[1]
