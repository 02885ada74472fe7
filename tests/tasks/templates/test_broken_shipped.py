"""Lines of the templates that ship, broken: the error names the line, or the block that it left open."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.errors import BadTemplate
from tasks.templates import draw, family_templates, load_template
from tests.tasks.templates.test_broken_lines import BREAKS, lines_named

EACH = 10  # broken lines a template; all of them: minutes
FILES = [file for files in family_templates("all").values() for file in files]


@pytest.mark.parametrize("shipped", FILES, ids=lambda file: file.stem)
def test_a_broken_line_of_it_is_named(shipped: Path, copy_of: Path) -> None:
    lines = shipped.read_text().splitlines()
    rng = random.Random(shipped.stem)
    cases = [(number, BREAKS[way](line)) for number, line in enumerate(lines, start=1) if line.strip() for way in BREAKS
             if BREAKS[way](line) != line]  # fmt: skip
    wrong = []
    for number, mangled in rng.sample(cases, EACH):
        copy_of.write_text("\n".join([*lines[: number - 1], mangled, *lines[number:]]) + "\n")
        try:
            draw(load_template(copy_of), seed=1, index=0)
        except BadTemplate as error:
            if number not in set(told(str(error).replace(copy_of.name, shipped.name))):
                wrong.append(f"line {number}, now {mangled!r}: {error}")
    assert not wrong, "\n".join(wrong)


def told(said: str) -> Iterator[int]:
    """The lines that it names, and those of a block that it says is left open."""
    yield from lines_named(said)
    for line, above in re.findall(r"\.yaml:(\d+):[^\n]*was opened (\d+) lines above", said):
        yield from range(int(line) - int(above), int(line))


@pytest.fixture
def copy_of(shipped: Path) -> Iterator[Path]:
    """Beside the shipped file, whose Python and tables it uses; named so that nobody takes it for one that ships."""
    file = shipped.with_name(f"broken_{shipped.stem}.yml")
    yield file
    file.unlink(missing_ok=True)
