"""Synthesis: what is proposed, what is left out and why; the body that is given back solves, a cheap one does not."""

import ast
from random import Random

import pytest

from environments import Backend
from tasks.candidate import Candidate
from tasks.generators._branches import Function, branch_coverage
from tasks.generators.synthesis import Synthesis
from tasks.repository import Repository
from tests.tasks.solving import accepted, unsolved

NUMBERS = "tinylib/numbers.py"


def proposed(repository: Repository) -> dict[str, Candidate]:
    return {each.symbol: each for each in Synthesis().candidates(repository, Random(1))}


def test_a_body_goes_and_signature_and_docstring_stay(tiny_repository: Repository) -> None:
    candidate = proposed(tiny_repository)["mean"]
    clean = (tiny_repository.source.code / NUMBERS).read_bytes()
    before, _, after = clean.partition(b"    values = list(values)\n")
    rest = after.partition(b"    return sum(values) / len(values)\n")[2]
    assert candidate.files == {NUMBERS: before + b"    raise NotImplementedError\n" + rest}
    assert [brief.name for brief in candidate.briefs] == ["complete", "instruct"]
    assert [brief.shows_failures for brief in candidate.briefs] == [True, False]
    assert candidate.briefs[0].context["docstring"] == "The arithmetic mean; 0.0 of nothing."
    assert candidate.details["coverage"]["ratio"] == 1.0


def test_context_is_told_by_what_the_body_uses(tiny_repository: Repository) -> None:
    found = proposed(tiny_repository)
    assert found["roman"].details["module_names_used"] == ["NUMERALS"]
    assert found["roman"].details["needs_context"]
    assert not found["mean"].details["needs_context"]


def test_what_is_not_proposed_has_its_reason(tiny_repository: Repository) -> None:
    generator = Synthesis()
    symbols = {each.symbol for each in generator.candidates(tiny_repository, Random(1))}
    reasons = {each.detail.split(": ")[1]: each.reason for each in generator.skipped}
    assert not symbols & reasons.keys()
    assert reasons["Stack.push"] == "no docstring to write it from"


def covered(body: str, runs: dict[int, tuple[int, ...]]) -> tuple[int, int]:
    """(covered, all) branches of a function whose body starts on line 2."""
    tree = ast.parse("def f(a):\n" + "".join(f"    {line}\n" for line in body.splitlines()))
    function = tree.body[0]
    assert isinstance(function, Function)
    coverage = branch_coverage(function, runs)
    return coverage.covered, coverage.branches


@pytest.mark.parametrize(
    ("body", "runs", "expected"),
    [
        ("return a", {2: (0,)}, (1, 1)),
        ("if a:\n    a = 1\nreturn a", {2: (0,), 3: (0,), 4: (0,)}, (2, 3)),  # one test, always true
        ("if a:\n    a = 1\nreturn a", {2: (0, 1), 3: (0,), 4: (0, 1)}, (3, 3)),
        ("if a:\n    return 1\nreturn a", {2: (0,), 3: (0,), 4: (0,)}, (3, 3)),  # past the `if`, or line 4 never
        ("if a:\n    return 1\nreturn a", {2: (0, 1), 3: (0,), 4: ()}, (3, 3)),
        ("if a:\n    a = 1\nelse:\n    a = 2", {2: (0,), 3: (0,)}, (2, 3)),
        ("for x in a:\n    b(x)\nreturn a", {2: (0,), 3: (0,), 4: (0,)}, (3, 3)),
        ("for x in a:\n    b(x)\nreturn a", {2: (0,), 4: (0,)}, (2, 3)),
        ("for x in a:\n    return x", {2: (0,), 3: (0,)}, (2, 3)),  # never seen to run out
        ("while True:\n    a()", {2: (0,), 3: (0,)}, (2, 2)),
        ("try:\n    a()\nexcept KeyError:\n    a = 1", {2: (0,), 3: (0,), 4: (0,)}, (1, 2)),
        ("match a:\n    case 1:\n        b()\n    case _:\n        c()", {2: (0,), 3: (0,), 4: (0,)}, (2, 3)),
    ],
)
def test_branches_follow_from_lines(body: str, runs: dict[int, tuple[int, ...]], expected: tuple[int, int]) -> None:
    assert covered(body, runs) == expected


async def test_the_body_solves_and_answers_for_some_values_do_not(
    tiny_repository: Repository, bubblewrap: Backend
) -> None:
    candidate = proposed(tiny_repository)["mean"]
    validated = await accepted(candidate, tiny_repository, bubblewrap)
    clean = (tiny_repository.source.code / NUMBERS).read_bytes()
    stub = b"    raise NotImplementedError\n"
    for_one_test = candidate.files[NUMBERS].replace(stub, b"    return 3\n")
    another_way = candidate.files[NUMBERS].replace(
        stub, b"    values = [*values]\n    return sum(values) / (len(values) or 1)\n"
    )
    assert len(validated.fail_to_pass) == 2
    assert await unsolved(validated, {}, tiny_repository, bubblewrap)
    assert not await unsolved(validated, {NUMBERS: clean}, tiny_repository, bubblewrap)
    assert not await unsolved(validated, {NUMBERS: another_way}, tiny_repository, bubblewrap)
    assert await unsolved(validated, {NUMBERS: for_one_test}, tiny_repository, bubblewrap)
