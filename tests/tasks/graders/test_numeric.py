"""One number: other writings of it pass; several, infinite, grouped wrongly or in the wrong unit do not."""

import math

import pytest

from tasks.graders import CannotGrade


@pytest.mark.parametrize(
    "text",
    [
        "1234.5",
        "1,234.5",
        "1 234.5",
        "+1234.50",
        "1.2345e3",
        "\n 1234.5 \n",
        "1'234.5",
        "1_234.5",
        "\uff11\uff12\uff13\uff14.5",
        "1\u00a0234.5",
        "12345e-1",
    ],
)
async def test_writings_of_one_number(graded, text):
    assert (await graded("numeric", {"value": 1234.5}, {"answer.txt": text})).reward == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nan",
        "NaN",
        "inf",
        "-inf",
        "Infinity",
        "1e999",
        "-1234.5",
        "1234.5 1234.5",
        "1234.5, 7",
        "1234.5\n9",
        "1,23,4.5",
        "12,34.5",
        "1234,5",
        "1.234.5",
        "1234.5.",
        "x1234.5",
        "1234.5 km",
        "0x4d2",
        "1234.6",
        "1234.5e",
        "1..5",
        "--1234.5",
        "1234.5 or 7",
        "the answer is 1234.5",
        "[1234.5]",
        "9" * 500,
        "true",
        "1234.5%",
        "1234.5 / 1",
    ],
)
async def test_what_is_not_that_number(graded, text):
    grade = await graded("numeric", {"value": 1234.5}, {"answer.txt": text})
    assert grade.reward == 0.0, text
    assert grade.parts[0].detail


async def test_tolerances(graded):
    for data, text, reward in [
        ({"value": 100, "absolute_tolerance": 0.5}, "100.5", 1.0),
        ({"value": 100, "absolute_tolerance": 0.5}, "100.51", 0.0),
        ({"value": 100, "relative_tolerance": 0.01}, "99", 1.0),
        ({"value": 100, "relative_tolerance": 0.01}, "98.9", 0.0),
        ({"value": 0, "relative_tolerance": 0.5}, "0.0001", 0.0),
        ({"value": -3}, "\u22123", 1.0),
        ({"value": -3}, "3", 0.0),
        ({"value": 0}, "-0", 1.0),
    ]:
        assert (await graded("numeric", data, {"answer.txt": text})).reward == reward, (data, text)


async def test_units(graded):
    data = {"value": 1500, "unit": "m", "units": {"km": 1000, "cm": 0.01}, "unit_required": True}
    for text, reward in [
        ("1500 m", 1.0),
        ("1500m", 1.0),
        ("1.5 km", 1.0),
        ("1.5 KM", 1.0),
        ("150000 cm", 1.0),
        ("1,500 m", 1.0),
        ("1500", 0.0),
        ("1500 km", 0.0),
        ("1.5 m", 0.0),
        ("1500 ft", 0.0),
        ("km", 0.0),
        ("1.5 km 7", 0.0),
        ("1e999 m", 0.0),
    ]:
        assert (await graded("numeric", data, {"answer.txt": text})).reward == reward, text
    money = {"value": 20, "unit": "$"}
    for text, reward in [("$20", 1.0), ("20 $", 1.0), ("20", 1.0), ("-$20", 0.0), ("€20", 0.0)]:
        assert (await graded("numeric", money, {"answer.txt": text})).reward == reward, text


async def test_other_ways_of_writing(graded):
    german = {"value": 1234.5, "decimal": ","}
    for text, reward in [("1.234,5", 1.0), ("1234,5", 1.0), ("1,234.5", 0.0)]:
        assert (await graded("numeric", german, {"answer.txt": text})).reward == reward, text
    plain = {"value": 1234, "thousands": False}
    assert (await graded("numeric", plain, {"answer.txt": "1,234"})).reward == 0.0
    half = {"value": 0.5, "fractions": True}
    for text, reward in [("1/2", 1.0), ("2 / 4", 1.0), ("1/0", 0.0), ("1/2/1", 0.0), ("0.5", 1.0), ("/2", 0.0)]:
        assert (await graded("numeric", half, {"answer.txt": text})).reward == reward, text


async def test_the_one_number_of_a_sentence(graded):
    data = {"value": 42, "in_text": True}
    for text, reward in [
        ("The answer is 42.", 1.0),
        ("= 42", 1.0),
        ("There are 42 of 50.", 0.0),
        ("none", 0.0),
        ("area42", 0.0),
        ("-42", 0.0),
        ("It is 42,", 1.0),
        ("41.9 to 42.1", 0.0),
        ("42nd", 0.0),
        ("The answer is 42 or 42", 0.0),
    ]:
        assert (await graded("numeric", data, {"answer.txt": text})).reward == reward, text


@pytest.mark.parametrize("data", [{}, {"value": math.inf}, {"value": 1, "absolute_tolerance": math.nan}])
async def test_no_finite_wanted_value_is_no_verdict(graded, data):
    with pytest.raises(CannotGrade, match="finite"):
        await graded("numeric", data, {"answer.txt": "nan"})
