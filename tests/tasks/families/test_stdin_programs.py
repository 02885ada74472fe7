"""One program in four languages, slow ways that are right, limits that are kept."""

import random
import shutil

import pytest

from environments import Backend
from tasks.families.stdin_programs.inputs import draw_input, edge_inputs, large_input
from tasks.families.stdin_programs.part import Kind, Part, Problem, draw_problem, kinds
from tasks.families.stdin_programs.printing import FILES, written
from tasks.families.stdin_programs.running import Endless, output_of
from tasks.families.stdin_programs.world import EXAMPLES, HIDDEN, make_world
from tasks.verifiers.graded import grade_files

CORES = [pytest.param(kind, core, id=f"{kind.name}-{core.name}") for kind in kinds().values() for core in kind.cores]
NEEDS = {"python": "python3", "c": "gcc", "cpp": "g++", "java": "javac"}
# core -> (knobs, input, output), worked by hand
EXAMPLES_BY_HAND: dict[str, tuple[dict[str, int], str, str]] = {
    "best_run": ({}, "5\n-2 3 -1 4 -9\n", "6"),
    "rising": ({}, "6\n3 1 2 2 5 4\n", "3"),
    "inversions": ({}, "4\n3 1 2 1\n", "4"),
    "divisible_runs": ({"m": 3}, "4\n1 2 3 -3\n", "6"),
    "pairs_below": ({"s": 0}, "3\n-1 1 2\n", "1"),
    "first_greater": ({}, "4\n2 1 3 3\n", "2 1 0 0"),
    "mode": ({}, "5\n4 2 4 2 9\n", "2 2"),
    "circle": ({"k": 2}, "5\n10 20 30 40 50\n", "30"),
    "trade": ({"f": 1}, "4\n1 5 2 9\n", "9"),
    "islands": ({"t": 0}, "2 3\n1 0 1\n1 0 0\n", "2 2"),
    "maze": ({"t": -3}, "2 2\n0 -9\n0 0\n", "2"),
    "rectangle": ({}, "2 2\n1 -5\n2 3\n", "5"),
    "cheapest": ({}, "3 2\n1 2 5\n2 2 1\n", "0 5 -1"),
    "spanning": ({}, "3 3\n1 2 5\n2 3 1\n1 3 2\n", "3 2"),
    "covered": ({}, "3\n1 3\n2 5\n9 9\n", "6"),
    "crowd": ({}, "2\n1 3\n3 5\n", "2 3"),
    "meetings": ({}, "3\n1 3\n3 5\n6 7\n", "1"),
    "palindromes": ({}, "abba\n", "6 4"),
    "deletions": ({}, "abca\n", "1"),
    "period": ({}, "abcab\n", "3"),
    "subsequences": ({}, "aba\n", "6"),
}


def filled(part: Part, rng: random.Random) -> Part:
    return part.filled({knob: rng.choice(values) for knob, values in part.knobs.items()})


@pytest.mark.parametrize("name", sorted(EXAMPLES_BY_HAND))
def test_what_a_core_prints(name: str) -> None:
    kind, core = next((kind, core) for kind in kinds().values() for core in kind.cores if core.name == name)
    knobs, text, expected = EXAMPLES_BY_HAND[name]
    assert (output_of(Problem(kind, (), core.filled(knobs)).program(), text) or "").strip() == expected


@pytest.mark.parametrize("kind, core", CORES)
def test_a_slow_way_gives_the_same_and_a_slip_does_not(kind: Kind, core: Part) -> None:
    rng = random.Random(core.name)
    problems = [Problem(kind, (), filled(core, rng)) for _ in range(4)]
    texts = [*edge_inputs(kind.name), *(draw_input(rng, kind.name) for _ in range(25))]
    told = set()
    for problem in problems:
        for text in texts:
            expected = output_of(problem.program(), text)
            assert expected is not None
            if core.slow:
                assert output_of(problem.program(slow=True), text) == expected, text
            for number, slip in enumerate(problem.core.slips):
                try:
                    if output_of(problem.program(slip=slip), text, most_rounds=20_000) != expected:
                        told.add(number)
                except Endless:
                    told.add(number)
    assert told == set(range(len(core.slips)))


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_preparations_can_be_joined_in_any_order(kind: str) -> None:
    rng = random.Random(kind)
    for _ in range(20):
        problem = draw_problem(rng, kind, 2)
        for text in edge_inputs(kind):
            assert output_of(problem.program(), text) is not None


