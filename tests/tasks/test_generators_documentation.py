"""Code and documentation: what becomes stale and how, what solves, and what only looks as if it did."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from environments import Backend
from tasks.candidate import Candidate, Rejection
from tasks.checks import check_file
from tasks.checks.documentation import entries
from tasks.errors import TaskFault
from tasks.generators.documentation import CodeFromDocs, DocsFromCode, from_pairs
from tasks.repository import Repository, prepare_repository
from tasks.source import fetch_source
from tasks.validation import validate_candidate
from tests.tasks.documented_repository import DOCUMENTED_FILES
from tests.tasks.solving import accepted, unsolved

WORDS = "wordlib/words.py"
CLEAN = DOCUMENTED_FILES[WORDS]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, session_cache: Path, bubblewrap: Backend) -> Repository:
    folder = tmp_path_factory.mktemp("wordlib")
    for path, text in DOCUMENTED_FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    source = fetch_source(str(folder), cache=session_cache)
    return asyncio.run(prepare_repository(source, bubblewrap, cache=session_cache))


def stale(repository: Repository, symbol: str, kind: str) -> Candidate:
    found = DocsFromCode().candidates(repository, Random(1))
    return next(each for each in found if each.symbol == symbol and each.kind.startswith(kind))


def changed_lines(candidate: Candidate) -> list[str]:
    """Lines of the agent's file that the clean one lacks."""
    clean = CLEAN.splitlines()
    return [line.strip() for line in candidate.files[WORDS].decode().splitlines() if line not in clean]


@pytest.mark.parametrize(
    "docstring",
    [
        "Args:\n    a: one\n    *rest (int): others\n        that go on\n\nReturns:\n    c: no parameter\n",
        "Parameters\n----------\na : int\n    One.\n*rest\n    Others.\n\nReturns\n-------\nc : int\n    None.\n",
        ":param int a: one\n:param rest: others\n  that go on\n:returns: c\n",
    ],
)
def test_parameters_are_read_in_three_styles(docstring: str) -> None:
    assert [entry.name for entry in entries(docstring)] == ["a", "rest"]


@pytest.mark.parametrize(
    ("text", "default"),
    [
        ("x: how many, default 3", "3"),
        ("x: Defaults to ``None``.", "None"),
        ("x (str): (default: 'a')", "'a'"),
        ("x: the default is taken from y", None),
    ],
)
def test_a_stated_default_is_read(text: str, default: str | None) -> None:
    (entry,) = entries(f"Args:\n    {text}\n")
    assert entry.default == default


def test_each_part_of_a_docstring_becomes_stale(repository: Repository) -> None:
    assert changed_lines(stale(repository, "twice", "results")) == ["9", "1"]
    (default,) = changed_lines(stale(repository, "shorten", "default"))
    assert default in (
        "limit (int): most characters that are left, default 11",
        "mark: stands for what was cut. Defaults to '..._'.",
    )
    assert changed_lines(stale(repository, "initials", "entry")) == []
    assert len(changed_lines(stale(repository, "initials", "name"))) == 1
    assert all(each.places[0].path == WORDS for each in DocsFromCode().candidates(repository, Random(1)))


def test_the_code_as_it_was_before_a_parameter(repository: Repository) -> None:
    found = {each.kind: each for each in CodeFromDocs().candidates(repository, Random(1))}
    before_upper = found["without the parameter upper"].files[WORDS].decode()
    assert "def initials(name):\n" in before_upper
    assert '    letters = "".join(word[0] for word in name.split())\n    return letters\n\n\n' in before_upper
    before_mark = found["without the parameter mark"].files[WORDS].decode()
    assert "def shorten(text, limit=10):\n" in before_mark
    assert '    return text[:limit] + "..."\n' in before_mark


