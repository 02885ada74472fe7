"""Tests that tell right code from mutants; and tests that only seem to."""

import pytest

CODE = {
    "area.py": (
        'def area(a, b):\n    """Of a rectangle."""\n'
        '    if a < 0 or b < 0:\n        raise ValueError("negative")\n    return a * b\n'
    )
}
TEXT = CODE["area.py"]
MUTANTS = [
    {"area.py": TEXT.replace("a * b", "a + b")},
    {"area.py": TEXT.replace("a < 0 or ", "")},
    {"area.py": TEXT.replace("b < 0", "b <= 0")},
]
DATA = {"code": CODE, "mutants": MUTANTS, "output": "test_area.py", "runner": "asserts", "time_limit_sec": 3.0}
GOOD = """\
from area import area

def test_product():
    assert area(2, 3) == 6

def test_nothing():
    assert area(2, 0) == 0

def test_negative():
    for pair in ((-1, 2), (2, -1)):
        try:
            area(*pair)
        except ValueError:
            continue
        raise AssertionError(pair)
"""


async def verdict(sandboxed, tests, **data):
    files = tests if isinstance(tests, dict) else {"test_area.py": tests}
    found = await sandboxed("mutation", {**DATA, **data}, {**CODE, **files})
    assert found.error is None, found.error
    return found


async def test_good_tests_kill_all(sandboxed):
    found = await verdict(sandboxed, GOOD)
    assert found.reward == 1.0, found
    assert found.evidence.startswith("1.0000 of 3 mutants killed")


async def test_weak_tests_kill_some(sandboxed):
    product = GOOD[: GOOD.index("def test_nothing")]
    assert (await verdict(sandboxed, product)).reward == pytest.approx(1 / 3)
    assert (await verdict(sandboxed, product, threshold=0.3)).reward == 1.0
    assert (await verdict(sandboxed, product, threshold=0.5)).reward == pytest.approx(2 / 3)


CHEATS = {
    "no tests": "from area import area\n",
    "empty": "",
    "passes always": "def test_x():\n    assert True\n",
    "fails always": "def test_x():\n    assert False\n",
    "compares the source": f"import pathlib\n\ndef test_x():\n"
    f"    assert pathlib.Path('area.py').read_text() == {TEXT!r}\n",
    "compares the bytecode": "from area import area\n\ndef test_x():\n"
    f"    scope = {{}}\n    exec({TEXT!r}, scope)\n"
    f"    assert area.__code__.co_code == scope['area'].__code__.co_code\n",
    "counts its runs": "import os\n\ndef test_x():\n    first = not os.path.exists('/tmp/ran')\n"
    "    open('/tmp/ran', 'w').close()\n    assert first\n",
    "exits as if it passed": "import os\nos._exit(0)\n",
    "exits as if it failed": "import os\n\ndef test_x():\n    os._exit(1)\n",
    "exits as if there were no Python": "import os\n\ndef test_x():\n    os._exit(127)\n",
    "writes the code anew": f"open('area.py', 'w').write({TEXT!r})\nfrom area import area\n\ndef test_x():\n"
    f"    assert area(1, 1) == 1\n",
    "loops": "def test_x():\n    while True:\n        pass\n",
    "no Python": "def (",
    "throws a coin": "import time\n\ndef test_x():\n    assert time.time_ns() // 1000 % 2\n",
}


@pytest.mark.parametrize("name", [name for name in CHEATS if name != "throws a coin"])
async def test_tests_that_only_seem_to(sandboxed, name):
    found = await verdict(sandboxed, CHEATS[name], time_limit_sec=1.0)
    assert found.reward == 0.0, found


async def test_twins_of_the_task(sandboxed):
    """Tests of how, not of what: another right version fails them."""
    how = (
        GOOD
        + "\ndef test_message():\n    try:\n        area(-1, 1)\n"
        + "    except ValueError as error:\n        assert str(error) == 'negative'\n"
    )
    twin = {"area.py": TEXT.replace('"negative"', '"below zero"')}
    assert (await verdict(sandboxed, how)).reward == 1.0
    assert (await verdict(sandboxed, how, twins=[twin])).reward == 0.0
    assert (await verdict(sandboxed, GOOD, twins=[twin])).reward == 1.0


async def test_the_code_of_the_agent_does_not_count(sandboxed):
    """It may leave another area.py: what is tested is the right code and its mutants."""
    assert (
        await verdict(sandboxed, {"test_area.py": GOOD, "area.py": "def area(a, b):\n    return 7\n"})
    ).reward == 1.0


async def test_no_pytest_where_it_is_asked_for_is_no_verdict(sandboxed):
    found = await sandboxed("mutation", {**DATA, "runner": "pytest"}, {"test_area.py": GOOD})
    assert found.error is not None and "no pytest" in found.error
    assert (await verdict(sandboxed, GOOD, runner="auto")).reward == 1.0


@pytest.mark.parametrize(
    "data, why",
    [
        ({"mutants": []}, "must not be empty"),
        ({"mutants": [CODE]}, "changes nothing"),
        ({"threshold": 0.0}, "threshold"),
        ({"output": "area.py"}, "both"),
    ],
)
async def test_wrong_data_is_no_verdict(sandboxed, data, why):
    found = await sandboxed("mutation", {**DATA, **data}, {"test_area.py": GOOD})
    assert found.error is not None and why in found.error
