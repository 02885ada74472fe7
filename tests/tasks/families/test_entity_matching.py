"""Pairs of records: near misses are there, the reference tells them, and similarity alone does not."""

import random
from collections import Counter

import pytest

from tasks.families.entity_matching.entities import KINDS, rewrite
from tasks.families.entity_matching.reference_match import is_match, parse_date, slips
from tasks.families.entity_matching.world import make_world


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_twin_is_another_thing_and_a_rewriting_is_the_same(kind: str) -> None:
    rng = random.Random(kind)
    right = Counter[str]()
    for _ in range(100):
        thing = KINDS[kind].draw(rng)
        twin, telling = KINDS[kind].twin(rng, thing)
        assert twin != thing and {field for field in thing if thing[field] != twin[field]} <= set(thing)
        right["same"] += is_match(thing, rewrite(rng, thing, frozenset(), 0.8))
        right["twin"] += not is_match(thing, rewrite(rng, twin, telling, 0.8))
    assert right["same"] >= 97 and right["twin"] >= 97


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_share_of_common_words_tells_the_pairs(kind: str) -> None:
    """The best limit on word overlap stays far below what is asked for."""
    world = make_world(random.Random(f"overlap {kind}"), kind, 0.8)
    assert world["overlap"] < world["pass_at"] - 0.08
    assert len(world["decoys"]) == 3


def test_the_hidden_pairs_are_not_among_the_labelled_ones() -> None:
    world = make_world(random.Random(4), "people", 0.7)
    shown = set(world["pairs"].splitlines()[1:])
    for row in world["grading"]["rows"]:
        assert not any(",".join([*row["left"].values(), *row["right"].values()]) in line for line in shown)
    assert Counter(world["grading"]["labels"]) == {"match": 48, "different": 72}


@pytest.mark.parametrize("text", ["2021-04-03", "03.04.2021", "3 April 2021", "April 3, 2021", "3-Apr-2021"])
def test_dates_in_all_styles_are_the_same_day(text: str) -> None:
    assert parse_date(text) == (2021, 4, 3)


def test_a_slip_is_a_letter_left_out_doubled_changed_or_swapped() -> None:
    assert [slips("harbour", other) for other in ("harbur", "harrbour", "harbpur", "harobur", "harbour")] == [
        1,
        1,
        1,
        1,
        0,
    ]


def test_wrong_arguments_are_told() -> None:
    with pytest.raises(ValueError, match="kind is one of products"):
        make_world(random.Random(0), "planets", 0.5)
