"""Missing tests: which bugs are planted, and which files of tests find them without looking at the source."""

import ast
from random import Random
from textwrap import dedent

import pytest

from environments import Backend, running
from tasks.candidate import Candidate
from tasks.checks.missing_tests import REWRITINGS, rewritten
from tasks.generators._source_file import parse_source_file
from tasks.generators._test_files import only_tests, without_tests
from tasks.generators.missing_tests import CHECK, MissingTests
from tasks.repository import Repository
from tasks.testrun import run_tests
from tests.tasks.solving import accepted, unsolved

NUMBERS = "tinylib/numbers.py"
WRITTEN = "tests/test_added_roman.py"


def of(symbol: str, repository: Repository) -> Candidate:
    return next(each for each in MissingTests(most_bugs=2).candidates(repository, Random(1)) if each.symbol == symbol)


def test_the_tests_of_a_function_are_taken_out_and_are_the_reference(tiny_repository: Repository) -> None:
    candidate = of("roman", tiny_repository)
    old = candidate.hidden["tests/test_numbers.py"].decode()
    assert candidate.reference is not None
    (change,) = candidate.reference.changes
    assert (change.path, change.before) == (WRITTEN, None)
    assert candidate.allowed == (WRITTEN,)
    assert candidate.files == {}
    new = (change.after or b"").decode()
    assert "def test_roman(" not in old and "def test_clamp(" in old
    assert "def test_roman(" in new and "def test_clamp(" not in new
    assert "@pytest.mark.parametrize" in new and "import pytest" in new


async def test_what_is_left_runs_none_of_the_lines_with_bugs(tiny_repository: Repository, bubblewrap: Backend) -> None:
    """By coverage of the tests that are left, measured anew."""
    candidate = of("roman", tiny_repository)
    removed = set(candidate.details["removed_tests"])
    left = [test for test in tiny_repository.stable_tests if test.partition("[")[0] not in removed]
    async with running(bubblewrap, tiny_repository.verifier_spec()) as sandbox:
        await sandbox.write_files(candidate.hidden)
        report = await run_tests(sandbox, left, timeout_sec=100, coverage=["tinylib"])
    run = {line for result in report.results for line in result.lines.get(NUMBERS, ())}
    assert run and not run & {bug["line"] for bug in candidate.details["bugs"]}


def test_the_instruction_says_where_and_quotes_nothing(tiny_repository: Repository) -> None:
    candidate = of("roman", tiny_repository)
    lines = (tiny_repository.source.code / NUMBERS).read_text().splitlines()
    said = candidate.briefs[0].context["untested"]
    first = lines.index("def roman(number):") + 3
    assert said == [
        f"line {first}: in the function's own block",
        f"line {first + 1}: inside an `if`",
        f"lines {first + 2}-{first + 3}: in the function's own block",
        f"line {first + 4}: inside a loop",
        f"lines {first + 5}-{first + 6}: inside a loop, inside a loop",
        f"line {first + 7}: in the function's own block",
    ]
    assert not candidate.briefs[0].shows_failures


def test_a_class_without_tests_goes_or_passes() -> None:
    text = dedent("""\
        import helper


        class TestA:
            @helper.mark
            def test_one(self):
                assert 1


        class TestB:
            def test_two(self):
                assert 2
        """)
    file = parse_source_file("tests/test_x.py", text.encode())
    assert file is not None
    assert (
        only_tests(file, {"TestB.test_two"})
        == b"import helper\n\n\n" + b"\n\n" + text[text.index("class TestB") :].encode()
    )
    left = without_tests(file, {"TestA.test_one"}).decode()
    assert "class TestA:\n    pass\n" in left and "helper.mark" not in left
    ast.parse(left)


@pytest.mark.parametrize("how", REWRITINGS)
def test_a_rewriting_behaves_the_same_and_reads_otherwise(how: str) -> None:
    text = dedent('''\
        import functools

        def total(values, start=0):
            """Sum."""
            # each in turn
            result = start
            for value in values:
                if value is None:
                    continue
                else:
                    result += value
            label = f"{result=}"
            again = [result for result in values if result]
            try:
                return label, again, (lambda value: value + 1)(result)
            except TypeError as error:
                return error

        def looks():
            inner = 1
            return sorted(locals())
        ''')
    other = rewritten(text, how)
    assert other != text
    before: dict[str, object] = {}
    after: dict[str, object] = {}
    exec(text, before)
    exec(other, after)
    for arguments in (([1, None, 2],), ([1, 2], 5), ([],)):
        assert after["total"](*arguments)[1:] == before["total"](*arguments)[1:]  # type: ignore[operator]
    assert after["looks"]() == before["looks"]()  # type: ignore[operator]
    if how == "rearranged":
        assert after["total"].__code__.co_code != before["total"].__code__.co_code  # type: ignore[attr-defined]


ENOUGH = """\
import pytest

from tinylib import roman


@pytest.mark.parametrize("number", range(1, 40))
def test_it_reads_back(number):
    values = {"I": 1, "V": 5, "X": 10}
    digits = [values[letter] for letter in roman(number)]
    signed = [-one if one < two else one for one, two in zip(digits, [*digits[1:], 0])]
    assert sum(signed) == number


@pytest.mark.parametrize("number", [-3, 0, 40, 41, 100])
def test_it_refuses(number):
    with pytest.raises(ValueError):
        roman(number)
"""

LOOKS_AT_THE_SOURCE = """\
import inspect

from tinylib import roman


def test_source():
    assert "while number >= value:" in inspect.getsource(roman)
    assert "if number < 1 or number > 39:" in inspect.getsource(roman)
    assert "number -= value" in inspect.getsource(roman) and "+= numeral" in inspect.getsource(roman)
"""

LOOKS_AT_THE_CODE = """\
from tinylib import roman


def test_code():
    code = roman.__code__
    assert (len(code.co_code), code.co_consts[1:]) == ({size}, {constants})
"""


async def test_tests_of_behaviour_solve_and_others_do_not(tiny_repository: Repository, bubblewrap: Backend) -> None:
    candidate = of("roman", tiny_repository)
    validated = await accepted(candidate, tiny_repository, bubblewrap)
    assert all(test.startswith(f"{CHECK}::test_kills[") for test in validated.fail_to_pass)
    assert len(validated.fail_to_pass) >= 2
    clean = (tiny_repository.source.code / NUMBERS).read_bytes()
    exec(clean, namespace := {})
    code = namespace["roman"].__code__
    cheats = {
        "nothing": {},
        "fails always": {WRITTEN: b"def test_it():\n    assert False\n"},
        "runs and asserts nothing": {WRITTEN: b"from tinylib import roman\n\n\ndef test_it():\n    roman(4)\n"},
        "no test": {WRITTEN: b"from tinylib import roman\n\nassert roman(4) == 'IV'\nassert roman(39) == 'XXXIX'\n"},
        "reads the source": {WRITTEN: LOOKS_AT_THE_SOURCE.encode()},
        "reads the compiled code": {
            WRITTEN: LOOKS_AT_THE_CODE.format(size=len(code.co_code), constants=code.co_consts[1:]).encode()
        },
        "changes the code": {WRITTEN: ENOUGH.encode(), NUMBERS: clean + b"\n"},
    }  # fmt: skip
    assert not await unsolved(validated, {WRITTEN: ENOUGH.encode()}, tiny_repository, bubblewrap)
    for name, written in cheats.items():
        assert await unsolved(validated, written, tiny_repository, bubblewrap), name
