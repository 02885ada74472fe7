"""First steps: the word is where the instruction says, and what looks right is not."""

import random

import pytest

from tasks.families.first_steps.world import OUTPUTS, copy_world, field_world, write_world
from tasks.templates import family_templates, load_template

TEMPLATES = {file.stem: load_template(file) for file in family_templates("first_steps")["first_steps"]}


@pytest.mark.parametrize("make", [write_world, copy_world, field_world])
def test_no_wrong_answer_is_right(make: object) -> None:
    for number in range(100):
        world = make(random.Random(number))  # type: ignore[operator]
        (right,) = world["reference"].values()
        assert right.strip() == world["word"] and len(world["decoys"]) == 2
        assert all(right not in decoy.values() for decoy in world["decoys"])


def test_the_value_stands_in_the_line_of_its_key() -> None:
    for number in range(100):
        world = field_world(random.Random(number))
        assert f"{world['key']}: {world['word']}\n" in world["files"][world["source"]]


def test_every_output_is_accepted() -> None:
    assert all(tuple(template.source.accepts) == OUTPUTS for template in TEMPLATES.values())
