"""A JSON value: the same in other words passes; what differs in one place loses that place."""

import json

import pytest

from tasks.graders import CannotGrade

WANTED = {
    "name": "Ada",
    "age": 36,
    "ok": True,
    "none": None,
    "tags": ["x", "y"],
    "orders": [{"id": 1, "sum": 9.5}, {"id": 2, "sum": 3}],
}


async def answer(graded, value, **data):
    text = value if isinstance(value, str) else json.dumps(value)
    return await graded("json", {"expected": WANTED, **data}, {"answer.json": text})


async def test_the_same_value(graded):
    reordered = dict(reversed(WANTED.items()))
    assert (await answer(graded, WANTED)).reward == 1.0
    assert (
        await answer(graded, json.dumps(reordered, indent=4).replace("36", "36.0").replace("9.5", "9.50"))
    ).reward == 1.0


@pytest.mark.parametrize(
    "change",
    [
        {"name": "ada"},
        {"name": ["Ada"]},
        {"age": "36"},
        {"age": 37},
        {"ok": 1},
        {"ok": "true"},
        {"none": 0},
        {"none": ""},
        {"none": False},
        {"tags": ["y", "x"]},
        {"tags": ["x", "y", "x"]},
        {"tags": ["x"]},
        {"tags": "xy"},
        {"more": 1},
        {"tags": {"0": "x", "1": "y"}},
        {"orders": [{"id": 1, "sum": 9.5}, {"id": 2, "sum": 3, "more": 0}]},
        {"orders": []},
    ],
)
async def test_one_place_that_differs(graded, change):
    grade = await answer(graded, {**WANTED, **change})
    assert 0.0 < grade.reward < 1.0
    assert (await answer(graded, {**WANTED, **change}, partial=False)).reward == 0.0


async def test_a_missing_branch_costs_what_it_holds(graded):
    without = {key: value for key, value in WANTED.items() if key != "orders"}
    assert (await answer(graded, without)).reward == pytest.approx(6 / 10)
    assert (await answer(graded, {})).reward == 0.0
    assert (await answer(graded, [WANTED])).reward == 0.0
    assert (await answer(graded, "null")).reward == 0.0


async def test_lists_without_order(graded):
    swapped = {**WANTED, "orders": WANTED["orders"][::-1], "tags": ["y", "x"]}
    assert (await answer(graded, swapped, unordered=["/orders", "/tags"])).reward == 1.0
    twice = {**WANTED, "tags": ["x", "x"]}
    assert (await answer(graded, twice, unordered=["/orders", "/tags"])).reward == pytest.approx(9 / 10)
    one_wrong = {**WANTED, "orders": [{"id": 2, "sum": 4}, {"id": 1, "sum": 9.5}]}
    assert (await answer(graded, one_wrong, unordered=["/orders"])).reward == pytest.approx(9 / 10)
    longer = {**WANTED, "orders": [{"id": 9, "sum": 9}, *WANTED["orders"]]}
    assert (await answer(graded, longer, unordered=["/orders"])).reward == pytest.approx(10 / 11)


async def test_long_lists_without_order(graded):
    numbers = [{"n": n} for n in range(400)]
    data = {"unordered": [""]}
    for found, reward in [
        (numbers[::-1], 1.0),
        (numbers[:-1] + numbers[:1], 399 / 400),
        ([*numbers, {"n": 1}], 400 / 401),
    ]:
        grade = await graded("json", {"expected": numbers, **data}, {"answer.json": json.dumps(found)})
        assert grade.reward == pytest.approx(reward)


async def test_places_that_do_not_count(graded):
    other = {**WANTED, "name": "Bo", "orders": [{"id": 1, "sum": 0}, {"id": 2}], "more": 1}
    assert (await answer(graded, other, ignore=["/name", "/orders/*/sum", "/more"])).reward == 1.0
    assert (await answer(graded, other, ignore=["/name", "/orders/0/sum", "/more"])).reward < 1.0
    assert (await answer(graded, {**WANTED, "more": 1}, extra_keys=True)).reward == 1.0


async def test_tolerance_and_case(graded):
    assert (await answer(graded, {**WANTED, "age": 36.4}, absolute_tolerance=0.5)).reward == 1.0
    assert (await answer(graded, {**WANTED, "age": 36.6}, absolute_tolerance=0.5)).reward < 1.0
    assert (await answer(graded, {**WANTED, "name": " ADA"}, ignore_case=True)).reward == 1.0


SCHEMA = {
    "type": "object",
    "required": ["name", "age"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1, "pattern": "^[A-Z]"},
        "age": {"type": "integer", "minimum": 0, "exclusiveMaximum": 150},
        "tags": {"type": "array", "items": {"enum": ["x", "y"]}, "uniqueItems": True, "maxItems": 2},
        "id": {"anyOf": [{"type": "string"}, {"type": "integer", "multipleOf": 5}], "not": {"const": "0"}},
    },
}


@pytest.mark.parametrize(
    "value, fits",
    [
        ({"name": "Ada", "age": 36}, True),
        ({"name": "Ada", "age": 36.0, "tags": ["y", "x"], "id": 10}, True),
        ({"name": "Ada"}, False),
        ({"name": "ada", "age": 3}, False),
        ({"name": "", "age": 3}, False),
        ({"name": "Ada", "age": True}, False),
        ({"name": "Ada", "age": 36.5}, False),
        ({"name": "Ada", "age": 150}, False),
        ({"name": "Ada", "age": "36"}, False),
        ({"name": "Ada", "age": 36, "x": 1}, False),
        ({"name": "Ada", "age": -1}, False),
        ({"name": "Ada", "age": 1, "tags": ["x", "x"]}, False),
        ({"name": "Ada", "age": 1, "tags": ["z"]}, False),
        ({"name": "Ada", "age": 1, "tags": "x"}, False),
        ({"name": "Ada", "age": 1, "id": 7}, False),
        ({"name": "Ada", "age": 1, "id": "0"}, False),
        ([], False),
        ("Ada", False),
        (None, False),
    ],
)
async def test_schemas(graded, value, fits):
    grade = await graded("json", {"schema": SCHEMA, "only_schema": True}, {"answer.json": json.dumps(value)})
    assert (grade.reward == 1.0) is fits, grade


async def test_value_and_schema_together(graded):
    schema = {"type": "object", "properties": {"age": {"type": "integer"}}}
    assert (await answer(graded, WANTED, schema=schema)).reward == 1.0
    assert (await answer(graded, {**WANTED, "age": 36.2}, schema=schema, absolute_tolerance=1)).reward < 1.0


@pytest.mark.parametrize(
    "data",
    [
        {"only_schema": True},
        {"schema": {"type": "text"}},
        {"schema": {"$ref": "#"}},
        {"schema": {"pattern": "("}},
        {"schema": {"properties": {"a": {"minimun": 1}}}},
    ],
)
async def test_schemas_that_would_check_nothing_are_no_verdict(graded, data):
    with pytest.raises(CannotGrade, match="schema"):
        await graded("json", data, {"answer.json": "1"})


async def test_a_key_twice_is_no_answer(graded):
    """Whichever of the two a reader takes."""
    for text in ('{"a": 43, "a": 42}', '{"a": 42, "a": 43}'):
        assert (await graded("json", {"expected": {"a": 42}}, {"answer.json": text})).reward == 0.0
