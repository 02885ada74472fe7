"""Empty cells: each can be known, at times only after another, and guesses are not enough."""

import random

import pytest

from tasks.families.imputation.rules import Formula, Lookup, impute
from tasks.families.imputation.themes import THEMES, Theme
from tasks.families.imputation.world import make_world


@pytest.mark.parametrize("theme", THEMES, ids=[theme.name for theme in THEMES])
def test_each_column_with_a_rule_is_found_again(theme: Theme) -> None:
    full = theme.draw(random.Random(1), 80)
    for column in theme.rules:
        found = 0
        for index in range(20):
            table = [dict(row) for row in full]
            table[index][column] = ""
            filled = impute(table, theme.rules)
            assert filled in ({(index, column): full[index][column]}, {}), column
            found += bool(filled)
        assert found >= 15, column


def test_a_gap_may_need_another_to_be_filled_first() -> None:
    rules = {"b": (Lookup(lambda row: row["a"] or None),), "c": (Formula(lambda row: row["b"] * 2 or None),)}
    table = [{"a": "x", "b": "1", "c": "11"}, {"a": "x", "b": "", "c": ""}]
    assert impute(table, rules) == {(1, "b"): "1", (1, "c"): "11"}


def test_rows_that_disagree_say_nothing() -> None:
    rules = {"b": (Lookup(lambda row: row["a"] or None),)}
    assert impute([{"a": "x", "b": "1"}, {"a": "x", "b": "2"}, {"a": "x", "b": ""}], rules) == {}


def test_some_instances_need_two_steps() -> None:
    def steps(world: dict[str, object]) -> int:
        rows = [line.split(",")[0] for line in str(world["reference"]["filled.csv"]).splitlines()[1:]]  # type: ignore[index]
        return len(rows) - len(set(rows))

    assert sum(steps(make_world(random.Random(seed), 60, 9)) > 0 for seed in range(10)) >= 5


def test_too_many_gaps_are_told() -> None:
    with pytest.raises(ValueError, match="at most a quarter"):
        make_world(random.Random(0), 40, 30)
