"""The symbols of a repository's own code that a refactor may be about."""

from collections.abc import Iterator

import libcst as cst

from tasks.generators.refactor._project import File, Project, below
from tasks.generators.refactor._references import Symbol


def symbols(project: Project) -> Iterator[Symbol]:
    """Functions, classes and constants at the top level of modules, and methods; not those below an `if` or `try`."""
    for file in project.targets.values():
        for statement in file.tree.body:
            if isinstance(statement, cst.FunctionDef | cst.ClassDef):
                yield Symbol(file, statement.name.value, statement)
            if isinstance(statement, cst.ClassDef):
                yield from _methods(file, statement)
            if isinstance(statement, cst.SimpleStatementLine) and (constant := _constant(statement)) is not None:
                yield Symbol(file, constant.value, constant)


def _methods(file: File, node: cst.ClassDef) -> Iterator[Symbol]:
    for statement in node.body.body:
        if isinstance(statement, cst.FunctionDef):
            yield Symbol(file, statement.name.value, statement, node)


def _constant(statement: cst.SimpleStatementLine) -> cst.Name | None:
    """The one name of `NAME = value`, in capitals."""
    if len(statement.body) != 1 or not isinstance(statement.body[0], cst.Assign | cst.AnnAssign):
        return None
    node = statement.body[0]
    target = node.targets[0].target if isinstance(node, cst.Assign) else node.target
    if isinstance(node, cst.Assign) and len(node.targets) > 1:
        return None
    return target if isinstance(target, cst.Name) and target.value.isupper() else None


def function_symbols(project: Project) -> Iterator[Symbol]:
    return (each for each in symbols(project) if isinstance(each.node, cst.FunctionDef))


def is_decorated(symbol: Symbol) -> bool:
    return isinstance(symbol.node, cst.FunctionDef | cst.ClassDef) and bool(symbol.node.decorators)


def is_generator(node: cst.FunctionDef) -> bool:
    return any(isinstance(each, cst.Yield) for each in below(node.body))
