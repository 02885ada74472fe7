"""Files that are no templates at all, or odd ones: an error in words, never a traceback."""

from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from tasks.errors import BadTemplate
from tasks.templates import draw, family_templates, load_template
from tasks.templates.families import families, template_files

from .making import SUM, written


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ":1: a template is a mapping"),
        ("just a text", ":1: a template is a mapping"),
        ("- a\n- b\n", ":1: a template is a mapping"),
        ("a: *nothing\n", ":1: is not valid YAML: found undefined alias"),
        ("a: &x [*x]\n", ":1: an alias refers to what it stands in"),
        ("a: !!python/object:os.system {}\n", ":1: is not valid YAML: could not determine a constructor"),
        ("a: !!int nonsense\n", "cannot be read: invalid literal"),
        ("? [a, b]\n: c\n", ":1: "),
        ("1: x\n", ":1: "),
        ("name: a\n---\nname: b\n", "is not valid YAML: expected a single document"),
        ("[" * 2000, ": is nested too deeply|: is not valid YAML"),
        ("name: \x00", "a character that YAML does not allow"),
    ],
)
def test_no_template(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "t.yaml").write_text(text)
    with pytest.raises(BadTemplate, match=r"t\.yaml.*(" + told + ")"):
        load_template(tmp_path / "t.yaml")


def test_no_text(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_bytes(b"name: a\nb: \xff\n")
    with pytest.raises(BadTemplate, match=r"t\.yaml:2: is not UTF-8 text"):
        load_template(tmp_path / "t.yaml")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("name: sum", "name: Sum!", r":1: name: String should match pattern .* \(got 'Sum!'\)"),
        ("a: {range", "_a: {range", r":4: parameters\._a: "),
        ("a: {range", "range: {range", r":4: parameters\.range: is the name of a Jinja function"),
        ("numbers.txt:", "../numbers.txt:", r":11: environment\.files\.\.\./numbers\.txt: .*not a plain path"),
        ("numbers.txt:", ".git/config:", r":11: .*lies in a git folder"),
        ("accepts: [answer.txt]", "accepts: [/etc/passwd]", r":13: accepts\.0: '/etc/passwd' must be relative"),
        ("grader: numeric", "grader: numerc", r":12: grader: no grader is called 'numerc'; there are: all, answer"),
        (
            "grading_from:",
            "grading: {value: many}\ngrading_from:",
            r":14: grading\.value: Input should be a valid number",
        ),
        ("environment:\n", "environment:\n  packages: [a b]\n", r":10: environment\.packages\.0: is no requirement"),
        (
            "environment:\n",
            "environment:\n  limits: {memory: 5}\n",
            r":10: environment\.limits\.memory: there is no such",
        ),
        (
            '{text: "{{ a }} {{ b }}\\n"}',
            "{copy: nothing}",
            r":11: environment\.files\.numbers\.txt\.copy: there is no",
        ),
        (
            '  plain: "Write',
            '  plain: "{% for x in y %}Write',
            r":7: phrasings\.plain: is no valid Jinja text: Unexpected",
        ),
        ('  plain: "Write', '  plain: "{{ a.__class__ }}Write', r":7: phrasings\.plain: SecurityError"),
        ("(a * b + 1000)", "(a.__class__)", r":17: decoys: SecurityError"),
        ("Write {{ a }}", "Write {{ range(10 ** 9) | list }}", r":7: phrasings\.plain: OverflowError: Range too big"),
    ],
)
def test_odd_lines(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in SUM
    with pytest.raises(BadTemplate, match=told):
        draw(written(tmp_path, SUM.replace(old, new, 1)), 1, 0)


def test_anchors_and_merges_are_plain_yaml(tmp_path: Path) -> None:
    text = SUM.replace("a: {range: [1, 40]}", "a: &number {range: [1, 40]}").replace(
        "b: {range: [1, 40]}", "b: {<<: *number, step: 2}"
    )
    assert draw(written(tmp_path, text), 1, 0)[0].parameters["b"] % 2 == 1


def test_every_family_that_ships_has_templates_that_load() -> None:
    known = families()
    assert known
    for name, files in family_templates("all").items():
        for file in files:
            template = load_template(file)
            assert template.family == name, f"{file}: family: {template.family}, in the folder {name}"


def test_trees_beside_a_template_are_no_templates(tmp_path: Path) -> None:
    written(tmp_path, SUM, topics__yaml="A: [b]\n", broken__yaml="name: x\nreference: {\n")
    assert [file.name for file in template_files(tmp_path)] == ["broken.yaml", "template.yaml"]


def test_families_of_others_come_by_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = import_module("tasks.templates.families")
    written(tmp_path / "my_family_of_sums", SUM, __init____py="")
    monkeypatch.syspath_prepend(str(tmp_path))
    point = EntryPoint(name="sums", value="my_family_of_sums", group="gristmill.families")
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    assert family_templates("sums") == {"sums": [tmp_path / "my_family_of_sums" / "template.yaml"]}
    with pytest.raises(BadTemplate, match=r"no family is called 'sum'; there are: all, .*sums"):
        family_templates("sum")
    bad = EntryPoint(name="gone", value="no_such_package_at_all", group="gristmill.families")
    monkeypatch.setattr(registry, "entry_points", lambda group: [bad])
    with pytest.raises(BadTemplate, match="family gone: no_such_package_at_all is no package"):
        families()
