"""Tables with wrong cells: each kind of error is found from the table and its notes, and nothing else is."""

import random
from pathlib import Path

import pytest

from environments import Backend
from tasks.families.error_detection.errors import ERRORS, detect, spoil
from tasks.families.error_detection.tables import THEMES, Theme, draw_table
from tasks.families.error_detection.world import make_world

from .served import drawn, template_of, verdict_on


@pytest.mark.parametrize("theme", THEMES, ids=[theme.name for theme in THEMES])
def test_a_clean_table_has_no_wrong_cell(theme: Theme) -> None:
    assert detect(draw_table(random.Random(theme.name), theme, 80), list(theme.columns), theme) == []


@pytest.mark.parametrize("kind", sorted(ERRORS))
def test_each_kind_of_error_is_found(kind: str) -> None:
    """By itself, in a table where all else is right."""
    rng, theme = random.Random(kind), THEMES[0]
    spoiler, _ = ERRORS[kind]
    for _ in range(5):
        rows = draw_table(rng, theme, 60)
        row = rng.choice(rows)
        before = dict(row)
        changed = spoiler(rng, row, theme)
        wrong = sorted((row["id"], role) for role in changed if row[role] != before[role])
        assert wrong and detect(rows, list(theme.columns), theme) == wrong


def test_several_errors_are_of_several_kinds() -> None:
    rng, theme = random.Random(2), THEMES[1]
    wrong = spoil(rng, draw_table(rng, theme, 90), list(theme.columns), theme, 14)
    assert len({role for _, role in wrong}) >= 8


def test_too_many_errors_are_told() -> None:
    with pytest.raises(ValueError, match="errors at most a third"):
        make_world(random.Random(0), 60, 40)


async def test_half_of_the_cells_earn_a_part_and_all_cells_of_the_table_little(
    bubblewrap: Backend, tmp_path: Path
) -> None:
    (instance,) = drawn(template_of("error_detection"), 1, seed=1)
    assert instance.reference is not None
    header, *lines = instance.reference["errors.csv"].decode().splitlines()
    columns, *rows = [line.split(",") for line in instance.files["data.csv"].decode().splitlines()]
    everything = [f"{row[0]},{column}" for row in rows for column in columns[1:]]
    half, flood = [
        (await verdict_on(instance, {"errors.csv": "\n".join([header, *each]) + "\n"}, bubblewrap, tmp_path)).reward
        for each in (lines[::2], everything)
    ]
    assert 0.5 < half < 1
    assert flood < 0.1
