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


async def prepared(files: dict[str, str], folder: Path, backend: Backend, cache: Path) -> Repository:
    for path, text in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    return await prepare_repository(fetch_source(str(folder), cache=cache), backend, cache=cache)


@pytest.fixture
async def methods(session_cache: Path, bubblewrap: Backend, tmp_path: Path) -> Repository:
    return await prepared(METHODS, tmp_path, bubblewrap, session_cache)


def names(tests: tuple[str, ...]) -> set[str]:
    return {test.split("::")[-1].split("[")[0] for test in tests}


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
    assert [test.split("::")[-1] for test in tiny_repository.starting_processes] == ["test_command"]
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


METHODS = {
    "pyproject.toml": "[project]\nname = 'methods'\nversion = '1'\nrequires-python = '>=3.9'\n",
    "methods/__init__.py": """\
class Pair:
    def __init__(self, one, other):
        self.one, self.other = one, other

    def total(self):
        return self.one + self.other

    def product(self):
        return self.one * self.other

    def __len__(self):
        return 2

    def named(self):
        return "pair"
""",
    "tests/test_methods.py": """\
from methods import Pair


def test_total(): assert Pair(1, 2).total() == 3
def test_product(): assert Pair(1, 2).product() == 2
def test_length(): assert len(Pair(1, 2)) == 2
def test_named(): assert Pair(1, 2).named() == "pair" and hasattr(Pair, "named")
""",
}
PRODUCT, NAMED = "    def product(self):\n        return self.one * self.other\n", '        return "pair"\n'
LENGTH = "    def __len__(self):\n        return 2\n"
ALL = {"test_total", "test_product", "test_length", "test_named"}


@pytest.mark.parametrize(
    ("old", "new", "affected"),
    [
        pytest.param(PRODUCT, "", {"test_product"}, id="a method is gone: whoever called it"),
        pytest.param(f"{PRODUCT}\n{LENGTH}", f"{LENGTH}\n{PRODUCT}", ALL, id="one that Python looks for has moved"),
        pytest.param(LENGTH, "", ALL, id="one that Python looks for is gone"),
        pytest.param(f"    def named(self):\n{NAMED}", "", ALL, id="one that is asked for by a string is gone"),
        pytest.param(PRODUCT, f"{PRODUCT}    one = 1\n", ALL, id="something else has come"),
    ],
)
async def test_a_method_that_a_class_has_lost_matters_to_tests_that_call_it(
    methods: Repository, old: str, new: str, affected: set[str]
) -> None:
    found = selected(methods, "methods/__init__.py", "Pair", old, new)
    assert names(found.affected) == affected
    assert not found.is_warm


async def test_the_order_of_methods_matters_to_tests_that_call_them(methods: Repository) -> None:
    total = "    def total(self):\n        return self.one + self.other\n"
    found = selected(methods, "methods/__init__.py", "Pair", f"{total}\n{PRODUCT}", f"{PRODUCT}\n{total}")
    assert names(found.affected) == {"test_total", "test_product"}


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
    repository = await prepared(KEPT, tmp_path, bubblewrap, session_cache)
    found = selected(repository, "kept/__init__.py", "_make", "number * number", "number + number")
    assert names(found.affected) == {"test_one", "test_two", "test_three", "test_four"}
    assert found.is_warm
    other = selected(repository, "kept/__init__.py", "double", "2 * number", "3 * number")
    assert names(other.affected) == {"test_other"}


SHARED = {
    "pyproject.toml": "[project]\nname = 'shared'\nversion = '1'\nrequires-python = '>=3.9'\n",
    "shared/__init__.py": """\
def grown(number):
    return number + 1


def made(number):
    return [number]


def ended(numbers):
    numbers.clear()


def read(number):
    return number * 2


def double(number):
    return 2 * number
""",
    "tests/test_fixture.py": """\
import pytest
from shared import double, ended, made


@pytest.fixture(scope="module")
def numbers():
    found = made(1)
    yield found
    ended(found)


class TestGrown:
    @classmethod
    def setup_class(cls):
        from shared import grown
        cls.number = grown(1)

    def test_one(self): assert self.number == 2
    def test_two(self): assert self.number == 2


def test_first(numbers): assert numbers == [1]
def test_last(numbers): assert len(numbers) == 1
def test_other(): assert double(2) == 4
""",
    "tests/test_table.py": """\
from shared import double, read

TABLE = [read(1), read(2)]


def test_table(): assert TABLE == [2, 4]
def test_double(): assert double(1) == 2
""",
    "tests/test_uses.py": """\
from test_table import TABLE


def test_sum(): assert sum(TABLE) == 6
""",
}


