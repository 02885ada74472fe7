"""Replace an interface of the repository's own: a function gives way to one with another name and signature."""

from collections.abc import Iterator
from random import Random

from tasks.generators.refactor._names import new_name
from tasks.generators.refactor._plan import Plan
from tasks.generators.refactor._project import Project
from tasks.generators.refactor._references import Symbol, references
from tasks.generators.refactor.rename import is_gone, is_used, place_of, says_of
from tasks.generators.refactor.signature import changed, checks_of, keyword_only, swapped
from tasks.generators.refactor.signature import targets as functions


def targets(project: Project) -> Iterator[Symbol]:
    return functions(project)


def plan(project: Project, symbol: Symbol, rng: Random) -> Plan:
    """Raises NotSure."""
    found = references(project, symbol)
    change = changed(project, found, rng, (keyword_only, swapped))
    new = new_name(symbol.name, symbol.what, project, rng)
    splices = (*found.renamed(new), *change.splices)
    checks = [
        *checks_of(project, symbol, change, splices, new),
        *is_gone(project, found, splices, new),
        *is_used(found, new),
    ]
    return Plan(
        kind="replace",
        symbol=symbol.qualified,
        new_name=new,
        place=place_of(symbol),
        splices=splices,
        checks=tuple(checks),
        says={
            **says_of(symbol),
            "way": change.way,
            **change.says,
            "new": new,
            "paths": found.visible_paths(),
            "users": found.users(),
        },
        words=frozenset({symbol.name, new}),
    )
