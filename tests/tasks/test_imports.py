"""Edits of what an import runs: is what the import leaves the same, and who has to be asked then?"""

import asyncio
from pathlib import Path

import pytest

from environments import Backend
from tasks._imports import Change, Imports
from tasks._test_server import TestServer
from tasks.candidate import Candidate, Place
from tasks.repository import Repository, prepare_repository
from tasks.selection import select_tests
from tasks.source import fetch_source
from tasks.testrun import VENV

MODULE = "settings/__init__.py"
FILES = {
    "pyproject.toml": "[project]\nname = 'settings'\nversion = '1'\nrequires-python = '>=3.9'\n",
    MODULE: """\
import itertools
import random
import re
import time
from abc import ABC
from collections.abc import Mapping

STARTED = time.time()
SEEN = set()


def checked(number):
    if number > 100 and number < 1000:
        return 100
    return number


def doubled(number):
    return 2 * number


class Setting:
    'A number that is checked.'

    def __init__(self, value):
        self.value = checked(value)

    def plus(self, more):
        return self.value + more

    def minus(self, less):
        return self.value - less


class Shape(ABC):
    pass


LEVEL = Setting(checked(3))
LEVEL.next = LEVEL
LIMITS = {"high": [Setting(checked(7))], "low": (checked(1), re.compile("a" * checked(2)))}
PAIRS = frozenset({checked(5), 6})
LATER = [lambda: checked(8)]
Shape.register(Setting)
""",
    "tests/test_settings.py": """\
from settings import LEVEL, checked, doubled


def test_level(): assert LEVEL.plus(1) == 4
def test_minus(): assert LEVEL.minus(1) == 2
def test_checked(): assert checked(200) == 100
def test_doubled(): assert doubled(2) == 4
""",
    "tests/test_told.py": """\
import settings


def test_told(): assert settings.Setting.__doc__
""",
}


@pytest.fixture(scope="module")
def settings(bubblewrap: Backend, session_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    folder = tmp_path_factory.mktemp("settings")
    for path, text in FILES.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    source = fetch_source(str(folder), cache=session_cache)
    return asyncio.run(prepare_repository(source, bubblewrap, cache=session_cache))


def edited(*edits: tuple[str, str], symbol: str = "checked", lines: tuple[int, int] = (12, 15)) -> Candidate:
    text = FILES[MODULE]
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    place = Place(path=MODULE, symbol=symbol, first_line=lines[0], last_line=lines[1], changed_lines=(lines[0] + 1,))
    return Candidate(generator="by hand", kind="", places=(place,), files={MODULE: text.encode()})


async def changed_by(repository: Repository, backend: Backend, *edits: tuple[str, str]) -> Change | None:
    async with TestServer(repository.verifier_spec(), backend, python=f"{VENV}/bin/python", warm=None) as server:
        return await Imports(repository).changed_by(edited(*edits), server)


async def test_an_import_that_leaves_all_as_it_was_names_the_functions_that_have_other_code(
    settings: Repository, bubblewrap: Backend
) -> None:
    assert await changed_by(settings, bubblewrap, ("        return 100\n", "        return 101\n")) == Change(
        {MODULE: {13, 14, 15}}
    )
    assert await changed_by(settings, bubblewrap, ("number > 100 and number < 1000", "number > 100")) == Change(
        {MODULE: {13, 14, 15}}
    )


async def test_methods_in_another_order_are_the_same_class(settings: Repository, bubblewrap: Backend) -> None:
    plus, minus = (
        "    def plus(self, more):\n        return self.value + more\n",
        "    def minus(self, less):\n        return self.value - less\n",
    )
    swapped = await changed_by(settings, bubblewrap, (f"{plus}\n{minus}", f"{minus}\n{plus}"))
    assert swapped == Change({})


async def test_another_docstring_matters_to_those_who_may_read_it(settings: Repository, bubblewrap: Backend) -> None:
    change = await changed_by(settings, bubblewrap, ("A number that is checked.", "A number."))
    assert change == Change({}, readers=frozenset({"tests/test_told.py::test_told"}))
    told = edited(("A number that is checked.", "A number."), symbol="Setting", lines=(22, 32))
    found = select_tests(told, settings, change)
    assert found.affected == ("tests/test_told.py::test_told",)


async def test_a_method_that_is_gone_matters_to_those_who_called_it(settings: Repository, bubblewrap: Backend) -> None:
    minus = "    def minus(self, less):\n        return self.value - less\n"
    assert await changed_by(settings, bubblewrap, (minus, "")) == Change({MODULE: {32}})
    assert await changed_by(settings, bubblewrap, (minus, ""), ("class Setting:", "class Setting(Shape):")) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return number\n\n\ndef doubled", "    return number + 1\n\n\ndef doubled"),
        ("checked(7)", "checked(8)"),
        ("checked(2)", "checked(3)"),
        ("checked(5)", "checked(4)"),
        ("LEVEL.next = LEVEL", "LEVEL.next = None"),
        ("class Setting:", "class Setting(Shape):"),
        ("Shape.register(Setting)", "Shape.register(int)"),
        ("    def minus(self, less):\n        return self.value - less\n", "    minus = None\n"),
        ("checked(value)\n", "checked(value)\n        SEEN.add(value)\n"),
        ("lambda: checked(8)", "lambda number=1: checked(8)"),
        ("from collections.abc import Mapping", "from collections.abc import Sequence"),
        ("SEEN = set()", "SEEN = itertools.count()"),
    ],
)
async def test_an_import_that_makes_something_else_is_seen(
    settings: Repository, bubblewrap: Backend, old: str, new: str
) -> None:
    assert await changed_by(settings, bubblewrap, (old, new)) is None


async def test_an_import_that_fails_is_another_one(settings: Repository, bubblewrap: Backend) -> None:
    assert await changed_by(settings, bubblewrap, ("number > 100 and number < 1000", "undefined")) is None


async def test_only_those_who_run_the_function_are_asked_then(settings: Repository) -> None:
    bug = edited(("        return 100\n", "        return 101\n"))
    guessed = select_tests(bug, settings)
    assert guessed.is_guessed and len(guessed.affected) > 1
    seen = select_tests(bug, settings, Change({MODULE: {13, 14, 15}}))
    assert [test.split("::")[-1] for test in seen.affected] == ["test_checked"] and seen.is_warm
