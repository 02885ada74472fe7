"""Imports of a file: taking one name out of a statement, putting one in, and what is then not used any more."""

from collections.abc import Iterable, Sequence

import libcst as cst
from libcst.helpers import get_full_name_for_node

from tasks.generators.refactor._plan import NotSure, Splice
from tasks.generators.refactor._project import File, bound_name

Statement = cst.Import | cst.ImportFrom


def imports_of(file: File) -> list[tuple[cst.SimpleStatementLine, Statement, Sequence[cst.ImportAlias]]]:
    """Import statements at the top level, each alone on its line, without `*`."""
    found = []
    for line in file.tree.body:
        if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1:
            node = line.body[0]
            if isinstance(node, Statement) and not isinstance(node.names, cst.ImportStar):
                found.append((line, node, node.names))
    return found


def without(file: File, names: Iterable[str]) -> list[Splice]:
    """Edits that take these bound names out of the top-level imports. Raises NotSure where comments are in the way."""
    wanted = set(names)
    splices = []
    for line, node, aliases in imports_of(file):
        gone = [each for each in aliases if bound_name(each) in wanted]
        if not gone:
            continue
        start, end = file.span(node)
        if len(gone) == len(aliases):
            splices.append(Splice(file.path, *_whole_lines(file, line), b""))
            continue
        if b"#" in file.data[start:end] or b"\\" in file.data[start:end]:
            raise NotSure("comments in an import", file.path)
        splices += [_alias_out(file, node, aliases, each) for each in _last_first(aliases, gone)]
    return splices


def _last_first(aliases: Sequence[cst.ImportAlias], gone: list[cst.ImportAlias]) -> list[cst.ImportAlias]:
    if len(gone) > 1 and gone[-1] is aliases[-1]:
        raise NotSure("several names at the end of an import go")
    return gone


def _alias_out(file: File, node: Statement, aliases: Sequence[cst.ImportAlias], alias: cst.ImportAlias) -> Splice:
    """With the comma and white space that follows it, or of the last one, with those before it."""
    at = list(aliases).index(alias)
    if at + 1 < len(aliases):
        return Splice(file.path, file.span(alias)[0], file.span(aliases[at + 1])[0], b"")
    before = file.span(aliases[at - 1].asname or aliases[at - 1].name)[1]
    return Splice(file.path, before, file.span(alias.asname or alias.name)[1], b"")


def _whole_lines(file: File, node: cst.CSTNode) -> tuple[int, int]:
    start, end = file.span(node)
    first = file.data.rfind(b"\n", 0, start) + 1
    after = file.data.find(b"\n", end)
    return first, len(file.data) if after < 0 else after + 1


def place_for_import(file: File) -> int:
    """Offset of the line after the last import of the top level, or after docstring and comments at the top."""
    lines = [line for line, _, _ in imports_of(file)]
    if lines:
        return _whole_lines(file, lines[-1])[1]
    body = file.tree.body
    if body and isinstance(body[0], cst.SimpleStatementLine) and file.tree.get_docstring() is not None:
        return _whole_lines(file, body[0])[1]
    raise NotSure("no place for an import", file.path)


def import_text(file: File, module: str, name: str, like: cst.ImportFrom | None = None) -> str:
    """`from MODULE import NAME`, relative where `like`, an import of that file, is."""
    if like is not None and like.relative:
        package = file.module.split(".") if file.is_package else file.module.split(".")[:-1]
        parts = module.split(".")
        shared = 0
        while shared < min(len(package), len(parts)) and package[shared] == parts[shared]:
            shared += 1
        if shared:
            dots = "." * (len(package) - shared + 1)
            return f"from {dots}{'.'.join(parts[shared:])} import {name}"
    return f"from {module} import {name}"


def is_read_elsewhere(file: File, name: str, start: int, end: int) -> bool:
    """The name is written outside this span and outside imports: as a name, or in `__all__`."""
    for node in file.names.get(name, ()):
        at = file.span(node)[0]
        if start <= at < end:
            continue
        above = file.parent(node)
        if isinstance(above, cst.Attribute) and above.attr is node:
            continue
        if not any(isinstance(each, Statement) for each in file.ancestors(node)):
            return True
    return any(string.evaluated_value == name for string in file.exported)


def module_of(file: File, node: Statement, alias: cst.ImportAlias) -> str:
    """The absolute dotted name that an alias imports."""
    if isinstance(node, cst.ImportFrom):
        return f"{file.imported_module(node)}.{alias.evaluated_name}"
    return get_full_name_for_node(alias.name) or ""