async def test_code_that_follows_its_docstring_solves(repository: Repository, bubblewrap: Backend) -> None:
    found = CodeFromDocs().candidates(repository, Random(1))
    candidate = next(each for each in found if each.kind == "without the parameter upper")
    validated = await accepted(candidate, repository, bubblewrap)
    another_way = CLEAN.replace("    if upper:\n        return letters.upper()\n    return letters\n",
                                "    return letters.upper() if upper else letters\n")  # fmt: skip
    given = candidate.files[WORDS].decode()
    docstring_made_to_fit = given.replace("    :param bool upper: give capital letters\n", "")
    parameter_without_effect = given.replace("def initials(name):", "def initials(name, upper=False):")
    assert not await unsolved(validated, {WORDS: another_way.encode()}, repository, bubblewrap)
    assert await unsolved(validated, {WORDS: docstring_made_to_fit.encode()}, repository, bubblewrap)
    assert await unsolved(validated, {WORDS: parameter_without_effect.encode()}, repository, bubblewrap)


async def test_a_change_that_no_example_shows_is_no_task(repository: Repository, bubblewrap: Backend) -> None:
    """`mark` may be cut off at the limit exactly or not: the tests know, the docstring does not tell."""
    found = [each for each in CodeFromDocs().candidates(repository, Random(1)) if each.symbol == "shorten"]
    boundary = next((each for each in found if b"if len(text) < limit:" in each.files[WORDS]), None)
    if boundary is None:
        pytest.skip("the generator drew other edits")
    result = await validate_candidate(boundary, repository, bubblewrap)
    assert isinstance(result, Rejection)
    assert "tells_what_to_do" in result.detail


async def test_the_right_docstring_solves_and_cheap_ones_do_not(repository: Repository, bubblewrap: Backend) -> None:
    candidate = stale(repository, "twice", "results")
    validated = await accepted(candidate, repository, bubblewrap)
    given = candidate.files[WORDS].decode()
    reworded = CLEAN.replace("Count two times.", "Count two times, never more.")
    cheats = {
        "nothing": given,
        "examples removed": given.replace("    >>> twice(4)\n    9\n", ""),
        "example skipped": given.replace("twice(4)\n    9", "twice(4)  # doctest: +SKIP\n    9").replace(
            "\n    1\n", "\n    0\n"
        ),
        "result left open": CLEAN.replace("    8\n", "    ...\n").replace("twice(4)", "twice(4)  # doctest: +ELLIPSIS"),
        "code made to fit": given.replace("return count + count", "return count + count + 1"),
        "docstring emptied": CLEAN.replace("    Count two times.\n", "").replace('"""Count two times.\n', '"""\n'),
    }
    assert not await unsolved(validated, {WORDS: CLEAN.encode()}, repository, bubblewrap)
    assert not await unsolved(validated, {WORDS: reworded.encode()}, repository, bubblewrap)
    for name, text in cheats.items():
        assert await unsolved(validated, {WORDS: text.encode()}, repository, bubblewrap), name


@pytest.mark.parametrize("kind", ["default", "name", "entry"])
async def test_a_stale_parameter_section_is_seen(kind: str, repository: Repository, bubblewrap: Backend) -> None:
    candidate = stale(repository, "shorten", kind)
    validated = await accepted(candidate, repository, bubblewrap)
    own = "tests/test_gristmill_documentation.py::test_parameters_are_those_of_the_signature"
    assert own in validated.fail_to_pass
    assert not await unsolved(validated, {WORDS: CLEAN.encode()}, repository, bubblewrap)


async def test_a_commit_that_changed_both_gives_both_directions(repository: Repository, bubblewrap: Backend) -> None:
    old = CLEAN.replace("return count + count", "return count * 3").replace("Count two times.", "Count three times.")
    old = old.replace("    8\n", "    12\n").replace("def twice", "def unrelated():\n    return 1\n\n\ndef twice")
    found = list(from_pairs(repository, [(WORDS, old.encode(), CLEAN.encode())]))
    assert [each.generator for each in found] == ["code_from_docs", "docs_from_code"]
    assert {each.symbol for each in found} == {"twice"}
    assert changed_lines(found[0]) == ["return count * 3"]
    assert changed_lines(found[1]) == ['"""Count three times.', "12"]
    for candidate in found:
        await accepted(candidate, repository, bubblewrap)


def test_a_check_needs_a_place_for_its_data() -> None:
    with pytest.raises(TaskFault, match="no check 'unknown'"):
        check_file("unknown", {})
