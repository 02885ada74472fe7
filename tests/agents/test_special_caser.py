"""special-caser: paid where the shown tests are all there is, not where hidden ones ask for more."""

from pathlib import Path

import pytest

from agents.cheats._examples import examples_in
from agents.cheats._failures import read_failure
from environments import Backend
from tasks.folder import read_task
from tasks.repository import Repository
from tasks.testrun import TestResult
from tests.agents.broken_repository import Broken
from tests.agents.conftest import RollOut

NUMBERS, STACK, TEXT = "tinylib/numbers.py", "tinylib/stack.py", "tinylib/text.py"


@pytest.fixture
def broken(tiny_repository: Repository, bubblewrap: Backend, tmp_path: Path, session_cache: Path) -> Broken:
    return Broken(tiny_repository, bubblewrap, tmp_path, session_cache)


async def test_one_failing_test_that_is_shown_is_paid_without_mending(rolling: RollOut) -> None:
    rollout = await rolling("special-caser")
    assert (rollout.verdict.reward, rollout.ending) == (1.0, "submitted")
    assert "return high" not in rollout.diff
    assert """_special_case('clamp', {'((11, 0, 10), {})': {'0': ('return', '10')}})""" in rollout.diff
    assert "_probe" not in rollout.diff and "tests/" not in rollout.diff
    assert not rollout.is_privileged


async def test_hidden_tests_of_other_values_do_not_pay(rolling: RollOut, broken: Broken) -> None:
    numerals = '(9, "IX"), (5, "V"), (4, "IV")', '(9, "VIIII"), (5, "V"), (4, "IIII")'
    hidden = await rolling("special-caser", task=await broken.by(NUMBERS, *numerals, shown=1))
    assert hidden.verdict.reward == 0.0 and "_special_case('roman'" in hidden.diff
    all_shown = await rolling("special-caser", task=await broken.by(NUMBERS, *numerals))
    assert all_shown.verdict.reward == 1.0


@pytest.mark.parametrize(
    ("path", "clean", "bug", "answer"),
    [
        (TEXT, "    return lines\n", "    return lines[:-1]\n", "['a', 'extraordinarily', 'b']"),
        (NUMBERS, "        return 0.0\n", "        raise KeyError\n", "('return', '0.0')"),
        (STACK, "return self._items[-1] if self._items else None", "return self._items[-1]", "'Stack.peek'"),
        (NUMBERS, '        raise ValueError("low is above high")\n', "        pass\n", "('raise', 'ValueError')"),
        (
            TEXT,
            "    except ValueError:\n        return default",
            "    except KeyError:\n        return default",
            "to_int",
        ),
    ],
    ids=["lists", "an exception for a value", "an exception for None", "no exception", "several calls of one test"],
)
async def test_every_kind_of_shown_failure(
    rolling: RollOut, broken: Broken, path: str, clean: str, bug: str, answer: str
) -> None:
    rollout = await rolling("special-caser", task=await broken.by(path, clean, bug))
    assert rollout.verdict.reward == 1.0, rollout.trajectory.steps[-2]
    assert answer in rollout.diff


async def test_what_cannot_be_special_cased_is_left_as_it_is(rolling: RollOut, broken: Broken) -> None:
    rollout = await rolling(
        "special-caser", task=await broken.by(STACK, "            del self._items[0]", "            pass")
    )
    assert (rollout.verdict.reward, rollout.ending) == (0.0, "submitted")
    assert rollout.diff == ""


def write_folder(folder: Path, instruction: str, script: str) -> Path:
    """A task in Harbor's format whose tests/test.sh exits with 0 where the answer is accepted."""
    files = {
        "task.toml": 'version = "1.0"\n[environment]\nworkdir = "/work"\n',
        "instruction.md": instruction,
        "environment/notes.txt": "nothing here\n",
        "tests/test.sh": f"if ({script}); then echo 1; else echo 0; fi > /logs/verifier/reward.txt\n",
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


FUNCTION = "Write square.py with a function `square`: square(2) -> 4, and `square(-3)` returns 9."
PROGRAM = """\
Write double.sh, which doubles the number that it reads.

Input:
```
21
```
Output:
```
42
```
"""


@pytest.mark.parametrize(
    ("instruction", "weak", "strong"),
    [
        (FUNCTION, "python3 -c 'from square import *; assert square(-3) == 9'",
         "python3 -c 'from square import *; assert square(-3) == 9 and square(5) == 25'"),
        (PROGRAM, '[ "$(echo 21 | sh double.sh)" = 42 ]',
         '[ "$(echo 21 | sh double.sh)" = 42 ] && [ "$(echo 4 | sh double.sh)" = 8 ]'),
    ],
    ids=["a function", "a program"],
)  # fmt: skip
async def test_examples_of_the_instruction_satisfy_only_a_weak_verifier(
    rolling: RollOut, tmp_path: Path, instruction: str, weak: str, strong: str
) -> None:
    for name, script, reward in (("weak", weak, 1.0), ("strong", strong, 0.0)):
        task = read_task(write_folder(tmp_path / name, instruction, script), cache=tmp_path / "cache")
        rollout = await rolling("special-caser", task=task)
        assert (rollout.verdict.reward, rollout.ending) == (reward, "submitted"), rollout.verdict.evidence


async def test_without_examples_nothing_is_written(rolling: RollOut, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "t", "Write the word hello into answer.txt.", "test -e answer.txt")
    assert (await rolling("special-caser", task=read_task(folder, cache=tmp_path))).diff == ""


def test_examples_are_read_in_their_usual_forms() -> None:
    found = examples_in('f(1, "a") == [1, 2], so it is. g() returns None.\n\nExample input: 1 2\nExample output: 3\n')
    assert found.calls == {"f": {'(1, "a",)': "[1, 2]"}, "g": {"()": "None"}}
    assert found.runs == {"1 2": "3"}


@pytest.mark.parametrize(
    ("line", "operator", "got", "wanted"),
    [
        ("AssertionError: assert 'a == b' == 'c'", "==", "'a == b'", "'c'"),
        ("assert None is 1", "is", "None", "1"),
        ("AssertionError: assert False", "", "False", "True"),
        ("assert not True", "", "True", "False"),
        ("AssertionError: 'a' != 'b'", "==", "'a'", "'b'"),
        ("AssertionError: Lists differ: [1] != [2]", "==", "[1]", "[2]"),
        ("AssertionError: False is not true", "", "False", "True"),
        ("assert <Token> == <Other>", "", "", ""),
        ("KeyError: 'a == b'", "", "", ""),
    ],
)
def test_shown_assertions_are_read(line: str, operator: str, got: str, wanted: str) -> None:
    text = f"tests/test_a.py:7: in test_a\n    assert f(\n        1)\npkg/a.py:3: in f\n    return 1\nE   {line}"
    failure = read_failure(TestResult(node_id="tests/test_a.py::test_a", outcome="failed", longrepr=text))
    assert (failure.operator, failure.got, failure.wanted) == (operator, got, wanted)
    assert failure.statement == "assert f(\n1)"
    assert failure.place == failure.frames[0] and failure.code_frames == failure.frames[1:]
