"""Each kind of constraint by itself: what fulfils it, what only looks as if it did."""

import pytest

from tasks.graders import CannotGrade

PROSE = "Dr. Gray came at 9.30. He left! Did he, e.g. by train?\n\nNobody knows. The well-known end isn't near."
LETTER = "# Summary\nAll is well.\n\n**Advice**\nStay here.\n\nOutlook:\nSunny.\n"

CASES = [  # constraint, texts that fulfil it, texts that do not
    (
        {"kind": "words", "exactly": 3},
        ["one two three", "one, two - three!", "it's well-known now"],
        ["one two", "one two three four", "... ! ?"],
    ),
    ({"kind": "words", "min": 2, "max": 3}, ["a b", "a b c"], ["a", "a b c d"]),
    ({"kind": "sentences", "exactly": 5}, [PROSE], ["One. Two. Three. Four. Five. Six.", "One sentence only"]),
    (
        {"kind": "sentences", "exactly": 2},
        ["It costs 3.50 now. Buy it", "Is it? Yes.", 'He said "no." Then he left.', "東京。大阪。"],
        ["Wait... what", "! . ?"],
    ),
    ({"kind": "paragraphs", "exactly": 2}, [PROSE, "a\r\n\r\nb", "a\n \t\n\n\nb\n\n"], ["a\nb", "a"]),
    ({"kind": "lines", "max": 2}, ["a\n\nb"], ["a\nb\nc"]),
    ({"kind": "characters", "max": 5}, ["abcde\n"], ["abcdef"]),
    ({"kind": "bullets", "exactly": 2}, ["- a\n- b", "* a\n  more\n* b\n"], ["- a", "-a\n-b", "1. a\n2. b"]),
    ({"kind": "words_in_sentence", "max": 3}, ["One two three. Four five."], ["One two. One two three four."]),
    (
        {"kind": "include", "words": ["low tide", "Ada"]},
        ["At LOW\n tide ada came."],
        ["lowtide Ada", "low tide Adam", "low tides, Ada"],
    ),
    ({"kind": "include", "words": ["sea"], "least": 2}, ["sea, Sea"], ["sea", "sea seaside"]),
    ({"kind": "include", "words": ["Sea"], "case": True}, ["the Sea"], ["the sea"]),
    ({"kind": "include", "words": ["C++"]}, ["I like C++."], ["I like C."]),
    ({"kind": "include_any", "words": ["cat", "dog"]}, ["a dog"], ["a dogma", "catalogue"]),
    (
        {"kind": "avoid", "words": ["very", "at all"]},
        ["every day, not at-all", "a verylong word"],
        ["Very good", "not at  all", "v\u200bery good", "\uff56\uff45\uff52\uff59 good"],
    ),
    ({"kind": "frequency", "word": "no", "exactly": 2}, ["No, no. Not now, Noah."], ["no", "no no no"]),
    ({"kind": "starts_with", "value": "Dear Ada"}, ["\n Dear Ada, hi"], ["dear Ada", "My dear Ada", "Hi. Dear Ada"]),
    ({"kind": "starts_with", "value": "dear", "case": False}, ["DEAR x"], ["oh dear"]),
    ({"kind": "ends_with", "value": "Yours, Bo"}, ["Text. Yours, Bo\n\n"], ["Yours, Bo.", "Yours, Bo PS"]),
    (
        {"kind": "format", "value": "json", "keys": ["a"]},
        ['{"a": 1}', '```json\n{"a": []}\n```'],
        ["{a: 1}", '{"b": 1}', "[1]", '{"a": NaN}', '{"a": 1} so', "1"],
    ),
    ({"kind": "format", "value": "bullets", "least": 2}, ["Here:\n- a\n- b"], ["- a", "a\nb"]),
    ({"kind": "format", "value": "bullets", "least": 2, "only": True}, ["- a\n  b\n- c"], ["Here:\n- a\n- b"]),
    (
        {"kind": "format", "value": "numbered", "least": 2},
        ["1. a\n2. b", "1) a\n  x\n2) b\n3) c"],
        ["1. a", "1. a\n3. b", "2. a\n1. b", "1. a\n1. b"],
    ),
    (
        {"kind": "format", "value": "table", "least": 2},
        ["Here\n| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n"],
        ["| a | b |\n|---|---|\n| 1 | 2 |", "| a | b |\n| 1 | 2 |\n| 3 | 4 |", "a, b\n1, 2"],
    ),
    (
        {"kind": "format", "value": "title"},
        ["# The sea\ntext", "<<The sea>>\ntext", "**The sea**\n\ntext"],
        ["The sea\ntext", "text\n# The sea", "#sea"],
    ),
    (
        {"kind": "format", "value": "paragraphs"},
        ["One. Two.\n\nThree - four."],
        ["One:\n- a", "1. a", "|a|b|\n|-|-|\n|1|2|"],
    ),
    ({"kind": "case", "value": "upper"}, ["ALL OF 3!"], ["All", "123"]),
    ({"kind": "case", "value": "lower"}, ["all of 3!"], ["all Of"]),
    ({"kind": "case", "value": "title"}, ["The Old Man and the Sea Wall"], ["The brown Man"]),
    ({"kind": "forbid", "characters": "e,"}, ["only a cat"], ["one", "a, b", "\uff45"]),
    ({"kind": "script", "value": "cyrillic"}, ["Привет, мир! 123"], ["Hello", "Privet мир", "123"]),
    ({"kind": "script", "value": "latin", "share": 1.0}, ["Grüße ça"], ["S\u0430lt"]),
    (
        {"kind": "sections", "headings": ["Summary", "Outlook"]},
        [LETTER],
        ["# Outlook\nx\n# Summary\nx", "# Summary\n# Outlook\nx", "Summary\nx\nOutlook\nx", "# Summary\nx"],
    ),
    (
        {"kind": "sections", "headings": ["Summary", "Advice", "Outlook"], "exactly": True},
        [LETTER],
        [LETTER + "# More\nx", LETTER.replace("# Summary", "# Intro\nx\n# Summary")],
    ),
    (
        {"kind": "repeat", "value": "So it is.", "times": 2},
        ["So it is. Yes. So it is."],
        ["So it is.", "So it is. so it is.", "So it is. " * 3],
    ),
    ({"kind": "no_repeats"}, ["One. Two."], ["One. Two. one!"]),
    ({"kind": "no_repeats", "of": "words"}, ["all words differ"], ["The sea, the"]),
    ({"kind": "not_rhyme"}, ["the sea is deep\nand ships are slow\na bird"], ["the night\nwas bright\nwith light"]),
    ({"kind": "pattern", "value": "^Total: [0-9]+$"}, ["x\nTotal: 17"], ["Total: x", "My Total: 17"]),
]


