"""Which tests a change can matter to, by what they run when the code is clean."""

import pytest

from tasks.candidate import Candidate, Place
from tasks.repository import Repository
from tasks.selection import Selection, select_tests

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


def test_the_quick_tests_come_first(tiny_repository: Repository) -> None:
    found = selected(tiny_repository, NUMBERS, "clamp", "        return high\n", "        return low\n")
    seconds = [tiny_repository.clean_seconds[test] for test in found.affected]
    assert seconds == sorted(seconds)


@pytest.mark.parametrize(("old", "new"), [("class BoundedStack(Stack):", "class BoundedStack():")])
def test_a_class_matters_to_tests_that_name_it(tiny_repository: Repository, old: str, new: str) -> None:
    """Its body runs at import, which coverage does not tell apart by test."""
    found = selected(tiny_repository, STACK, "BoundedStack", old, new)
    assert not found.is_warm
    assert set(found.reaching) == set(tiny_repository.stable_tests)
    files = {test.split("::")[0] for test in found.affected} - {"tests/test_text.py"}
    assert files == {"tests/test_stack.py"}
