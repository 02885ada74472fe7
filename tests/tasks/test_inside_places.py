"""Node ids: which definitions of a test file lead to what is wanted; and where a statement of it begins and ends."""

import ast
from pathlib import Path

import pytest

from tasks._inside.places import Places
from tasks._inside.quick_sources import around, bare


@pytest.mark.parametrize(
    ("wanted", "place", "leads"),
    [
        ("tests/test_a.py::test_one", "tests/test_a.py::test_one", True),
        ("tests/test_a.py::test_one", "tests/test_a.py::test_one_more", False),
        ("tests/test_a.py::test_one[x::y-[z]]", "tests/test_a.py::test_one", True),
        ("tests/test_a.py::test_one[x::y-[z]]", "tests/test_a.py::x", False),
        ("tests/test_a.py::TestAll::test_one[1]", "tests/test_a.py::TestAll", True),
        ("tests/test_a.py::TestAll::test_one[1]", "tests/test_a.py::TestAll::test_one", True),
        ("tests/test_a.py::TestAll::test_one[1]", "tests/test_a.py::TestAll::test_two", False),
        ("tests/test_a.py::TestAll", "tests/test_a.py::TestAll::test_two", True),
        ("tests/test_a.py", "tests/test_a.py::TestAll::test_two", True),
        ("tests", "tests/test_a.py::test_one", True),
        ("tests/test_b.py", "tests/test_a.py::test_one", False),
    ],
)
def test_a_definition_leads_to_a_wanted_test_or_lies_in_what_is_wanted(wanted: str, place: str, leads: bool) -> None:
    assert Places([wanted]).lead_to(place) is leads


STATEMENTS = """

@one(
    1)
@two
class Last:
    def one(self, value=lambda: 1):
        try:
            match value:
                case 1:
                    pass
                case _:
                    while value:
                        value()
                    else:
                        pass
        except (
            KeyError):
            pass
        else:
            return (
                1)
        finally:
            pass
"""


def test_pytest_finds_the_same_statement_in_the_part_around_a_line() -> None:
    from _pytest._code.source import get_statement_startend2

    text = Path(__file__).read_text() + STATEMENTS
    tree = ast.parse(text)
    lines = range(4, text.count("\n"))
    whole = [get_statement_startend2(line, tree) for line in lines]
    assert [get_statement_startend2(line, around(line, tree)) for line in lines] == whole
    assert [get_statement_startend2(line, bare(around(line, tree))) for line in lines] == whole
    assert len(set(whole)) > 10
