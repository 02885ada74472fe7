"""Issue reports by a model: what it sees, what is refused, what the instruction then says."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest

from environments.diff import Diff, FileChange
from tasks.instruction_lm import LmInstruction, write_issue
from tasks.lm import LmClient, LmConfig, LmFault
from tasks.testrun import TestResult
from tests.agents.openai_server import ScriptedServer, says, sends, serving

REFERENCE = Diff(
    changes=(
        FileChange(
            path="tinylib/numbers.py",
            before=b"def clamp(value, low, high):\n    return min(value, low)\n",
            after=b"def clamp(value, low, high):\n    return max(low, min(value, high))\n",
        ),
    )
)
FAILURE = TestResult(
    node_id="tests/test_numbers.py::test_clamp[11-10]",
    outcome="failed",
    longrepr=(
        "    def test_clamp(value, expected):\n"
        ">       assert clamp(value, 0, 10) == expected\n"
        "E       assert 0 == 10\n"
        "tinylib/numbers.py:2: in clamp\n"
        "    return min(value, low)\n"
    ),
)
OTHER = FAILURE.model_copy(update={"node_id": "tests/test_numbers.py::test_clamp[12-10]"})
REPORT = """\
# clamp gives 0 for numbers above the upper limit

With `clamp(11, 0, 10)` I expected 10, the upper limit, and what came back was 0. Numbers within the limits are right.
"""


@contextmanager
def asking(answer: Any) -> Iterator[tuple[ScriptedServer, LmClient]]:
    with (
        serving(answer) as (server, url),
        LmClient(LmConfig(base_url=url, model="m", tries=2, price_prompt=1.0)) as client,
    ):
        yield server, client


def written(answer: Any) -> LmInstruction:
    with asking(answer) as (_, client):
        return write_issue(client, "tinylib", [FAILURE, OTHER], REFERENCE, workdir="/src", rng=Random(1))


def test_the_report_stands_in_an_instruction_that_shows_one_failing_test() -> None:
    found = written(says(REPORT))
    assert found.refused == ""
    assert found.text.startswith("# clamp gives 0 for numbers above the upper limit\n")
    (shown,) = found.shown
    assert shown in (FAILURE.node_id, OTHER.node_id)
    assert f"`{shown}` used to pass and now fails, and 1 more test fails." in found.text
    assert "The source is in `/src`" in found.text
    assert found.details == {"model": "m", "prompt_tokens": 100, "completion_tokens": 10, "cost_usd": 0.0001}


def test_the_model_sees_the_output_of_one_test_and_no_line_of_the_reference() -> None:
    with asking(says(REPORT)) as (server, client):
        write_issue(client, "tinylib", [FAILURE], REFERENCE, workdir="/src", rng=Random(1))
    prompt = server.requests[0]["messages"][0]["content"]
    assert "E       assert 0 == 10" in prompt
    assert "min(value, low)" not in prompt and "max(low" not in prompt
    assert "/src" not in prompt


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (says(REPORT + "\nThe code should be `return max(low, min(value, high))`."), "leaks"),
        (says(REPORT + "\nIt says\n\n    return min( value, low )\n"), "leaks"),
        (says(""), "too short"),
        (says("Sorry, I am a language model and can only speak of the weather of tomorrow. " * 3),
         "says nothing of the failure"),
        (says(REPORT * 40), "too long"),
        (sends(b'{"choices": [{"message": {"content": "# clamp"}, "finish_reason": "length"}], "usage": {}}'),
         "cut off"),
        (sends(b"too long", status=400), "the model's server refuses the question"),
    ],
)  # fmt: skip
def test_a_report_that_cannot_be_used_is_none_and_says_why(answer: Any, reason: str) -> None:
    found = written(answer)
    assert (found.text, found.shown, found.refused) == ("", (), reason)
    assert found.details


def test_a_server_that_does_not_answer_is_a_fault() -> None:
    with pytest.raises(LmFault, match="no usable answer in 2 tries"):
        written(sends(b"<html>"))


def test_a_report_in_a_fence_is_taken_out_of_it() -> None:
    assert written(says(f"```markdown\n{REPORT}```")).text == written(says(REPORT)).text
