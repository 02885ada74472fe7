"""docs/verifiers.md: every example is data that its grader takes, and every grader has one."""

import re
from pathlib import Path

import pytest
import yaml

from tasks.graders import CannotGrade, get_grader, grader_names, read_data

PAGE = (Path(__file__).parents[3] / "docs" / "verifiers.md").read_text()
EXAMPLES = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["grader"])
async def test_examples_can_be_graded(graded, example):
    """With nothing there each says so with reward 0, but those that must run something to see it."""
    grader = get_grader(example["grader"])
    read_data(grader, example["grading"])
    if example["grader"] == "tree":
        return
    try:
        grade = await graded(example["grader"], example["grading"], {})
    except CannotGrade as error:
        raise AssertionError(f"the example is wrong: {error}") from error
    assert grade.reward == 0.0


def test_every_grader_is_on_the_page():
    ours = [name for name in grader_names() if type(get_grader(name)).__module__.startswith("tasks.graders")]
    assert {example["grader"] for example in EXAMPLES} >= set(ours) - {"page"}
    for name in ours:
        assert f"| `{name}` |" in PAGE


@pytest.mark.parametrize("name", [name for name in grader_names() if name != "page"])
def test_every_field_is_on_the_page(name):
    section = PAGE.split(f"\n## {name}\n")[1].split("\n## ")[0]
    for field in get_grader(name).Data.__dataclass_fields__:
        if field == "output" and name in ("choice", "all", "judge"):
            continue
        assert f"`{field}`" in section, f"{name}: {field}"
