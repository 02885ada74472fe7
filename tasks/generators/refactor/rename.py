"""Rename a function, class, method or constant, with all that uses it."""

import ast
from collections.abc import Iterator
from random import Random

import libcst as cst

from tasks.candidate import Place
from tasks.generators.refactor._checks import besides, slug
from tasks.generators.refactor._names import new_name
from tasks.generators.refactor._plan import Check, NotSure, Plan, Splice, applied
from tasks.generators.refactor._project import File, Project
from tasks.generators.refactor._references import References, Symbol, references
from tasks.generators.refactor._symbols import symbols


def targets(project: Project) -> Iterator[Symbol]:
    return (each for each in symbols(project) if not each.name.startswith("__"))


def plan(project: Project, symbol: Symbol, rng: Random) -> Plan:
    """Raises NotSure."""
    found = references(project, symbol)
    if len(found.found) < 2:
        raise NotSure("nothing uses it", symbol.dotted)
    if symbol.what == "class" and any(each.lower().endswith(f"_{symbol.name.lower()}") for each in project.methods):
        raise NotSure("methods are named after it", symbol.dotted)
    new = new_name(symbol.name, symbol.what, project, rng)
    splices = found.renamed(new)
    checks = [
        is_there(symbol, new),
        *is_gone(project, found, splices, new),
        *is_used(found, new),
        *same_statements(project, symbol, symbol.file.path, new),
    ]
    return Plan(
        kind="rename",
        symbol=symbol.qualified,
        new_name=new,
        place=place_of(symbol),
        splices=splices,
        checks=tuple(checks),
        says={**says_of(symbol), "new": new, "paths": found.visible_paths(), "users": found.users()},
        words=frozenset({symbol.name, new}),
    )


def says_of(symbol: Symbol) -> dict[str, object]:
    """What every kind's brief may say of its symbol."""
    return {"path": symbol.file.path, "module": symbol.file.module, "symbol": symbol.qualified, "old": symbol.name,
            "what": symbol.what, "holder": symbol.holder.name.value if symbol.holder else ""}  # fmt: skip


def place_of(symbol: Symbol) -> Place:
    node = symbol.node
    first, last = symbol.file.lines(node)
    named = node.name if isinstance(node, cst.FunctionDef | cst.ClassDef) else node
    line = symbol.file.line(named)
    return Place(
        path=symbol.file.path, symbol=symbol.qualified, first_line=first, last_line=last, changed_lines=(line,)
    )


def renamed(symbol: Symbol, new: str) -> str:
    """The qualified name with its last part new."""
    return f"{symbol.holder.name.value}.{new}" if symbol.holder else new


def is_there(symbol: Symbol, new: str, *, parameters: str | None = None, path: str | None = None) -> Check:
    """The new name is defined, and (unless `parameters` says otherwise) looks as the old one did."""
    qualified, path = renamed(symbol, new), path or symbol.file.path
    name = slug(qualified, "is_there")
    if isinstance(symbol.node, cst.FunctionDef):
        wanted = parameters if parameters is not None else parameters_text(symbol.node)
        compared = f"assert parameters(definition({path!r}, {qualified!r})) == parameters_of({wanted!r})"
        return Check(name, (compared,))
    if isinstance(symbol.node, cst.ClassDef):
        bases = [ast.parse(symbol.file.whole_text(each.value), mode="eval") for each in symbol.node.bases]
        own = [ast.unparse(each).split(".")[-1] for each in bases]
        return Check(name, (f"assert bases(definition({path!r}, {qualified!r})) == {own!r}",))
    return Check(name, (f"assert {new!r} in assigned({path!r})",))


def is_gone(project: Project, found: References, splices: tuple[Splice, ...], new: str) -> list[Check]:
    """No file has the old name any more, and no module answers to it."""
    symbol = found.symbol
    others = besides(symbol.name, project, applied(project, splices))
    checks = [
        Check(
            slug(symbol.qualified, "is_gone_everywhere"),
            (f"assert mentions({symbol.name!r}, besides={others!r}) == []",),
        )
    ]
    lines = []
    for module in modules_that_have(project, symbol):
        if symbol.holder is not None:
            lines.append(f"assert not has_at_runtime({module!r}, {symbol.qualified!r})")
        elif project.by_module[module].path not in others:
            lines.append(f"assert not has_at_runtime({module!r}, {symbol.name!r})")
    if lines:
        checks.append(Check(slug(symbol.qualified, "is_gone_at_run_time"), tuple(lines)))
    return checks


def modules_that_have(project: Project, symbol: Symbol) -> list[str]:
    """Modules that tests import and in which the symbol can be reached by its own name; of a method, its class's."""
    return [
        file.module
        for file in project.targets.values()
        if project.repository.import_lines.get(file.path)
        and (
            file is symbol.file if symbol.holder else project.canonical(f"{file.module}.{symbol.name}") == symbol.dotted
        )
    ]


def is_used(found: References, new: str) -> list[Check]:
    """What used the old name uses the new one."""
    users = found.users()
    if not users:
        return []
    name = slug(renamed(found.symbol, new), "is_used_in_its_place")
    return [Check(name, ("users = [", *(f"    {user!r}," for user in users), "]",
                         f"assert users_without({new!r}, users) == []"))]  # fmt: skip


def same_statements(project: Project, symbol: Symbol, path: str, new: str) -> list[Check]:
    """Where tests do not run all of a definition, its statements must be what they were."""
    node = symbol.node
    if not isinstance(node, cst.FunctionDef | cst.ClassDef) or is_tested(project, symbol.file, node):
        return []
    before = cst.Module([node.with_changes(leading_lines=[])]).code.strip()
    qualified = renamed(symbol, new)
    lines = (
        f"before = {quoted(before)}",
        f"after = definition({path!r}, {qualified!r})",
        f"assert plain(after, {{{new!r}: {symbol.name!r}}}) == plain_before(before)",
    )
    return [Check(slug(qualified, "does_what_it_did"), lines)]


def is_tested(project: Project, file: File, node: cst.FunctionDef | cst.ClassDef) -> bool:
    """Tests run every statement of it."""
    first, last = file.lines(node)
    ran = project.repository.reached_by.get(file.path, {})
    at_import = project.repository.import_lines.get(file.path, ())
    statements = {
        each.lineno
        for each in ast.walk(ast.parse(file.data))
        if isinstance(each, ast.stmt)
        and first <= each.lineno <= last
        and not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
    }
    return all(line in ran or line in at_import for line in statements)


def parameters_text(node: cst.FunctionDef) -> str:
    """Parameters with defaults, without annotations."""
    text = cst.Module([]).code_for_node(node.params)
    arguments = ast.parse(f"def f(\n{text}\n): pass").body[0].args  # type: ignore[attr-defined]
    for each in ast.walk(arguments):
        if isinstance(each, ast.arg):
            each.annotation = None
    return ast.unparse(arguments)


def quoted(text: str) -> str:
    """A string literal of several lines, as a person would write it where that is possible."""
    return repr(text) if "\\" in text or "'''" in text or text.endswith("'") else f"'''\\\n{text}'''"
