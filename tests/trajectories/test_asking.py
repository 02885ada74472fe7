"""Questions about an agent, answered with fewer rollouts than by chance; agents whose rates we know."""

from random import Random

import pytest

from trajectories.asking import Asker, parse_question
from trajectories.errors import BadQuestion

RATES = {"sql": 0.9, "tables": 0.85, "dates": 0.8, "joins": 0.75, "regex": 0.7, "units": 0.35, "dialogue": 0.2}
GROUPS = {name: [f"{name}-{number}" for number in range(40)] for name in RATES}


def outcomes(seed: int) -> dict[str, bool]:
    rng = Random(seed)
    return {task: rng.random() < RATES[name] for name, tasks in GROUPS.items() for task in tasks}


def answered(question: str, *, budget: int, seed: int, by_chance: bool = False) -> set[str]:
    """What is held to be in the answer, after `budget` rollouts."""
    truth, asker = outcomes(seed), Asker(parse_question(question), GROUPS, seed=seed)
    if by_chance:
        chosen = Random(seed).sample(sorted(truth), budget)
        for task in chosen:
            asker.tell(task, truth[task])
    else:
        while asker.asked < budget:
            for task in asker.next(7):
                asker.tell(task, truth[task])
    return {each.group for each in asker.answer().groups if each.is_in}


def test_the_weakest_are_found_more_often_than_by_chance() -> None:
    right = {"dialogue", "units"}
    active = sum(answered("weakest 2 tags", budget=42, seed=seed) == right for seed in range(60))
    chance = sum(answered("weakest 2 tags", budget=42, seed=seed, by_chance=True) == right for seed in range(60))
    assert active >= chance and active >= 50, (active, chance)


def test_a_threshold_is_decided_where_the_groups_are_near_it() -> None:
    right = {"dialogue", "units"}
    active = sum(answered("below 50 % tags", budget=42, seed=seed) == right for seed in range(60))
    chance = sum(answered("below 50 % tags", budget=42, seed=seed, by_chance=True) == right for seed in range(60))
    assert active > chance and active >= 30, (active, chance)


def test_rollouts_go_to_the_groups_at_the_border() -> None:
    truth, asker = outcomes(1), Asker(parse_question("weakest 2 tags"), GROUPS, seed=1)
    for _ in range(10):
        for task in asker.next(7):
            asker.tell(task, truth[task])
    asked = {each.group: each.n for each in asker.answer().groups}
    assert asked["units"] > asked["sql"]


def test_all_tasks_asked_is_the_end() -> None:
    asker = Asker(parse_question("above 0.5 families"), {"a": ["1", "2"], "b": ["2", "3"]})
    first = asker.next(10)
    assert sorted(first) == ["1", "2", "3"] and asker.next(1) == []
    for task in first:
        asker.tell(task, True)
    assert {each.group: each.n for each in asker.answer().groups} == {"a": 2, "b": 2}


@pytest.mark.parametrize(
    "text",
    ["who is best?", "weakest 0 tags", "weakest 2.5 tags", "above 7 tags", "below 120 % topics", "weakest 30 % tags"],
)
def test_what_is_no_question_is_told_with_examples(text: str) -> None:
    with pytest.raises(BadQuestion):
        parse_question(text)


def test_a_suite_with_too_few_groups_is_told() -> None:
    with pytest.raises(BadQuestion, match="nothing to compare"):
        Asker(parse_question("weakest 1 tags"), {"a": ["1"]})
    with pytest.raises(BadQuestion, match="only 2 tags"):
        Asker(parse_question("weakest 2 tags"), {"a": ["1"], "b": ["2"]})
