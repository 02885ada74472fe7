"""One text: writings of the same answer pass, near misses and answers with something beside them do not."""

import pytest

from tasks.graders import CannotGrade

RIGHT = [
    "Straße am Fluß",
    "  straße   am fluß \n\n",
    "STRASSE AM FLUSS",
    "Stra\u00dfe\u00a0am Fluß",
    "\ufeffStraße am Fluß",  # byte order mark
    "\uff33\uff54\uff52\uff41ße am Fluß",  # full width letters
    "Stra\u200bße am Fluß",  # an invisible space
    "Strasse am Fluss\r\n",
]
WRONG = [
    "",
    "   \n",
    "Straße am Fluss 7",
    "Straße",
    "am Fluß Straße",
    "Straße am Fluß\nStraße am Fluß",
    "Straße am Fluß\nBonn\nUlm",
    "The answer is Straße am Fluß",
    "Str\u0430ße am Fluß",  # a Cyrillic a
    "Straße am Fluß.",
    '"Straße am Fluß"',
]


@pytest.mark.parametrize("text", RIGHT)
async def test_the_same_answer_in_another_writing(graded, text):
    assert (await graded("answer", {"answers": ["Straße am Fluß"]}, {"answer.txt": text})).reward == 1.0


@pytest.mark.parametrize("text", WRONG)
async def test_what_only_looks_like_it(graded, text):
    grade = await graded("answer", {"answers": ["Straße am Fluß"]}, {"answer.txt": text})
    assert grade.reward == 0.0
    assert grade.parts[0].detail


async def test_several_answers_and_options(graded):
    data = {"answers": ["The Sea-Eagle", "Erne"], "ignore_punctuation": True, "ignore_articles": True}
    for text, reward in [("sea eagle!", 1.0), ("an erne", 1.0), ("Seaeagle", 0.0), ("the", 0.0), ("theErne", 0.0)]:
        assert (await graded("answer", data, {"answer.txt": text})).reward == reward, text


async def test_case_and_space_can_matter(graded):
    data = {"answers": ["a  B"], "ignore_case": False, "ignore_space": False}
    for text, reward in [("a  B", 1.0), ("a b", 0.0), ("A  B", 0.0), ("a B", 0.0)]:
        assert (await graded("answer", data, {"answer.txt": text})).reward == reward, text


async def test_several_lines_where_they_are_wanted(graded):
    data = {"answers": ["one\ntwo"], "one_line": False}
    assert (await graded("answer", data, {"answer.txt": "One\n two\n"})).reward == 1.0
    assert (await graded("answer", data, {"answer.txt": "two\none"})).reward == 0.0


async def test_words_earn_part_but_never_all(graded):
    data = {"answers": ["the old grey harbour"], "partial": "token_f1"}
    assert (await graded("answer", data, {"answer.txt": "grey harbour"})).reward == pytest.approx(2 / 3)
    assert (await graded("answer", data, {"answer.txt": "harbour grey old the"})).reward == 0.99
    assert (await graded("answer", data, {"answer.txt": "harbour " * 4})).reward == pytest.approx(0.25)
    assert (await graded("answer", data, {"answer.txt": "a new ship"})).reward == 0.0


@pytest.mark.parametrize(
    "data", [{}, {"answers": []}, {"answers": ["  "]}, {"answers": ["the"], "ignore_articles": True}]
)
async def test_nothing_to_compare_with_is_no_verdict(graded, data):
    with pytest.raises(CannotGrade, match="answers"):
        await graded("answer", data, {"answer.txt": ""})
