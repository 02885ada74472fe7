"""A template written by someone else, with any one line broken, gives an error that names the line."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tasks.errors import BadTemplate
from tasks.templates import draw, load_template

SHOP = Path(__file__).with_name("shop")
LINES = (SHOP / "shop_revenue.yaml").read_text().splitlines()
TOOLS = ("bash", "read", "write", "submit")

Break = Callable[[str], str]


def replaced(pattern: str, by: str) -> Break:
    return lambda line: re.sub(pattern, by, line, count=1)


BREAKS: dict[str, Break] = {
    "a key misspelt": replaced(r"^(\s*(?:- )?)([\w.]+):", r"\1\2x:"),
    "indented too far": lambda line: " " + line,
    "indented far too far": lambda line: "   " + line,
    "not indented": lambda line: line.lstrip(),
    "a tab": lambda line: "\t" + line.lstrip(),
    "a bracket left open": replaced(r": .*$", ": ["),
    "a quote left open": replaced(r": .*$", ': "a'),
    "no colon": replaced(r":( |$)", r"\1"),
    "a number": replaced(r": .+$", ": 17"),
    "nonsense": replaced(r": .+$", ": nonsense"),
    "nothing": replaced(r": .+$", ":"),
    "a list": replaced(r": .+$", ": [1, two]"),
    "Jinja left open": replaced(r"\}\}", "}"),
    "an unknown name": replaced(r"\{\{ ", "{{ x"),
    "cut off": lambda line: line[: len(line) // 2],
    "a control character": lambda line: line + " \x07",
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(SHOP, tmp_path / "shop")
    return tmp_path / "shop" / "shop_revenue.yaml"


def broken(file: Path, number: int, line: str | None) -> str:
    """What is said of the template with this line (from 1) in place of its own; empty if it works."""
    lines = [*LINES[: number - 1], *([] if line is None else [line]), *LINES[number:]]
    file.write_text("\n".join(lines) + "\n")
    try:
        draw(load_template(file, tools=TOOLS), seed=1, index=0)
    except BadTemplate as error:
        return str(error)
    return ""


def lines_named(said: str) -> set[int]:
    return {int(number) for number in re.findall(r"(?:\.yaml:|line )(\d+)", said)}


def test_the_template_itself_works(copy: Path) -> None:
    assert broken(copy, 1, LINES[0]) == ""


@pytest.mark.parametrize("how", BREAKS)
def test_any_line_broken_is_named(copy: Path, how: str) -> None:
    """Where a break is none (other prose, a tag less), the template works; else the broken line is named."""
    wrong = []
    count = 0
    for number, line in enumerate(LINES, start=1):
        mangled = BREAKS[how](line)
        if not line.strip() or mangled == line:
            continue
        said = broken(copy, number, mangled)
        count += bool(said)
        if said and number not in lines_named(said):
            wrong.append(f"line {number}, now {mangled!r}: {said}")
    assert count, "this way breaks no line"
    assert not wrong, "\n".join(wrong)


def test_every_line_can_be_broken(copy: Path) -> None:
    """The lines of the template all matter: a break that nobody notices would prove nothing."""
    ways = ("a control character", "a bracket left open", "an unknown name", "cut off")
    for number, line in enumerate(LINES, start=1):
        if line.strip():
            assert any(broken(copy, number, BREAKS[way](line)) for way in ways), line


def test_a_missing_line_is_asked_for_where_it_belongs(copy: Path) -> None:
    """What is missing has no line: named is the parent, a neighbour, or where the missing thing is used."""
    for number, line in enumerate(LINES, start=1):
        said = broken(copy, number, None)
        if not said:
            continue
        shifted = {each if each < number else each + 1 for each in lines_named(said)}
        key = re.sub(r"[:\s].*", "", line.strip().removeprefix("- "))
        expected = {*parents(number), number - 1, number + 1, *uses(key)}
        assert shifted & expected, f"line {number} ({line!r}) is missing: {said}"


def parents(number: int) -> Iterator[int]:
    yield 1
    indent = len(LINES[number - 1]) - len(LINES[number - 1].lstrip())
    for above in range(number - 1, 0, -1):
        line = LINES[above - 1]
        if line.strip() and len(line) - len(line.lstrip()) < indent:
            yield above
            indent = len(line) - len(line.lstrip())


def uses(key: str) -> Iterator[int]:
    """Lines with a word; `world` is called with what its signature names."""
    for number, line in enumerate(LINES, start=1):
        if re.search(rf"\b{re.escape(key)}\b", line) or "python:" in line or "arguments:" in line:
            yield number


def test_all_faults_are_told_at_once(copy: Path) -> None:
    text = (SHOP / "shop_revenue.yaml").read_text()
    text = text.replace("{{ place }} paid", "{{ plaza }} paid").replace("output: answer.csv", "outptu: answer.csv")
    copy.write_text(text.replace("copy: shop.sql", "copy: shpo.sql"))
    with pytest.raises(BadTemplate) as raised:
        load_template(copy)
    said = str(raised.value).splitlines()
    assert len(said) == 3
    assert "phrasings.plain: there is no parameter 'plaza' here" in said[0] and "is 'place' in line" in said[0]
    assert "environment.files.schema.sql.copy: there is no file" in said[1]
    assert "grading.outptu: grader table has no such field; it has: columns" in said[2]
