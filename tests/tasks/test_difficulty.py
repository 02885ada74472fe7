"""Difficulty: counted from the reference and the tests, and the way between them through the code."""

import pytest

from environments import Diff, FileChange
from tasks._call_graph import CallGraph, Node
from tasks.candidate import Place
from tasks.difficulty import Difficulty, difficulty_of, measure_difficulty, repository_calls
from tasks.errors import BadTaskFolder
from tasks.repository import Repository
from tasks.task import Provenance

FILES = {
    "src/shop/__init__.py": "from shop.cart import Cart\n",
    "src/shop/cart.py": """\
from shop import money
from .rules import discount as lowered

class Base:
    def total(self):
        return sum(self.prices())

class Cart(Base):
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return count(self.items)

    def prices(self):
        return [money.rounded(lowered(item)) for item in self.items]

def count(items):
    return len(list(items))
""",
    "src/shop/money.py": """\
def rounded(amount):
    return HOW['cents'](amount)

def cents(x):
    return round(x, 2)

HOW = {'cents': cents}
""",
    "src/shop/rules.py": "@registered\ndef discount(item):\n    return item\n\ndef lonely():\n    return 1\n",
    "tests/conftest.py": """\
import pytest
from shop import Cart

@pytest.fixture
def cart():
    return Cart([1, 2])
""",
    "tests/test_cart.py": """\
from shop.cart import Cart, count
from shop.rules import discount

def test_count():
    assert count([1]) == 1

def test_length(cart):
    assert len(cart) == 2

class TestTotals:
    def test_total(self, cart):
        assert cart.total() == 3
""",
}


@pytest.fixture(scope="module")
def shop() -> CallGraph:
    return CallGraph().with_files({path: text.encode() for path, text in FILES.items()})


@pytest.mark.parametrize(
    ("path", "symbol", "ways"),
    [
        # The test itself; then fixture → Cart → Cart.__len__ (operators are not seen as names) → count.
        ("src/shop/cart.py", "count", {"test_count": 1, "test_length": 3, "TestTotals.test_total": 3}),
        # Who makes an object calls its `__init__`.
        ("src/shop/cart.py", "Cart.__init__", {"test_count": None, "test_length": 2}),
        ("src/shop/cart.py", "Base.total", {"test_count": None, "TestTotals.test_total": 1}),
        # total → prices → money.rounded → HOW, a table → cents.
        ("src/shop/money.py", "cents", {"TestTotals.test_total": 5, "test_count": None}),
        ("src/shop/rules.py", "lonely", {"test_count": None, "TestTotals.test_total": None}),
    ],
)
def test_the_way_from_a_test_to_a_definition(
    shop: CallGraph, path: str, symbol: str, ways: dict[str, int | None]
) -> None:
    found = shop.distances(shop.at(path, symbol, 1))
    assert {test: found.get(Node("tests/test_cart.py", test)) for test in ways} == ways


def test_imports_and_renames_are_followed(shop: CallGraph) -> None:
    found = shop.distances(shop.at("src/shop/rules.py", "discount", 2))
    assert found[Node("src/shop/cart.py", "Cart.prices")] == 1
    assert Node("src/shop/cart.py", "count") not in found


def test_a_changed_class_is_the_class_and_what_is_in_it(shop: CallGraph) -> None:
    symbols = {node.symbol for node in shop.at("src/shop/cart.py", "Cart", 8)}
    assert symbols == {"Cart", "Cart.__init__", "Cart.__len__", "Cart.prices"}
    assert {node.symbol for node in shop.at("src/shop/cart.py", "no such name", 6)} == {"Base.total"}
    assert shop.at("src/shop/cart.py", "no such name", 999) == frozenset()


def test_a_file_that_does_not_parse_is_left_out(shop: CallGraph) -> None:
    more = shop.with_files(
        {"src/shop/new.py": b"def broken(:\n", "tests/test_new.py": b"def test_new(cart):\n    pass\n"}
    )
    found = more.distances(more.at("src/shop/cart.py", "Cart.__init__", 9))
    assert found[Node("tests/test_new.py", "test_new")] == 2


HIDDEN = """\
from tinylib import clamp

def near():
    return clamp(1, 2, 3)

def test_it():
    assert near()
"""


def test_a_task_is_measured(tiny_repository: Repository) -> None:
    path = "tinylib/numbers.py"
    clean = (tiny_repository.source.code / path).read_bytes()
    buggy = clean.replace(b"        return high\n", b"        return low\n").replace(b'"""Numbers."""\n', b"")
    reference = Diff(changes=(FileChange(path=path, before=buggy, after=clean),))
    place = Place(path=path, symbol="clamp", first_line=4, last_line=12, changed_lines=(11,))
    tests = ("tests/test_numbers.py::test_clamp[11-10]", "tests/test_text.py::test_wrap", "tests/test_new.py::test_it")
    hidden = {"tests/test_new.py": HIDDEN.encode()}
    difficulty = measure_difficulty(tiny_repository, [place], reference, tests, hidden=hidden)
    assert difficulty == Difficulty(files=1, lines=3, tests=3, distance=1, distance_median=1.5, tests_without_way=1)
    calls = repository_calls(tiny_repository)
    again = measure_difficulty(tiny_repository, [place], reference, tests[1:2], calls=calls)
    assert (again.distance, again.distance_median, again.tests_without_way) == (None, None, 1)


def test_it_is_stored_in_the_provenance() -> None:
    difficulty = Difficulty(files=1, lines=2, tests=3)
    details = {"difficulty": difficulty.model_dump(mode="json", exclude_none=True)}
    provenance = Provenance(source="pypi:a==1", source_hash="h", details=details)
    assert difficulty_of(provenance) == difficulty
    assert difficulty_of(provenance.model_copy(update={"details": {}})) is None
    with pytest.raises(BadTaskFolder, match=r"pypi:a==1: .*details.difficulty: lines: .*integer"):
        difficulty_of(provenance.model_copy(update={"details": {"difficulty": {"files": 1, "lines": "x", "tests": 3}}}))
