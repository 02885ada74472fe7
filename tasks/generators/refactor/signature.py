"""Change a signature, with all calls: a parameter renamed, two swapped, some made keyword-only, one added."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any

import libcst as cst

from tasks.generators.refactor._calls import CallSite, Parameter, call_sites, own_parameters
from tasks.generators.refactor._check_library import arguments, calls_of, unordered
from tasks.generators.refactor._checks import slug
from tasks.generators.refactor._names import new_name
from tasks.generators.refactor._plan import Check, NotSure, Plan, Splice, applied
from tasks.generators.refactor._project import File, Project, below
from tasks.generators.refactor._references import References, Symbol, references
from tasks.generators.refactor._symbols import function_symbols
from tasks.generators.refactor.rename import is_there, place_of, renamed, same_statements, says_of


@dataclass(frozen=True)
class Change:
    """`order`: parameters by position afterwards; `callers`: visible files that call it."""

    way: str
    splices: tuple[Splice, ...]
    order: tuple[str, ...]
    text: str
    callers: tuple[str, ...]
    says: dict[str, Any]
    words: frozenset[str] = frozenset()


def targets(project: Project) -> Iterator[Symbol]:
    return (each for each in function_symbols(project) if not each.name.startswith("__"))


def plan(project: Project, symbol: Symbol, rng: Random) -> Plan:
    """Raises NotSure."""
    found = references(project, symbol)
    change = changed(project, found, rng, (renamed_parameter, keyword_only, swapped))
    return Plan(
        kind="signature",
        symbol=symbol.qualified,
        new_name=change.text,
        place=place_of(symbol),
        splices=change.splices,
        checks=tuple(checks_of(project, symbol, change, change.splices, symbol.name)),
        says={**says_of(symbol), "way": change.way, "paths": change.callers, **change.says},
        words=frozenset({symbol.name}) | change.words,
    )


Way = Callable[[Project, References, list[Parameter], list[CallSite], Random], Change]


def changed(project: Project, found: References, rng: Random, ways: tuple[Way, ...]) -> Change:
    """One of the ways that this function allows. Raises NotSure."""
    if found.others:
        raise NotSure("the word means other things too", found.symbol.dotted)
    parameters = own_parameters(project, found)
    sites = call_sites(project, found, parameters)
    if not sites:
        raise NotSure("nothing calls it", found.symbol.dotted)
    if not parameters:
        raise NotSure("no parameters", found.symbol.dotted)
    order = list(ways)
    rng.shuffle(order)
    why = NotSure("no parameter to change", found.symbol.dotted)
    for way in order:
        try:
            return way(project, found, parameters, sites, rng)
        except NotSure as reason:
            why = reason
    raise why


def checks_of(project: Project, symbol: Symbol, change: Change, splices: tuple[Splice, ...], name: str) -> list[Check]:
    """The parameters are as wanted, and each call gives what it gave, to the parameter it is for."""
    qualified = renamed(symbol, name)
    lines = []
    for path, calls in _given(project, change, splices, name).items():
        lines += ["wanted = [", *(f"    {call!r}," for call in calls), "]"]
        lines.append(f"assert given_to({name!r}, {path!r}, {list(change.order)!r}) == unordered(wanted)")
    checks = [is_there(symbol, name, parameters=change.text)]
    if lines:
        checks.append(Check(slug(qualified, "is_given_what_it_was"), tuple(lines)))
    most = len(change.order)
    checks.append(
        Check(
            slug(qualified, "is_called_by_its_new_signature"),
            (
                f"assert with_too_many_positional({name!r}, {most}) == []",
                *(f"assert with_keyword({name!r}, {each!r}) == []" for each in change.says.get("gone", ())),
            ),
        )
    )
    return checks + same_statements(project, symbol, symbol.file.path, name)


def renamed_parameter(
    project: Project, found: References, parameters: list[Parameter], sites: list[CallSite], rng: Random
) -> Change:
    """A parameter gets another name, in the body and in calls by keyword."""
    parameter = rng.choice(parameters)
    new = new_name(parameter.name, "parameter", project, rng)
    file = found.symbol.file
    spans = [(file, parameter.node.name), *((file, node) for node in _reads(file, found.symbol.node, parameter.name))]
    spans += [(site.file, arg.keyword) for site in sites for name, arg in site.given
              if name == parameter.name and arg.keyword]  # fmt: skip
    return Change(
        way="rename",
        splices=tuple(Splice(each.path, *each.span(node), new.encode()) for each, node in spans),
        order=tuple(
            new if each.name == parameter.name else each.name for each in parameters if not each.is_keyword_only
        ),
        text=_text(found, [(each.name, new if each is parameter else each.name) for each in parameters], None),
        callers=_callers(sites),
        says={"parameter": parameter.name, "new": new, "gone": [parameter.name]},
        words=frozenset({new}),
    )


def keyword_only(
    project: Project, found: References, parameters: list[Parameter], sites: list[CallSite], rng: Random
) -> Change:
    """From one parameter on, arguments are given by keyword alone."""
    plain = [each for each in parameters if not each.is_keyword_only]
    if len(plain) != len(parameters) or len(plain) < 2:
        raise NotSure("no parameter to change", found.symbol.dotted)
    at = rng.randint(1, len(plain) - 1)
    kept, only = plain[:at], plain[at:]
    if not any(
        name == each.name and arg.keyword is None for site in sites for name, arg in site.given for each in only
    ):
        raise NotSure("no call to change", found.symbol.dotted)
    file = found.symbol.file
    start = file.span(only[0].node)[0]
    names = {each.name for each in only}
    splices = [Splice(file.path, start, start, b"*, ")]
    splices += [
        Splice(site.file.path, *(site.file.span(arg)[0],) * 2, f"{name}=".encode())
        for site in sites
        for name, arg in site.given
        if name in names and arg.keyword is None
    ]
    return Change(
        way="keyword_only",
        splices=tuple(splices),
        order=tuple(each.name for each in kept),
        text=_text(found, [(each.name, each.name) for each in plain], only[0].name),
        callers=_callers(sites),
        says={"kept": [each.name for each in kept], "only": [each.name for each in only]},
    )


def swapped(
    project: Project, found: References, parameters: list[Parameter], sites: list[CallSite], rng: Random
) -> Change:
    """Two neighbours change places, in the definition and in calls by position."""
    plain = [each for each in parameters if not each.is_keyword_only]
    pairs = [(a, b) for a, b in pairwise(plain) if a.has_default == b.has_default]
    if not pairs:
        raise NotSure("no parameter to change", found.symbol.dotted)
    first, second = rng.choice(pairs)
    file = found.symbol.file
    splices = [*_exchange(file, _with_default(file, first.node), _with_default(file, second.node))]
    for site in sites:
        by_position = {name: arg for name, arg in site.given if arg.keyword is None}
        one, other = by_position.get(first.name), by_position.get(second.name)
        if one is not None and other is not None:
            splices += _exchange(site.file, site.file.span(one.value), site.file.span(other.value), one, other)
        elif one is not None:
            start = site.file.span(one)[0]
            splices.append(Splice(site.file.path, start, start, f"{first.name}=".encode()))
    order = [each.name for each in plain]
    at = order.index(first.name)
    order[at : at + 2] = [second.name, first.name]
    rest = [each.name for each in parameters if each.is_keyword_only]
    return Change(
        way="swap",
        splices=tuple(splices),
        order=tuple(order),
        text=_text(found, [(name, name) for name in [*order, *rest]], rest[0] if rest else None),
        callers=_callers(sites),
        says={"first": first.name, "second": second.name, "order": [*order, *rest]},
    )


def _reads(file: File, function: cst.CSTNode, parameter: str) -> list[cst.Name]:
    """Names in the body that mean the parameter. Raises NotSure where an inner scope has one of its own."""
    assert isinstance(function, cst.FunctionDef)
    found = []
    scope = file.scope(function.body.body[0]) if isinstance(function.body, cst.IndentedBlock) else None
    for node in below(function.body):
        if not isinstance(node, cst.Name) or node.value != parameter:
            continue
        above = file.parent(node)
        if (isinstance(above, cst.Attribute) and above.attr is node) or (
            isinstance(above, cst.Arg) and above.keyword is node
        ):
            continue
        here = file.scope(node)
        is_of_inner = here is None or any(each.scope is not scope for each in here[parameter])
        if scope is None or is_of_inner or isinstance(above, cst.Param):
            raise NotSure("an inner scope has the parameter's name", f"{file.path}:{file.line(node)}")
        found.append(node)
    return found


def _text(found: References, names: list[tuple[str, str]], first_keyword_only: str | None) -> str:
    """Parameters with defaults as they are afterwards; `names`: old and new, in their new order."""
    function = found.symbol.node
    assert isinstance(function, cst.FunctionDef)
    file = found.symbol.file
    nodes = {each.name.value: each for each in (*function.params.params, *function.params.kwonly_params)}
    parts = [each for each in nodes if each not in {old for old, _ in names}][:1]  # self or cls
    star = first_keyword_only or next((each.name.value for each in function.params.kwonly_params), None)
    for old, new in names:
        default = nodes[old].default
        parts += ["*"] if old == star else []
        parts.append(f"{new}={file.whole_text(default)}" if default is not None else new)
    return ", ".join(parts)


def _given(project: Project, change: Change, splices: tuple[Splice, ...], name: str) -> dict[str, list[dict[str, str]]]:
    """Path of visible code that calls it -> what its calls give in the solved state."""
    after = applied(project, splices)
    trees = {path: ast.parse(after.get(path) or project.code[path].data) for path in change.callers}
    return {
        path: unordered([arguments(call, list(change.order)) for call in calls_of(tree, name)])
        for path, tree in trees.items()
    }


def _callers(sites: list[CallSite]) -> tuple[str, ...]:
    return tuple(sorted({site.file.path for site in sites if not site.file.is_test}))


def _with_default(file: File, node: cst.Param) -> tuple[int, int]:
    """LibCST's span of a parameter ends before its default."""
    start, end = file.span(node)
    if isinstance(node.comma, cst.Comma):
        end = min(end, file.span(node.comma)[0])
    end = start + len(file.data[start:end].rstrip())
    return start, _whole(file, node.default)[1] if node.default is not None else end


def _exchange(
    file: File, a: tuple[int, int], b: tuple[int, int], one: cst.Arg | None = None, other: cst.Arg | None = None
) -> list[Splice]:
    if one is not None and other is not None:
        a, b = (_whole(file, each.value) for each in (one, other))
    return [Splice(file.path, *a, file.data[b[0] : b[1]]), Splice(file.path, *b, file.data[a[0] : a[1]])]


def _whole(file: File, node: cst.BaseExpression) -> tuple[int, int]:
    start, end = file.span(node)
    if node.lpar:
        start, end = file.span(node.lpar[0])[0], file.span(node.rpar[-1])[1]
    return start, end
