"""A hypothesis: context, variables and relation, each in other words, each wrong by itself."""

import json

import pytest

from tasks.graders import CannotGrade

DATA = {
    "context": [["region = north", "north", "the northern region"], ["year >= 2001", "after 2000"]],
    "variables": [["rainfall", "rain"], ["yield"]],
    "relation": {
        "form": "linear",
        "sign": "+",
        "slope": {"value": 2.5, "relative": 0.1},
        "to": ["yield", "crop yield"],
    },
}
RIGHT = {
    "context": ["Region: North", "after 2000"],
    "variables": ["yield", "Rainfall"],
    "relation": {"form": "proportional", "sign": "increasing", "slope": 2.6, "to": "crop_yield"},
}


async def grade(graded, hypothesis, **data):
    return await graded("facets", {**DATA, **data}, {"hypothesis.json": json.dumps(hypothesis)})


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"context": {"region": "north", "Year": ">= 2001"}},
        {"variables": ["rain", "YIELD", "rainfall"]},
        {"note": "seen at once"},
        {"relation": {"form": "Linear", "sign": "positive", "slope": "2.3", "to": "yield", "p": 0.01}},
    ],
)
async def test_the_same_hypothesis_in_other_words(graded, change):
    if "context" in change:
        data = {"context": [["region = north"], ["year = >= 2001"]]}
        assert (await grade(graded, {**RIGHT, **change}, **data)).reward == 1.0
    else:
        assert (await grade(graded, {**RIGHT, **change})).reward == 1.0


@pytest.mark.parametrize(
    "change, reward",
    [
        ({"context": ["north"]}, 2 / 3),
        ({"context": []}, 0.0),
        ({"context": ["north", "after 2000", "south"]}, 4 / 5),
        ({"context": ["south"]}, 0.0),
        ({"context": None}, 0.0),
        ({"context": "north"}, 2 / 3),
        ({"variables": ["rain"]}, 2 / 3),
        ({"variables": ["rain", "yield", "soil"]}, 4 / 5),
        ({"variables": ["rain, yield"]}, 0.0),
        ({"relation": {**RIGHT["relation"], "sign": "-"}}, 3 / 4),
        ({"relation": {**RIGHT["relation"], "form": "quadratic"}}, 3 / 4),
        ({"relation": {**RIGHT["relation"], "slope": 2.8}}, 3 / 4),
        ({"relation": {**RIGHT["relation"], "slope": "nan"}}, 3 / 4),
        ({"relation": {**RIGHT["relation"], "slope": [2.5]}}, 3 / 4),
        ({"relation": {**RIGHT["relation"], "to": True}}, 3 / 4),
        ({"relation": {**RIGHT["relation"], "sign": ["positive", "negative"]}}, 3 / 4),
        ({"relation": {}}, 0.0),
    ],
)
async def test_each_facet_by_itself(graded, change, reward):
    assert (await grade(graded, {**RIGHT, **change})).reward == pytest.approx(reward)


async def test_facets_multiply(graded):
    both = {**RIGHT, "context": ["north"], "variables": ["rain"]}
    assert (await grade(graded, both)).reward == pytest.approx(4 / 9)


async def test_naming_everything_is_no_answer(graded):
    everything = {**RIGHT, "variables": ["rain", "yield", *(f"column {n}" for n in range(98))]}
    assert (await grade(graded, everything)).reward == pytest.approx(4 / 102)


async def test_a_minus_before_a_number_stays(graded):
    data = {"context": [["temperature = -5"]]}
    assert (await grade(graded, {**RIGHT, "context": ["temperature: -5"]}, **data)).reward == 1.0
    assert (await grade(graded, {**RIGHT, "context": ["temperature: 5"]}, **data)).reward == 0.0


async def test_no_context_wanted(graded):
    assert (await grade(graded, {**RIGHT, "context": []}, context=[])).reward == 1.0
    assert (await grade(graded, RIGHT, context=[])).reward == 0.0


@pytest.mark.parametrize(
    "hypothesis",
    [
        [],
        "x",
        {"variables": ["rain"]},
        {**RIGHT, "relation": "linear"},
        {**RIGHT, "variables": [["rain"]]},
        {**RIGHT, "context": [{}]},
    ],
)
async def test_wrong_shapes(graded, hypothesis):
    assert (await grade(graded, hypothesis)).reward == 0.0


@pytest.mark.parametrize(
    "data", [{"variables": []}, {"relation": {}}, {"variables": [["a"], ["A"]]}, {"context": [[]]}]
)
async def test_wrong_data_is_no_verdict(graded, data):
    with pytest.raises(CannotGrade, match="facets"):
        await grade(graded, RIGHT, **data)
