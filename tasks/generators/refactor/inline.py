"""Inline a function: what it does is written where it was called, and the function is gone."""

from collections.abc import Iterator
from random import Random

import libcst as cst

from tasks.generators.refactor._calls import CallSite, Parameter, call_sites, own_parameters
from tasks.generators.refactor._checks import slug
from tasks.generators.refactor._imports import imports_of, module_of, without
from tasks.generators.refactor._plan import Check, NotSure, Plan, Splice
from tasks.generators.refactor._project import File, Project, below, bound_name
from tasks.generators.refactor._references import Symbol, is_import, references
from tasks.generators.refactor._symbols import function_symbols
from tasks.generators.refactor.move import definition_span, with_blank_lines
from tasks.generators.refactor.rename import is_gone, place_of, says_of

MOST_SITES = 6
_NOT_INLINED = (cst.Yield, cst.Await, cst.Global, cst.Nonlocal, cst.Lambda, cst.NamedExpr, cst.ListComp, cst.SetComp,
                cst.DictComp, cst.GeneratorExp, cst.FunctionDef)  # fmt: skip


def targets(project: Project) -> Iterator[Symbol]:
    return (each for each in function_symbols(project) if not each.name.startswith("__"))


def plan(project: Project, symbol: Symbol, rng: Random) -> Plan:
    """Raises NotSure."""
    value = _value(symbol)
    found = references(project, symbol)
    parameters = own_parameters(project, found)
    assert isinstance(symbol.node, cst.FunctionDef)
    if symbol.node.decorators:
        raise NotSure("decorated", symbol.dotted)
    sites = call_sites(project, found, parameters)
    if not sites or len(sites) > MOST_SITES:
        raise NotSure("nothing calls it" if not sites else "called at many places", symbol.dotted)
    if any(site.file.is_test for site in sites):
        raise NotSure("tests call it", symbol.dotted)
    file = symbol.file
    start, end = definition_span(file, symbol.node)
    if any(site.file is file and start <= file.span(site.node)[0] < end for site in sites):
        raise NotSure("calls itself", symbol.dotted)
    splices = [Splice(file.path, *with_blank_lines(file, start, end), b"")]
    for site in sites:
        splices.append(_inlined(project, symbol, parameters, site, value))
    importing = {id(each): each for each, node in found.found if is_import(each, node)}
    for each in importing.values():
        if any(isinstance(node, cst.Import | cst.ImportFrom) and each.owner(node) for node in each.nodes
               if isinstance(node, cst.Import | cst.ImportFrom) and symbol.name in each.text(node)):  # fmt: skip
            raise NotSure("imported inside a function or condition", each.path)
        splices += without(each, [symbol.name])
    if any(isinstance(node, cst.SimpleString) for _, node in found.found):
        raise NotSure("named in `__all__`", symbol.dotted)
    users = found.users()
    return Plan(
        kind="inline",
        symbol=symbol.qualified,
        new_name="",
        place=place_of(symbol),
        splices=tuple(splices),
        checks=(
            Check(
                slug(symbol.qualified, "is_not_defined"), (f"assert find({file.path!r}, {symbol.qualified!r}) == []",)
            ),
            *is_gone(project, found, tuple(splices), ""),
            *_users_stay(users),
        ),
        says={**says_of(symbol), "users": users, "paths": found.visible_paths(), "sites": len(sites)},
        words=frozenset({symbol.name}),
    )


def _value(symbol: Symbol) -> cst.BaseExpression:
    """The expression of a body that is one `return`."""
    assert isinstance(symbol.node, cst.FunctionDef)
    body = [each for each in symbol.node.body.body if not _is_docstring(each)]
    line = body[0] if len(body) == 1 else None
    small = line.body[0] if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1 else line
    value = small.value if isinstance(small, cst.Return) else None
    if value is None or symbol.node.asynchronous is not None:
        raise NotSure("more than one expression", symbol.dotted)
    text = symbol.file.text(value)
    if any(isinstance(each, _NOT_INLINED) for each in below(value)) or "\n" in text or "#" in text:
        raise NotSure("an expression with a scope or lines of its own", symbol.dotted)
    return value


