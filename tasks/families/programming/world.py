"""Worlds of `programming`: a problem, three shown cases, hidden ones that tell every near miss, wrong programs."""

import random
from collections import Counter
from typing import Any

from tasks.families.programming.decoys import memorised, tricks
from tasks.families.programming.inputs import ARGUMENTS, draw, edge_cases
from tasks.families.programming.problem import Problem, draw_problem, load

SHOWN = 3
HIDDEN = 9
_DRAWN = 18  # arguments beside the edge cases, of which the hidden ones are taken
_LONGEST_RESULT = 300  # characters
_LONGEST_SHOWN = 320

Case = dict[str, Any]


def make_world(rng: random.Random, takes: str, steps: int) -> dict[str, Any]:
    """A problem whose hidden cases tell it from each of its near misses.

    `takes`: a kind of argument; `steps`: 2 to 4.
    """
    while True:
        problem = draw_problem(rng, takes, steps)
        cases = _cases(rng, problem)
        shown = _shown(rng, cases) if cases else None
        if not cases or not shown:
            continue
        hidden = [case for case in cases if case not in shown]
        near_misses = _near_misses(problem, shown, hidden)
        if near_misses is not None:
            hidden = _telling(rng, problem, near_misses, hidden)
            return _world(rng, problem, shown, hidden, near_misses)


def _cases(rng: random.Random, problem: Problem) -> list[Case] | None:
    """Arguments and what is expected; None where the results are too much alike or too large."""
    solve = load(problem.source(), problem.name)
    arguments = [*edge_cases(problem.takes), *(draw(rng, problem.takes) for _ in range(_DRAWN))]
    cases: list[Case] = []
    for argument in arguments:
        given = [argument]
        if step := problem.argument:
            given.append(rng.choice(step.operation.knobs[step.argument or ""]))
        cases.append({"arguments": given, "expected": solve(*given)})
    results = Counter(repr(case["expected"]) for case in cases)
    is_varied = len(results) >= len(cases) // 3 and max(results.values()) <= len(cases) // 2
    return cases if is_varied and max(map(len, results)) <= _LONGEST_RESULT else None


def _shown(rng: random.Random, cases: list[Case]) -> list[Case] | None:
    """Three cases that are short and have different results."""
    short = [case for case in cases if case["arguments"][0] and len(repr(case)) <= _LONGEST_SHOWN]
    rng.shuffle(short)
    shown = list({repr(case["expected"]): case for case in short}.values())[:SHOWN]
    return shown if len(shown) == SHOWN else None


def _near_misses(problem: Problem, shown: list[Case], hidden: list[Case]) -> list[str] | None:
    """Programs with one slip, or without one step, that a hidden case refuses; first those that pass what is shown.

    None where a step could go without a hidden case telling, or none of a step's slips is refused.
    """
    found = []
    for place, step in enumerate(problem.steps):
        if step.operation.takes == step.operation.gives:
            dropped = problem.source(without=place)
            if not _failed(dropped, problem, hidden):
                return None
            found.append(dropped)
        slips = [problem.source(slip=(place, slip)) for slip in step.operation.slips]
        told = [source for source in slips if _failed(source, problem, hidden)]
        if slips and not told:
            return None
        found += told
    return sorted(found, key=lambda source: len(_failed(source, problem, shown)))


def _telling(rng: random.Random, problem: Problem, near_misses: list[str], cases: list[Case]) -> list[Case]:
    """At least HIDDEN of the cases, such that each near miss fails one of them."""
    places = list(range(len(cases)))
    rng.shuffle(places)
    chosen: list[int] = []
    for source in near_misses:
        failing = _failed(source, problem, cases)
        if not failing & set(chosen):
            chosen.append(next(place for place in places if place in failing))
    rest = [place for place in places if place not in chosen]
    return [cases[place] for place in sorted([*chosen, *rest[: max(0, HIDDEN - len(chosen))]])]


def _failed(source: str, problem: Problem, cases: list[Case]) -> set[int]:
    """Which cases a program fails."""
    solve = load(source, problem.name)
    return {place for place, case in enumerate(cases) if not _gives(solve, case)}


def _gives(solve: Any, case: Case) -> bool:
    try:
        return bool(solve(*case["arguments"]) == case["expected"])
    except Exception:  # noqa: BLE001 - whatever a near miss raises, it is wrong
        return False


def _world(
    rng: random.Random, problem: Problem, shown: list[Case], hidden: list[Case], near_misses: list[str]
) -> dict[str, Any]:
    asserts = [_assert(problem.name, case) for case in shown]
    wrong = [near_misses[0], memorised(problem.name, shown), rng.choice(tricks(problem.name, shown))]
    name, takes = problem.parameters[0], ARGUMENTS[problem.takes][1]
    arguments = f"`{name}` is {takes}."
    if (step := problem.argument) and step.argument:
        arguments += f" `{step.argument}` is one of the integers {_either(step.operation.knobs[step.argument])}."
    return {
        "name": problem.name,
        "signature": f"{problem.name}({', '.join(problem.parameters)})",
        "arguments": arguments,
        "steps": [each.words for each in problem.steps],
        "operations": [each.operation.name for each in problem.steps],
        "asserts": asserts,
        "files": {"shown.py": _shown_checks(problem.name, asserts)},
        "grading": {"function": problem.name, "cases": [*shown, *hidden]},
        "reference": {"solution.py": problem.source()},
        "decoys": [{"solution.py": source} for source in wrong],
    }


def _shown_checks(name: str, asserts: list[str]) -> str:
    """What the agent may run: the shown asserts alone."""
    return "\n".join([f"from solution import {name}", "", *asserts, 'print("all shown checks pass")', ""])


def _either(values: tuple[Any, ...]) -> str:
    return " and ".join([", ".join(map(str, values[:-1])), str(values[-1])])


def _assert(name: str, case: Case) -> str:
    return f"assert {name}({', '.join(map(repr, case['arguments']))}) == {case['expected']!r}"
