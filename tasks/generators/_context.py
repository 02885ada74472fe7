"""What a function's body takes from around it: fields of its object, names of its module."""

import ast
import builtins
import symtable
from dataclasses import dataclass

from tasks.generators._branches import Function, without_docstring


@dataclass(frozen=True)
class Context:
    """Names that the body uses and that its own text does not give."""

    fields: tuple[str, ...]
    module: tuple[str, ...]

    @property
    def is_needed(self) -> bool:
        return bool(self.fields or self.module)


def find_function(tree: ast.Module, name: str, line: int) -> Function | None:
    """The function of this name whose `def` is on this line."""
    for node in ast.walk(tree):
        if isinstance(node, Function) and node.name == name and node.lineno == line:
            return node
    return None


def context_of(text: str, function: Function) -> Context:
    """`text` is the whole file. Raises SyntaxError."""
    owner = _owner(ast.parse(text), function)
    first = function.args.posonlyargs + function.args.args
    receiver = first[0].arg if owner and first and not _is_static(function) else None
    body = without_docstring(function.body)
    fields = {
        node.attr
        for statement in body
        for node in ast.walk(statement)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == receiver
    }
    used = {node.id for statement in body for node in ast.walk(statement) if isinstance(node, ast.Name)}
    table = _table_of(symtable.symtable(text, "module.py", "exec"), function)
    module = {name for name in used if name in _globals_used(table)} if table else set()
    return Context(
        tuple(sorted(fields)), tuple(sorted(name for name in module - {function.name} if not hasattr(builtins, name)))
    )


def _globals_used(table: symtable.SymbolTable) -> set[str]:
    found = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global() and symbol.is_referenced()}
    for child in table.get_children():
        found |= _globals_used(child)
    return found


def _table_of(table: symtable.SymbolTable, function: Function) -> symtable.SymbolTable | None:
    lines = {function.lineno, *(each.lineno for each in function.decorator_list)}
    for child in table.get_children():
        if child.get_type() == "function" and child.get_name() == function.name and child.get_lineno() in lines:
            return child
        if (found := _table_of(child, function)) is not None:
            return found
    return None


def _owner(tree: ast.Module, function: Function) -> ast.ClassDef | None:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for child in node.body:
                if isinstance(child, Function) and (child.name, child.lineno) == (function.name, function.lineno):
                    return node
    return None


def _is_static(function: Function) -> bool:
    return any(isinstance(each, ast.Name) and each.id == "staticmethod" for each in function.decorator_list)
