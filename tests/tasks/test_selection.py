"""Which tests a change can matter to, by what they run when the code is clean."""

from pathlib import Path

import pytest

from environments import Backend
from tasks.candidate import Candidate, Place
from tasks.repository import Repository, prepare_repository
from tasks.selection import Selection, select_tests
from tasks.source import fetch_source

NUMBERS, STACK = "tinylib/numbers.py", "tinylib/stack.py"


def selected(repository: Repository, path: str, symbol: str, old: str, new: str) -> Selection:
    clean = (repository.source.code / path).read_text()
    assert clean.count(old) == 1, old
    lines = clean.splitlines()
    name = symbol.split(".")[-1]
    first = next(at for at, line in enumerate(lines, 1) if line.strip().startswith((f"def {name}(", f"class {name}")))
    indent = len(lines[first - 1]) - len(lines[first - 1].lstrip())
    inside = (
        at for at in range(first, len(lines)) if lines[at].strip() and not lines[at].startswith(" " * (indent + 1))
    )
    last = next(inside, len(lines))
    at = clean[: clean.index(old)].count("\n") + 1
    changed = tuple(range(at, at + old.rstrip("\n").count("\n") + 1))
    place = Place(path=path, symbol=symbol, first_line=first, last_line=last, changed_lines=changed)
    return select_tests(
        Candidate(generator="by hand", kind="", places=(place,), files={path: clean.replace(old, new).encode()}),
        repository,
    )


def names(tests: tuple[str, ...]) -> set[str]:
    return {test.split("::")[1].split("[")[0] for test in tests}


def test_only_tests_that_run_the_changed_statement_are_affected(tiny_repository: Repository) -> None:
    found = selected(tiny_repository, NUMBERS, "clamp", "        return high\n", "        return low\n")
    assert found.is_warm
    assert set(found.affected) < set(found.reaching)
    assert all("clamp" in name or name == "test_command" for name in names(found.reaching))


def test_names_that_change_their_scope_matter_to_every_test_of_the_definition(tiny_repository: Repository) -> None:
    """With its only assignment gone, `total` is no local any more: lines far from the change mean something else."""
    found = selected(
        tiny_repository, NUMBERS, "running_totals", "        totals.append(total)\n", "        yield total\n"
    )
    assert set(found.affected) == set(found.reaching)


def test_tests_that_start_processes_are_always_asked(tiny_repository: Repository) -> None:
    assert [test.split("::")[1] for test in tiny_repository.starting_processes] == ["test_command"]
    found = selected(tiny_repository, NUMBERS, "clamp", "        return high\n", "        return low\n")
    assert set(tiny_repository.starting_processes) <= set(found.affected)


def test_affected_tests_come_in_the_order_in_which_they_are_verified(tiny_repository: Repository) -> None:
    """What one test leaves to the next is then the same as in a run of all."""
    found = selected(tiny_repository, NUMBERS, "clamp", "        return high\n", "        return low\n")
    assert list(found.affected) == [test for test in tiny_repository.stable_tests if test in found.affected]


@pytest.mark.parametrize(("old", "new"), [("class BoundedStack(Stack):", "class BoundedStack():")])
def test_a_class_matters_to_tests_that_name_it(tiny_repository: Repository, old: str, new: str) -> None:
    """Its body runs at import, which coverage does not tell apart by test."""
    found = selected(tiny_repository, STACK, "BoundedStack", old, new)
    assert not found.is_warm
    assert set(found.reaching) == set(tiny_repository.stable_tests)
    files = {test.split("::")[0] for test in found.affected} - {"tests/test_text.py"}
    assert files == {"tests/test_stack.py"}


KEPT = {
    "pyproject.toml": "[project]\nname = 'kept'\nversion = '1'\nrequires-python = '>=3.9'\n",
    "kept/__init__.py": """\
_table = None


def table():
    global _table
    if _table is None:
        _table = _make()
    return _table


def _make():
    return {number: number * number for number in range(10)}


def square(number):
    return table()[number]


def double(number):
    return 2 * number
""",
    "tests/test_kept.py": """\
from kept import double, square


def test_one(): assert square(1) == 1
def test_two(): assert square(2) == 4
def test_three(): assert square(3) == 9
def test_four(): assert square(4) == 16
def test_other(): assert double(2) == 4
""",
}


async def test_what_the_first_test_makes_for_all_matters_to_all_who_use_it(
    session_cache: Path, bubblewrap: Backend, tmp_path: Path
) -> None:
    for path, text in KEPT.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    source = fetch_source(str(tmp_path), cache=session_cache)
    repository = await prepare_repository(source, bubblewrap, cache=session_cache)
    assert repository.order_lines == {"kept/__init__.py": (7, 12)}, "seen in one test, another one in another order"
    found = selected(repository, "kept/__init__.py", "_make", "number * number", "number + number")
    assert names(found.affected) == {"test_one", "test_two", "test_three", "test_four"}
    assert found.is_warm
    other = selected(repository, "kept/__init__.py", "double", "2 * number", "3 * number")
    assert names(other.affected) == {"test_other"}
