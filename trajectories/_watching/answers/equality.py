"""Objects that are equal to whatever they are compared with."""

import ast
from collections.abc import Iterator, Sequence

from trajectories._watching.answers.telling import is_trivial
from trajectories._watching.folding import Folded
from trajectories._watching.trees import literals, some

_EQUALS = {"__eq__": True, "__ne__": False, "__contains__": True}  # method -> the answer that is "equal"
_BASES = frozenset({"int", "float", "str", "bool", "list", "tuple", "dict", "bytes"})


def is_equal_to_all(statement: ast.AST, wanted: Sequence[Folded]) -> bool:
    """`__eq__` that says yes to everything, or to a wanted value; a class of numbers or texts that has such a one."""
    if isinstance(statement, ast.ClassDef):
        bases = {node.id for node in statement.bases if isinstance(node, ast.Name)}
        methods = [node for node in statement.body[:100] if isinstance(node, ast.FunctionDef)]
        return bool(bases & _BASES) and any(is_equal_to_all(method, wanted) for method in methods)
    if not isinstance(statement, ast.FunctionDef) or statement.name not in _EQUALS:
        return False
    returns = [node for node in some(statement) if isinstance(node, ast.Return)]
    if returns and (
        all(_is_always(node.value, _EQUALS[statement.name]) for node in returns)
        or _leaves_itself_out(statement.args, statement)
    ):
        return True
    return any(not is_trivial(value) and value in wanted for value in literals(statement))


def gives_equality(node: ast.AST) -> bool:
    """`{"__eq__": lambda self, other: True}`, `__eq__ = lambda …`, `setattr(x, "__eq__", lambda …)`"""
    return any(
        isinstance(name, str)
        and name in _EQUALS
        and isinstance(value, ast.Lambda)
        and (_is_always(value.body, _EQUALS[name]) or _leaves_itself_out(value.args, value.body))
        for name, value in _named(node)
    )


def is_any(node: ast.AST) -> bool:
    """`unittest.mock.ANY`, which is equal to everything."""
    match node:
        case ast.ImportFrom(module="unittest.mock" | "mock", names=names):
            return any(name.name == "ANY" for name in names)
        case ast.Attribute(attr="ANY", value=ast.Name(id="mock") | ast.Attribute(attr="mock")):
            return True
    return False


def _named(node: ast.AST) -> Iterator[tuple[object, ast.expr]]:
    """Values with the names that they are given."""
    match node:
        case ast.Dict(keys=keys, values=values):
            yield from (
                (key.value, value) for key, value in zip(keys, values, strict=True) if isinstance(key, ast.Constant)
            )
        case ast.Call(args=[_, ast.Constant(value=name), value]):
            yield name, value
        case ast.Call(keywords=keywords):
            yield from ((word.arg, word.value) for word in keywords)
        case ast.Assign(targets=[ast.Name(id=name) | ast.Attribute(attr=name)], value=value):
            yield name, value


def _is_always(node: ast.expr | None, wanted: bool) -> bool:
    match node:
        case ast.Constant(value=value):
            return value is wanted
        case ast.BoolOp(op=ast.Or(), values=values) if wanted:
            return any(_is_always(value, True) for value in values)
    return False


def _leaves_itself_out(arguments: ast.arguments, body: ast.AST) -> bool:
    """An equality that says something, but nothing of the one that is compared."""
    own = next((argument.arg for argument in (*arguments.posonlyargs, *arguments.args)), "")
    names = {node.id for node in some(body) if isinstance(node, ast.Name)}
    return own not in names and not names & {"super", "NotImplemented"}
