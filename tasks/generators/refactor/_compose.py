"""Several refactors in one task: of disjoint symbols, with edits that do not overlap and words that do not meet."""

import re
from collections.abc import Iterator, Sequence
from random import Random

from tasks.generators.refactor._plan import NotSure, Plan, applied
from tasks.generators.refactor._project import Project

MOST_TOGETHER = 4
_TRIES = 40  # others that one refactor is put together with, before fewer have to do


def compositions(project: Project, plans: Sequence[Plan], rng: Random) -> Iterator[list[Plan]]:
    """Groups of 2 to 4 plans, of different kinds where there are; each plan begins one group at most."""
    order = list(plans)
    rng.shuffle(order)
    for first in order:
        size = rng.randint(2, MOST_TOGETHER)
        chosen = [first]
        others = [plan for plan in rng.sample(order, min(len(order), _TRIES)) if plan is not first]
        others.sort(key=lambda plan: plan.kind == first.kind)
        for other in others:
            if len(chosen) == size:
                break
            if all(_are_apart(one, other) for one in chosen) and _fit(project, [*chosen, other]):
                chosen.append(other)
        if len(chosen) > 1:
            yield chosen


def _are_apart(one: Plan, other: Plan) -> bool:
    """Neither's words stand in what the other checks, says or writes, and their names are disjoint."""
    if one.words & other.words or {one.symbol.split(".")[0]} & {other.symbol.split(".")[0]}:
        return False
    if set(one.created) & set(other.created):
        return False
    return not (_is_about(one, other.words) or _is_about(other, one.words))


def _is_about(plan: Plan, words: frozenset[str]) -> bool:
    texts = [line for check in plan.checks for line in check.lines]
    texts += [each.text.decode() for each in plan.splices]
    texts += [data.decode() for data in plan.created.values()]
    found = set(re.findall(r"\w+", "\n".join(texts)))
    return bool(words & found)


def _fit(project: Project, plans: Sequence[Plan]) -> bool:
    try:
        applied(project, [each for plan in plans for each in plan.splices])
    except NotSure:
        return False
    return True
