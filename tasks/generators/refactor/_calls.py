"""The calls of a function or method, with the parameter that each argument goes to."""

from dataclasses import dataclass

import libcst as cst

from tasks.generators.refactor._plan import NotSure
from tasks.generators.refactor._project import File, Project
from tasks.generators.refactor._references import References


@dataclass(frozen=True)
class Parameter:
    """One that takes an argument by position, by keyword or both."""

    name: str
    node: cst.Param
    has_default: bool
    is_keyword_only: bool


@dataclass(frozen=True)
class CallSite:
    """A call; `given`: parameter name and argument, as they are written."""

    file: File
    node: cst.Call
    given: tuple[tuple[str, cst.Arg], ...]


def own_parameters(project: Project, found: References) -> list[Parameter]:
    """Parameters but `self` or `cls`. Raises NotSure for a function with `*args` and the like."""
    node = found.symbol.node
    if not isinstance(node, cst.FunctionDef):
        raise NotSure("no function", found.symbol.dotted)
    for decorator in node.decorators:
        if found.symbol.file.text(decorator.decorator) not in ("staticmethod", "classmethod"):
            raise NotSure("decorated", found.symbol.dotted)
    params = node.params
    if params.posonly_params or params.star_kwarg is not None or isinstance(params.star_arg, cst.Param):
        raise NotSure("takes arguments of any number", found.symbol.dotted)
    plain = list(params.params)
    is_static = any(found.symbol.file.text(each.decorator) == "staticmethod" for each in node.decorators)
    if found.symbol.holder is not None and not is_static:
        plain = plain[1:]
    return [Parameter(each.name.value, each, each.default is not None, False) for each in plain] + [
        Parameter(each.name.value, each, each.default is not None, True) for each in params.kwonly_params
    ]


def call_sites(project: Project, found: References, parameters: list[Parameter]) -> list[CallSite]:
    """Raises NotSure where the symbol is used otherwise than called, or called with `*` or `**`."""
    by_position = [each.name for each in parameters if not each.is_keyword_only]
    symbol = found.symbol
    sites = []
    for file, name in found.uses():
        callee = file.parent(name) if isinstance(file.parent(name), cst.Attribute) else name
        call = file.parent(callee) if callee is not None else None
        where = f"{file.path}:{file.line(name)}"
        if not isinstance(call, cst.Call) or call.func is not callee:
            raise NotSure("used as a value", where)
        if any(arg.star for arg in call.args):
            raise NotSure("called with * or **", where)
        if symbol.holder is not None and isinstance(callee, cst.Attribute):
            is_of_class = symbol.dotted.rpartition(".")[0] in project.meanings(file, callee.value)
            if is_of_class and isinstance(symbol.node, cst.FunctionDef) and not symbol.node.decorators:
                raise NotSure("called on its class", where)
        given = []
        for at, arg in enumerate(call.args):
            if arg.keyword is None and at >= len(by_position):
                raise NotSure("called with too many arguments", where)
            given.append((arg.keyword.value if arg.keyword else by_position[at], arg))
        sites.append(CallSite(file, call, tuple(given)))
    return sites
