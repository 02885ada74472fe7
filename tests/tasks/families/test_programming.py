"""Every operation by itself, the checks that make a problem one, and the tricks that must not pass."""

import random
from collections import Counter
from typing import Any

import pytest

from environments import Backend
from tasks.families.programming.decoys import memorised, tricks
from tasks.families.programming.inputs import ARGUMENTS, draw, edge_cases
from tasks.families.programming.operation import KINDS, Operation, operations
from tasks.families.programming.problem import Step, load
from tasks.families.programming.world import HIDDEN, SHOWN, make_world
from tasks.verifiers.graded import grade_files

NUMBERS = [3, -1, 3, 8]
EXAMPLES: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "keep_remainder": ({"m": 3, "r": 1}, [4, -2, 6, 7], [4, -2, 7]),
    "rotate": ({"k": 4}, [1, 2, 3], [2, 3, 1]),
    "differences": ({}, [5, 3, 9], [-2, 6]),
    "rank": ({}, [30, 10, 30, 20], [3, 1, 3, 2]),
    "best_run": ({}, [-3, -1, -2], -1),
    "longest_rise": ({}, [1, 2, 2, 3, 4], 3),
    "longest_subsequence": ({}, [3, 1, 2, 2, 5], 3),
    "inversions": ({}, [3, 1, 2, 1], 4),
    "group_runs": ({}, [3, 1, 2, 7, 2], [[1, 3], [7, 7]]),
    "prime_factors": ({}, -12, [2, 2, 3]),
    "in_base": ({"base": 2}, -6, "-110"),
    "collatz": ({"start": 1}, 5, 8),
    "caesar": ({"shift": 1}, "aZ z9", "bA a9"),
    "run_lengths": ({}, "aaab", "a3b"),
    "zigzag": ({"rows": 3}, "abcdefg", "aebdfcg"),
    "deepest_nesting": ({}, ")(()", 201),
    "embedded_numbers": ({}, "x12-3y007", [12, 3, 7]),
    "longest_palindrome": ({}, "xabba", 4),
    "first_of_anagrams": ({}, ["tab", "Bat", "bats"], ["tab", "bats"]),
    "chain_of_words": ({}, ["abc", "x", "Cd", "d"], ["abc", "Cd", "d"]),
    "invert_counts": ({}, {"c": 10, "b": 9, "a": 9}, ["9:a+b", "10:c"]),
    "merge_spans": ({}, [[4, 5], [1, 3], [3, 3]], [[1, 3], [4, 5]]),
    "gaps": ({}, [[5, 6], [1, 3], [2, 4]], [[4, 5]]),
    "most_disjoint": ({}, [[1, 3], [3, 5], [4, 6]], 2),
    "month_ends": ({}, ["2024-02-01", "1900-02-11"], ["2024-02-29", "1900-02-28"]),
    "days_of_year": ({}, ["2024-12-31"], [366]),
    "turn_right": ({}, [[1, 2], [3, 4]], [[3, 1], [4, 2]]),
    "spiral": ({}, [[1, 2, 3], [4, 5, 6], [7, 8, 9]], [1, 2, 3, 6, 9, 8, 7, 4, 5]),
    "islands": ({"sea": 0}, [[1, 0], [0, 1]], 2),
    "cheapest_path": ({}, [[1, 9], [1, 1]], 3),
    "hops": ({"last": 3, "missing": -1}, [[1, 0], [1, 3]], [0, 1, -1, 2]),
    "components": ({}, [[0, 1], [2, 3], [3, 2], [4, 4]], 3),
}


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.name)
def test_operation(operation: Operation) -> None:
    """It takes what it says it takes, gives what it says it gives, and each slip can be told from it."""
    assert operation.takes in KINDS and operation.gives in KINDS
    rng = random.Random(operation.name)
    told: Counter[tuple[str, str]] = Counter()
    for _ in range(12):
        step = Step(operation, {knob: rng.choice(values) for knob, values in operation.knobs.items()})
        assert "$" not in step.words + step.code()
        right = load(step.code(), operation.name)
        wrong = {slip: load(step.code(slip), operation.name) for slip in operation.slips}
        for argument in [*edge_cases(operation.takes), *(draw(rng, operation.takes) for _ in range(10))]:
            before = repr(argument)
            result = right(argument)
            assert repr(argument) == before, "the argument is changed"
            for slip, function in wrong.items():
                assert step.code(slip) != step.code()
                told[slip] += fails(function, argument, result)
    assert set(operation.slips) == set(+told)


def fails(function: Any, argument: Any, result: Any) -> bool:
    try:
        return bool(function(argument) != result)
    except Exception:  # noqa: BLE001 - a near miss may raise anything
        return True


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_what_an_operation_gives(name: str) -> None:
    (operation,) = (each for each in operations() if each.name == name)
    knobs, argument, expected = EXAMPLES[name]
    assert load(Step(operation, knobs).code(), name)(argument) == expected


def test_problems_differ_and_have_hidden_cases_beside_the_shown() -> None:
    seen = set()
    for number in range(60):
        rng = random.Random(number)
        world = make_world(rng, rng.choice(sorted(ARGUMENTS)), rng.choice((2, 3, 4)))
        seen.add(str(world["steps"]))
        assert len(world["asserts"]) == SHOWN
        assert len(world["grading"]["cases"]) >= SHOWN + HIDDEN
        hidden = [f"{case['arguments']}" for case in world["grading"]["cases"][SHOWN:]]
        assert not any(line[line.index("(") + 1 : -1] in hidden for line in world["asserts"])
    assert len(seen) >= 58


def test_the_reference_passes_the_shown_checks() -> None:
    world = make_world(random.Random(3), "grid", 3)
    space: dict[str, Any] = {}
    exec(world["reference"]["solution.py"] + "\n" + "\n".join(world["asserts"]), space)


async def test_tricks_pass_no_case_that_is_hidden(bubblewrap: Backend) -> None:
    """By heart, by an early exit, by printing, by a value that equals everything, by one result for all."""
    world = make_world(random.Random(5), "ints", 3)
    shown = world["grading"]["cases"][:SHOWN]
    data = {**world["grading"], "cases": world["grading"]["cases"][: SHOWN + 1], "output": "solution.py"}
    for source in (memorised(world["name"], shown), *tricks(world["name"], shown)):
        verdict = await grade_files("program", data, {"solution.py": source.encode()}, bubblewrap)
        assert verdict.error is None and verdict.reward < 1, source
