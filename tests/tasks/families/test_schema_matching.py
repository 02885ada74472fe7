"""Columns of two systems: units, codes and formats differ, and columns of one kind are told apart by their values."""

import random

import pytest

from tasks.families.schema_matching.concepts import THEMES, draw_value
from tasks.families.schema_matching.match import agreement, form, match_columns
from tasks.families.schema_matching.world import STYLES, make_world


@pytest.mark.parametrize(
    "ours, theirs",
    [
        (["2.0", "5.5", "9.1", "30.4", "7.7", "11.2"], ["20", "55", "91", "304", "77", "112"]),
        (["10.0", "20.0", "55.5", "60.1", "4.0", "8.1"], ["3.94", "7.87", "21.85", "23.66", "1.57", "3.19"]),
        (["gold", "basic", "gold", "silver", "gold", "basic"], ["2", "1", "2", "3", "2", "1"]),
        (["19.99", "5.00", "120.50", "7.25", "1.10", "64.00"], ["1999", "500", "12050", "725", "110", "6400"]),
    ],
)
def test_units_and_codes_are_seen_through(ours: list[str], theirs: list[str]) -> None:
    assert agreement(list(zip(ours, theirs, strict=True))) == 1
    assert agreement(list(zip(ours, [*theirs[1:], theirs[0]], strict=True))) < 1


def test_forms_of_one_value_are_the_same() -> None:
    assert form("Clara Holm") == form("HOLM, Clara")
    assert form("555-204-7719") == form("+1 555 204 7719")
    assert form("2021-04-03") == form("3 April 2021")
    assert form("AB-1204") == form("#ab-1204")
    assert form("17 Orchard Lane") == form("17 ORCHARD LN.")


def test_columns_without_a_counterpart_stay_alone() -> None:
    rng = random.Random(1)
    key = [draw_value(rng, THEMES[0].concepts[0]) for _ in range(30)]
    town, other = ([draw_value(rng, THEMES[0].concepts[2]) for _ in range(30)] for _ in range(2))
    assert match_columns({"no": key, "here": town}, {"ref": key, "there": other}) == [("no", "ref")]


@pytest.mark.parametrize("style", STYLES)
def test_each_table_has_columns_that_the_other_lacks_and_some_look_alike(style: str) -> None:
    world = make_world(random.Random(style), style)
    first, second = (world["files"][name].splitlines()[0].split(",") for name in ("first.csv", "second.csv"))
    assert len(world["grading"]["rows"]) == len(first) - 2 == len(second) - 2
    if style == "opaque":
        assert all(name[0] in "cf" and name[1:].isdigit() for name in (*first, *second))


def test_two_columns_of_one_kind_mixed_up_is_a_decoy() -> None:
    """In nearly every instance: towns, phones or dates of two roles."""
    swapped = 0
    for seed in range(8):
        world = make_world(random.Random(seed), "synonyms")
        right = dict(line.split(",") for line in world["reference"]["mapping.csv"].splitlines()[1:])
        for decoy in world["decoys"]:
            other = dict(line.split(",") for line in decoy["mapping.csv"].splitlines()[1:])
            swapped += other.keys() == right.keys() and sum(other[name] != right[name] for name in right) == 2
    assert swapped >= 6
