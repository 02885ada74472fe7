"""One option: by letter, by text, or by both where they agree; never by naming several."""

import pytest

from tasks.graders import CannotGrade

DATA = {"correct": "B", "options": ["Ulm", "Bonn", "Bonn or Ulm", "None of these"]}


@pytest.mark.parametrize(
    "text",
    [
        "B",
        "b",
        "(B)",
        "[b]",
        "B.",
        "B)",
        "B) Bonn",
        "b: bonn",
        "B - Bonn",
        "Bonn",
        " BONN. ",
        "Answer: B",
        "The answer is B.",
        "The correct answer is (b)",
        "the final answer is: Bonn",
        "**B**",
        "option B",
    ],
)
async def test_ways_to_choose_it(graded, text):
    assert (await graded("choice", DATA, {"answer.txt": text})).reward == 1.0, text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A",
        "C",
        "E",
        "A B",
        "A or B",
        "B or C",
        "AB",
        "A, B",
        "B) Ulm",
        "A) Bonn",
        "Bonn or Ulm",
        "A\nB",
        "Bonn Ulm",
        "not B",
        "B is wrong",
        "Bo",
        "Bonn, I think",
        "B B",
        "Answer:",
        "answer: A or B",
        "All of them",
        "Not Bonn",
        "ABCD",
        "the answer is not B",
        "B) Bonn C) Bonn or Ulm",
    ],
)
async def test_what_does_not_choose_it(graded, text):
    assert (await graded("choice", DATA, {"answer.txt": text})).reward == 0.0, text


async def test_named_letters(graded):
    data = {"correct": "2", "options": {"1": "red", "2": "green"}}
    for text, reward in [("2", 1.0), ("2. green", 1.0), ("green", 1.0), ("1", 0.0), ("red", 0.0), ("1 2", 0.0)]:
        assert (await graded("choice", data, {"answer.txt": text})).reward == reward, text


@pytest.mark.parametrize(
    "data", [{}, {"correct": "C", "options": ["a", "b"]}, {"correct": "A", "options": ["x", "X "]}]
)
async def test_options_that_decide_nothing_are_no_verdict(graded, data):
    with pytest.raises(CannotGrade, match="choice"):
        await graded("choice", data, {"answer.txt": "A"})
