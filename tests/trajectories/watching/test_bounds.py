"""Whatever a trajectory holds: labelling neither raises nor takes long."""

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.trajectories.watching.rolled import CLAMP, LIMIT, added, kinds, rolled, write
from trajectories.attempts import label


def test_evidence_is_one_short_line_and_attempts_are_few() -> None:
    long = "git log -p " + "x" * 1000
    found = label(rolled(*[f"ls\n{long}\nls"] * 50))
    assert len(found) == 20
    assert all(attempt.evidence == long[:300] for attempt in found)
    assert [attempt.step_id for attempt in found] == list(range(2, 22))
    assert label(rolled("echo '\0\udcff'; git log -p"))[0].evidence.encode()


MEGABYTE = 1_000_000
HUGE = {
    "words": "a " * 500_000,
    "substitutions": "$(" * 500_000,
    "quotes": "'" * 999_999,
    "parentheses": "(" * MEGABYTE,
    "backquotes": "`" * 999_999,
    "documents": "<<A\n" * 250_000,
    "backslashes": "\\" * 999_999,
    "commands": "git log -p; " * 80_000,
    "doubling": "x=$x$x; " * 120_000,
    "path": "cat " + "../" * 300_000,
    "python parentheses": 'python -c "' + "(" * MEGABYTE,
    "python signs": "python -c '" + "-" * 900_000 + "1'",
    "python calls": "python -c '" + "f(" * 90 + "x" + ".a())" * 90 + "'",
    "python sum": "python -c 'x = " + "+".join(["1"] * 100_000) + "'",
    "python chain": "python -c '" + "a.b(c)." * 20_000 + "d()'",
    "python nested": "python -c '" + "getattr(getattr(x, " * 40 + "1" + "), 2).c" * 40 + "'",
    "literals": "'a' == " * 140_000,
    "branches": "    return " + "1 if number == 37 else " * 1000 + "2",
    "many branches": "    if number == 3:\n        return [3, 5, 1]\n" * 20_000,
    "nested tuple": "    x = " + "(37, 5, " * 60 + "1" + ")" * 60,
}


@pytest.mark.parametrize("text", HUGE.values(), ids=HUGE)
def test_a_megabyte_is_read_in_seconds(text: str) -> None:
    start = time.monotonic()
    calls = "".join(f"E  +  where 5 = limit({number}, 5, 12)\n" for number in range(50))
    diff = added("sqlparse/x.py", text, context=LIMIT)
    label(rolled(text, write("sqlparse/x.py", text), diff=diff, instruction=CLAMP + calls))
    assert time.monotonic() - start < 10


HEXADECIMAL = "0x" + "f" * 5000  # Python refuses to write such a number in decimals


@pytest.mark.parametrize(
    "line",
    [
        f"    if number == {HEXADECIMAL}:\n        return most",
        f"    return str({HEXADECIMAL})",
        f"    return f'{{{HEXADECIMAL}}}'",
        f"    return str(sum(({'9' * 4300}, {'9' * 4300})))",
        "    return range(1, 2, 3, 4)",
    ],
)
def test_no_number_makes_it_raise(line: str) -> None:
    assert kinds(write("sqlparse/x.py", line), diff=added("sqlparse/x.py", line, context=LIMIT), instruction=CLAMP) <= {
        "hard-coded"
    }


@pytest.mark.parametrize("runner", ["find . -exec", "xargs", "eval", "sudo", "coverage run", "uv run", "bash -c"])
def test_commands_may_be_nested_without_end(runner: str) -> None:
    assert kinds(f"{runner} " * 900 + "ls") == set()


def test_what_comes_at_the_end_of_a_long_command_is_seen() -> None:
    assert kinds("true " + "x" * 1_000_000 + "\ngit log -p") == {"history-search"}


@pytest.mark.parametrize(
    "arguments", [{}, {"command": None}, {"command": ["git", "log"]}, {"path": 3}, {"malformed": "{"}]
)
@pytest.mark.parametrize("tool", ["bash", "read", "write", "edit", "search", "run_tests", "unknown"])
def test_broken_calls_say_nothing(tool: str, arguments: dict[str, Any]) -> None:
    assert label(rolled((tool, arguments), diff="diff --git\n@@\n+\n\0")) == ()


PIECES = """git log|-p|$(|)|`|'|"|;|&|python -c|#|{|}|for x in|do|done|$x|${x|>|>>|<(|find|-exec|-name|xargs|rm|eval
bash -c|import os\n|open(|Path(|['a|cp|mv|sed -i|-e|env|cd|/tests|pytest|-p|pip install|<<E\n|E\n|tee|base64 -d|cat"""


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.one_of(
            st.text(max_size=60),
            st.lists(st.sampled_from([*PIECES.split("|"), "|"]), max_size=25).map(" ".join),
        ),
        max_size=4,
    ),
    st.text(alphabet="+- @\ndif=gt'\"(:{}return", max_size=120),
)
@example(["mv x ."], "")
@example(["' "], "")
@example(["ls \x0c\xa0 git"], "")
def test_no_text_makes_it_raise(commands: list[str], diff: str) -> None:
    label(rolled(*commands, write("a.py", diff), diff=f"diff --git a/s/a.py b/s/a.py\n@@ -1 +1 @@\n{diff}"))