@pytest.mark.parametrize(
    "constraint, fulfilling, failing", CASES, ids=lambda each: each["kind"] if isinstance(each, dict) else ""
)
async def test_each_kind(graded, constraint, fulfilling, failing):
    for text in fulfilling:
        grade = await graded("constraints", {"constraints": [constraint]}, {"answer.txt": text})
        assert grade.reward == 1.0, (constraint, text, grade)
    for text in failing:
        grade = await graded("constraints", {"constraints": [constraint]}, {"answer.txt": text})
        assert grade.reward == 0.0, (constraint, text)
        assert grade.parts[0].detail


async def test_the_share_fulfilled(graded):
    constraints = [
        {"kind": "words", "max": 3, "name": "short"},
        {"kind": "include", "words": ["sea"], "text": "It names the sea"},
        {"kind": "avoid", "words": ["land"]},
        {"kind": "judge", "text": "It is moving"},
    ]
    grade = await graded("constraints", {"constraints": constraints}, {"answer.txt": "the wide land"})
    assert grade.reward == pytest.approx(1 / 3)
    assert [(part.name, part.passed) for part in grade.parts] == [
        ("short", True),
        ("It names the sea", False),
        ("avoid", False),
    ]
    assert grade.evidence == "not scored, needs a judge: It is moving"


@pytest.mark.parametrize("text", ["", "  \n", "...", "sea"])
async def test_an_empty_text_earns_nothing_by_what_it_avoids(graded, text):
    data = {"constraints": [{"kind": "avoid", "words": ["land"]}, {"kind": "words", "max": 9}], "least_words": 2}
    assert (await graded("constraints", data, {"answer.txt": text})).reward == 0.0


@pytest.mark.parametrize(
    "constraint",
    [
        {},
        {"kind": "wrods"},
        {"kind": "words"},
        {"kind": "words", "least": 3},
        {"kind": "include", "words": "sea"},
        {"kind": "include", "words": []},
        {"kind": "format", "value": "yaml"},
        {"kind": "case", "value": "camel"},
        {"kind": "script", "value": "klingon"},
        {"kind": "avoid"},
        {"kind": "pattern", "value": "("},
        {"kind": "no_repeats", "of": "x"},
        {"kind": "judge", "text": "x"},
        {"kind": "words", "max": "x"},
    ],
)
async def test_constraints_that_cannot_be_checked_are_no_verdict(graded, constraint):
    with pytest.raises(CannotGrade, match="constraints"):
        await graded("constraints", {"constraints": [constraint]}, {"answer.txt": "one two"})


async def test_long_texts_end_soon(graded):
    """Nothing here takes time with the square of the text's length: this would be minutes then."""
    texts = [each * (40_000 // len(each)) for each in ("a", "- a\n", "a. ", "|-", "**", "a-", "\n", ":-")]
    constraints = [constraint for constraint, _, _ in CASES]
    for text in texts:
        await graded("constraints", {"constraints": constraints}, {"answer.txt": text})
