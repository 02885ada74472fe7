"""Several graders together: all right or less than 1, and a fault of one is no verdict of all."""

import pytest

from tasks.graders import CannotGrade

TWO = {
    "graders": [
        {"grader": "numeric", "data": {"value": 42, "output": "first.txt"}, "name": "depth 1"},
        {"grader": "answer", "data": {"answers": ["Bonn"], "output": "second.txt"}, "weight": 3},
    ]
}


@pytest.mark.parametrize(
    "first, second, reward, in_order",
    [
        ("42", "Bonn", 1.0, 1.0),
        ("42", "Ulm", 1 / 4, 1 / 4),
        ("41", "Bonn", 3 / 4, 0.0),
        ("41", "Ulm", 0.0, 0.0),
    ],
)
async def test_the_weighted_mean(graded, first, second, reward, in_order):
    files = {"first.txt": first, "second.txt": second}
    grade = await graded("all", TWO, files)
    assert grade.reward == pytest.approx(reward)
    assert [part.name for part in grade.parts] == ["depth 1: first.txt", "2 answer: second.txt"]
    assert (await graded("all", {**TWO, "in_order": True}, files)).reward == pytest.approx(in_order)


async def test_nearly_all_is_not_all(graded):
    heavy = {"graders": [{**TWO["graders"][0], "weight": 1e8}, {**TWO["graders"][1], "weight": 1e-8}]}
    assert (await graded("all", heavy, {"first.txt": "42", "second.txt": "Ulm"})).reward == 0.999


async def test_joint_within_joint(graded):
    data = {"graders": [{"grader": "all", "data": TWO}, TWO["graders"][0]]}
    assert (await graded("all", data, {"first.txt": "42", "second.txt": "Bonn"})).reward == 1.0
    assert (await graded("all", data, {"first.txt": "42", "second.txt": "Ulm"})).reward == pytest.approx(5 / 8)


@pytest.mark.parametrize(
    "graders, why",
    [
        ([], "at least one"),
        ([{"data": {}}], "needs `grader`"),
        ([{"grader": "nothing"}], "no grader is called"),
        ([{"grader": "answer", "weight": 0}], "weight"),
        ([{"grader": "answer", "data": {"anser": ["x"]}}], "anser"),
        ([{"grader": "answer", "extra": 1}], "takes"),
        ([{"grader": "numeric", "data": {}}], "finite"),
    ],
)
async def test_wrong_data_is_no_verdict(graded, graders, why):
    with pytest.raises(CannotGrade, match=why):
        await graded("all", {"graders": graders}, {})