def test_a_world_has_examples_many_hidden_inputs_and_a_large_one() -> None:
    world = make_world(random.Random(4), "array", 1)
    cases = world["grading"]["cases"]
    assert cases[:EXAMPLES] == world["examples"] and len(cases) > EXAMPLES + HIDDEN
    assert int(cases[-1]["stdin"].split()[0]) >= 200
    assert all(case["stdin"] not in [each["stdin"] for each in world["examples"]] for case in cases[EXAMPLES:])


@pytest.mark.parametrize(
    "language",
    ["python", "c", pytest.param("cpp", marks=pytest.mark.slow), pytest.param("java", marks=pytest.mark.slow)],
)
async def test_languages_agree(language: str, bubblewrap: Backend) -> None:
    """One core of each kind of input, negative numbers among what is read."""
    if not shutil.which(NEEDS[language]):
        pytest.skip(f"{NEEDS[language]} is not installed")
    rng = random.Random(8)
    for kind in kinds().values():
        problem = draw_problem(rng, kind.name, 2)
        cases = []
        for text in [*edge_inputs(kind.name)[:2], draw_input(rng, kind.name)]:
            cases.append({"stdin": text, "stdout": output_of(problem.program(), text)})
        source = written(problem.program(), language)
        data = {"cases": cases, "output": FILES[language], "language": language, "time_limit_sec": 10.0}
        verdict = await grade_files("program", data, {FILES[language]: source.encode()}, bubblewrap)
        assert verdict.reward == 1, (problem.core.name, verdict.checks, source)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["python", "c", "cpp", "java"])
@pytest.mark.parametrize("kind, core", CORES)
async def test_every_core_in_every_language(language: str, kind: Kind, core: Part, bubblewrap: Backend) -> None:
    if not shutil.which(NEEDS[language]):
        pytest.skip(f"{NEEDS[language]} is not installed")
    rng = random.Random(core.name)
    problem = Problem(kind, (filled(rng.choice(kind.preparations), rng),), filled(core, rng))
    texts = [*edge_inputs(kind.name), *(draw_input(rng, kind.name) for _ in range(3))]
    cases = [{"stdin": text, "stdout": output_of(problem.program(), text)} for text in texts]
    data = {"cases": cases, "output": FILES[language], "language": language, "time_limit_sec": 10.0}
    source = written(problem.program(), language).encode()
    verdict = await grade_files("program", data, {FILES[language]: source}, bubblewrap)
    assert verdict.reward == 1, verdict.checks


@pytest.mark.parametrize("language", ["python", pytest.param("c", marks=pytest.mark.slow)])
async def test_a_quadratic_way_is_too_slow_for_the_large_input(language: str, bubblewrap: Backend) -> None:
    if not shutil.which(NEEDS[language]):
        pytest.skip(f"{NEEDS[language]} is not installed")
    (core,) = (each for each in kinds()["array"].cores if each.name == "inversions")
    problem = Problem(kinds()["array"], (), core)
    text = large_input(random.Random(1), "array", {"python": 20_000, "c": 250_000}[language])
    cases = [{"stdin": text, "stdout": output_of(problem.program(), text, most_rounds=20_000_000)}]
    data = {"cases": cases, "output": FILES[language], "language": language, "time_limit_sec": 2.0}
    for slow in (False, True):
        source = written(problem.program(slow=slow), language).encode()
        verdict = await grade_files("program", data, {FILES[language]: source}, bubblewrap)
        assert verdict.reward == (0 if slow else 1), verdict.checks


async def test_too_much_memory_is_refused(bubblewrap: Backend) -> None:
    world = make_world(random.Random(6), "word", 1)
    data = {**world["grading"], "cases": world["grading"]["cases"][:2], "memory_mb": 256}
    source = "x = bytearray(300 << 20)\n" + world["reference"]["solution.py"]
    verdict = await grade_files("program", data, {"solution.py": source.encode()}, bubblewrap)
    assert verdict.error is None and verdict.reward == 0


@pytest.mark.parametrize("text", ["x = [1]", "for i in [1]:\n    say(i)", "def f():\n    return 1", "x = 1 << 3"])
def test_what_is_outside_the_part_of_python_is_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        written(text, "c")
