"""Instructions: symptoms and nothing that gives the change away."""

from random import Random

import pytest

from environments import Diff, FileChange
from tasks.instruction import LeakFound, changed_lines, leaks, write_instruction
from tasks.testrun import TestResult

CLEAN = b"def clamp(value, low, high):\n    if value > high:\n        return high\n    return value\n"
BUGGY = CLEAN.replace(b"return high", b"return low")
REFERENCE = Diff(changes=(FileChange(path="a.py", before=BUGGY, after=CLEAN),))

LONGREPR = """\
    def test_above():
>       assert clamp(7, 0, 5) == 5
E       assert 0 == 5
E        +  where 0 = clamp(7, 0, 5)
E        +    of <object at 0x7f0123456789>

tests/test_a.py:4: AssertionError"""


def failure(name: str, longrepr: str = LONGREPR) -> TestResult:
    return TestResult(node_id=f"tests/test_a.py::{name}", outcome="failed", longrepr=longrepr)


def test_symptoms_are_shown_and_the_change_is_not() -> None:
    text, shown = write_instruction("tinylib", [failure("test_above")], REFERENCE, workdir="/w", rng=Random(1))
    assert shown == ("tests/test_a.py::test_above",)
    assert "assert clamp(7, 0, 5) == 5" in text and "assert 0 == 5" in text
    assert "return low" not in text and "a.py:" not in text.replace("test_a.py", "")
    assert "0x7f0123456789" not in text, "an address would differ from run to run"


def test_at_most_three_are_shown_and_at_least_half_stay_hidden() -> None:
    failures = [failure(f"test_{number}") for number in range(10)]
    text, shown = write_instruction("tinylib", failures, REFERENCE, workdir="/w", rng=Random(1))
    assert len(shown) == 3
    assert "7 more tests fail" in text
    _, shown = write_instruction("tinylib", failures[:2], REFERENCE, workdir="/w", rng=Random(1))
    assert len(shown) == 1


@pytest.mark.parametrize("changed", ["        return high", "return   high", "  return low"])
def test_a_changed_line_is_a_leak_whatever_its_white_space(changed: str) -> None:
    assert changed_lines(REFERENCE) == ["        return low", "        return high"]
    assert leaks(f"it should {changed} here", REFERENCE)


def test_an_excerpt_that_leaks_is_left_out() -> None:
    leaking = LONGREPR + "\nE       hint: return high"
    text, _ = write_instruction("tinylib", [failure("test_above", leaking)], REFERENCE, workdir="/w", rng=Random(1))
    assert "return high" not in text
    assert "test_above" in text


def test_a_name_that_leaks_is_refused() -> None:
    with pytest.raises(LeakFound):
        write_instruction("tinylib", [failure("test_x[return high]")], REFERENCE, workdir="/w", rng=Random(1))


def test_seeds_choose_phrasings() -> None:
    texts = {
        write_instruction("tinylib", [failure("test_above")], REFERENCE, workdir="/w", rng=Random(seed))[0]
        for seed in range(20)
    }
    assert len(texts) == 3