def _inlined(
    project: Project, symbol: Symbol, parameters: list[Parameter], site: CallSite, value: cst.BaseExpression
) -> Splice:
    """The call replaced by the expression, arguments in place of parameters. Raises NotSure where that may differ."""
    file, home = site.file, symbol.file
    texts = {each.name: home.whole_text(each.node.default) for each in parameters if each.node.default is not None}
    nodes: dict[str, cst.BaseExpression] = {each.name: each.node.default for each in parameters if each.node.default}
    for name, arg in site.given:
        texts[name], nodes[name] = file.whole_text(arg.value), arg.value
    assert isinstance(symbol.node, cst.FunctionDef)
    receiver = [each.name.value for each in symbol.node.params.params][: 1 if symbol.holder else 0]
    if receiver:
        assert isinstance(site.node.func, cst.Attribute)
        nodes[receiver[0]], texts[receiver[0]] = site.node.func.value, file.whole_text(site.node.func.value)
    if any("\n" in text for text in texts.values()):
        raise NotSure("an argument of several lines", f"{file.path}:{file.line(site.node)}")
    base = home.span(value)[0]
    text = home.text(value)
    reads = dict.fromkeys(texts, 0)
    edits: list[tuple[int, int, str]] = []
    for node in below(value):
        if not isinstance(node, cst.Name):
            continue
        above = home.parent(node)
        if (isinstance(above, cst.Attribute) and above.attr is node) or (
            isinstance(above, cst.Arg) and above.keyword is node
        ):
            continue
        if node.value in texts:
            reads[node.value] += 1
            start, end = home.span(node)
            edits.append((start - base, end - base, _wrapped(nodes[node.value], texts[node.value], above is not None)))
        else:
            _check_means_the_same(project, symbol, node, file, site)
    for name, count in reads.items():
        if count != 1 and not isinstance(nodes[name], cst.Name | cst.SimpleString | cst.Integer):
            raise NotSure("an argument would be worked out more than once", f"{file.path}:{file.line(site.node)}")
    data = text.encode()
    for start, end, new in sorted(edits, reverse=True):
        data = data[:start] + new.encode() + data[end:]
    if not _is_atom(value) or value.lpar:
        data = b"(" + data + b")" if _needs_parentheses(file, site.node) else data
    start, end = file.span(site.node)
    return Splice(file.path, start, end, data)


def _check_means_the_same(project: Project, symbol: Symbol, node: cst.Name, file: File, site: CallSite) -> None:
    """A name of the function's module means the same where it is called."""
    here = project.meanings(symbol.file, node)
    imports = {
        bound_name(alias): module_of(file, each, alias) for _, each, aliases in imports_of(file) for alias in aliases
    }
    scope = file.scope(site.node)
    bound = scope[node.value] if scope is not None else set()
    if file is symbol.file:
        own = symbol.file.tree and symbol.file.scope(symbol.file.tree.body[0])
        same = all(getattr(each, "scope", None) is own or each.scope is own.globals for each in bound) if own else False
        if bound and not same and not all(each.startswith("builtins.") for each in here):
            raise NotSure("a name means something else at a call", f"{file.path}:{file.line(site.node)}")
        return
    if all(each.startswith("builtins.") for each in here) and here:
        if node.value in file.names and node.value in project.defined(file.module):
            raise NotSure("a name means something else at a call", f"{file.path}:{file.line(site.node)}")
        return
    there = imports.get(node.value)
    if there is None or project.canonical(there) not in here:
        raise NotSure("a name is not known at a call", f"{file.path}:{file.line(site.node)}: {node.value}")


def _wrapped(node: cst.BaseExpression, text: str, is_inner: bool) -> str:
    return text if _is_atom(node) or not is_inner else f"({text})"


def _is_atom(node: cst.BaseExpression) -> bool:
    return bool(node.lpar) or isinstance(
        node, cst.Name | cst.Attribute | cst.Call | cst.Subscript | cst.SimpleString | cst.Integer | cst.List | cst.Dict
    )


def _needs_parentheses(file: File, call: cst.Call) -> bool:
    """Not where the call stands alone: as an argument, an assigned or a returned value, a condition."""
    above = file.parent(call)
    return not isinstance(above, cst.Arg | cst.Assign | cst.Return | cst.Expr | cst.If | cst.While) or bool(call.lpar)


def _users_stay(users: list[tuple[str, str]]) -> list[Check]:
    if not users:
        return []
    lines = (
        "users = [",
        *(f"    {each!r}," for each in users),
        "]",
        "assert all(find(path, name) for path, name in users)",
    )
    return [Check("users_are_still_there", lines)]


def _is_docstring(node: cst.CSTNode) -> bool:
    return (
        isinstance(node, cst.SimpleStatementLine)
        and isinstance(node.body[0], cst.Expr)
        and isinstance(node.body[0].value, cst.SimpleString | cst.ConcatenatedString)
    )