@pytest.mark.parametrize(
    ("function", "old", "new", "tests", "is_warm"),
    [
        ("grown", "+ 1", "+ 2", {"test_one", "test_two"}, True),
        ("made", "[number]", "[number + 1]", {"test_first", "test_last"}, True),
        ("ended", "clear()", "pop()", {"test_first", "test_last"}, True),
        ("read", "* 2", "* 3", {"test_table", "test_double", "test_sum"}, False),
        ("double", "2 *", "3 *", {"test_other", "test_double"}, True),
    ],
)
async def test_what_runs_once_for_a_class_or_a_module_matters_to_its_tests(
    session_cache: Path, bubblewrap: Backend, tmp_path: Path, function: str, old: str, new: str, tests: set[str],
    is_warm: bool,
) -> None:  # fmt: skip
    repository = await prepared(SHARED, tmp_path, bubblewrap, session_cache)
    found = selected(repository, "shared/__init__.py", function, old, new)
    assert names(found.affected) == tests and found.is_warm is is_warm


LUCK = {
    "pyproject.toml": "[project]\nname = 'luck'\nversion = '1'\nrequires-python = '>=3.9'\n",
    "luck/__init__.py": "import random\n\n\ndef walk():\n    at = 0\n"
    + "    if random.random() < 0.5:\n        at += 1\n" * 40
    + "    return at\n\n\ndef double(number):\n    return 2 * number\n",
    "tests/test_luck.py": """\
from luck import double, walk


def test_walk(): assert 0 <= walk() <= 40
def test_double(): assert double(2) == 4
""",
}


async def test_lines_that_a_test_runs_by_luck_matter_to_that_test_only(
    session_cache: Path, bubblewrap: Backend, tmp_path: Path
) -> None:
    repository = await prepared(LUCK, tmp_path, bubblewrap, session_cache)
    found = selected(repository, "luck/__init__.py", "walk", "at = 0", "at = 1")
    assert names(found.affected) == {"test_walk"}


AT_IMPORT = {
    "pyproject.toml": "[project]\nname = 'early'\nversion = '1'\nrequires-python = '>=3.9'\n",
    "early/__init__.py": """\
def scaled(number, factor=2):
    if factor > 100:
        return number * factor - 1
    return number * factor


def counted(most):
    for number in range(most):
        if number > 5:
            yield number + 1
        yield number


LIMIT = scaled(5)
NUMBERS = counted(9)
FIRST = next(NUMBERS)
""",
    "tests/test_early.py": """\
from early import LIMIT, counted, scaled


def test_limit(): assert LIMIT == 10
def test_little(): assert scaled(1) == 2
def test_much(): assert scaled(1, 200) == 199
def test_counted(): assert len(list(counted(9))) == 12
""",
}


async def test_statements_that_no_import_runs_matter_to_their_tests_alone(
    session_cache: Path, bubblewrap: Backend, tmp_path: Path
) -> None:
    """Though the function runs at import. Not so where it was begun then, and goes on later."""
    repository = await prepared(AT_IMPORT, tmp_path, bubblewrap, session_cache)
    path = "early/__init__.py"
    rare = selected(repository, path, "scaled", "factor - 1", "factor + 1")
    assert names(rare.affected) == {"test_much"} and not rare.is_warm
    usual = selected(repository, path, "scaled", "    return number * factor\n", "    return number + factor\n")
    assert names(usual.affected) == {"test_limit", "test_little", "test_much", "test_counted"}
    assert {"test_little"} == names(tuple(usual.near))
    begun = selected(repository, path, "counted", "yield number + 1", "yield number + 2")
    assert names(begun.affected) == names(repository.stable_tests)
