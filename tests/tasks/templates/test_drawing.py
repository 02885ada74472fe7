"""From a seed and a number to an instance: the same anywhere, whole, and checked."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.errors import BadTemplate
from tasks.templates import build, draw, draw_values, load_template

from .making import SUM, sum_template, written

SHOP = Path(__file__).with_name("shop") / "shop_revenue.yaml"


def test_an_instance_has_all_that_its_template_says() -> None:
    (instance,) = draw(load_template(SHOP), seed=7, index=0)
    assert instance.template == "shop_revenue" and instance.family == "shop"
    assert set(instance.files) == {"orders.csv", "about.txt", "schema.sql", "notes/first.txt", "notes/second.txt"} | {
        "README.md"
    }
    assert instance.files["orders.csv"].startswith(b"client,city,month,amount\n")
    assert instance.phrasing == "plain" and "answer.csv" in instance.instruction
    assert instance.tags[0] == "tables" and instance.tags[1] in ("easy", "hard")
    assert instance.grading["output"] == "answer.csv" and instance.grading["rows"]
    assert set(instance.reference or {}) == {"answer.csv"} and set(instance.hidden) == {"kept/seed.txt"}
    assert instance.accepts == ("answer.csv",) and instance.tools == ("bash", "read", "write", "submit")
    assert instance.limits.memory_mb == 512 and instance.agent_timeout_sec == 300
    assert instance.inputs["place"] == {"type": "place", "value": instance.parameters["city"]["name"]}
    assert instance.output == {"type": "table", "value": instance.grading["rows"], "path": "answer.csv"}
    assert "world" not in instance.parameters, "large values are no part of the provenance"


def test_the_same_seed_gives_the_same_instances_in_any_process() -> None:
    """Also where texts hash otherwise: nothing may depend on the order of a set."""
    program = (
        "import sys; from pathlib import Path; from tasks.templates import draw, load_template; "
        "t = load_template(Path(sys.argv[1])); "
        "print([(i.id, i.kinship) for n in range(6) for i in draw(t, seed=3, index=n)])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program, str(SHOP)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[3])},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "17")
    }
    assert len(said) == 1 and "shop_revenue-" in said.pop()


def test_an_instance_does_not_depend_on_those_before_it() -> None:
    template = load_template(SHOP)
    alone = draw(template, seed=3, index=5)
    for index in range(5):
        draw(template, seed=3, index=index)
    assert draw(template, seed=3, index=5)[0].id == alone[0].id
    assert draw(template, seed=4, index=5)[0].id != alone[0].id


def test_phrasings_differ_in_their_words_alone(tmp_path: Path) -> None:
    template = sum_template(tmp_path)
    plain, brief = draw(template, seed=1, index=0, phrasing="all")
    assert [plain.phrasing, brief.phrasing] == ["plain", "brief"]
    assert plain.instruction != brief.instruction and plain.id != brief.id
    assert plain.files == brief.files and plain.kinship == brief.kinship
    assert draw(template, seed=1, index=0, phrasing="brief")[0].id == brief.id
    with pytest.raises(BadTemplate, match="phrasings: there is none called 'long'; there are: plain, brief"):
        draw(template, seed=1, index=0, phrasing="long")


def test_a_phrasing_can_say_something_else_for_an_input() -> None:
    """What extension does: the place is to be found out first."""
    template = load_template(SHOP)
    values = draw_values(template, 7, 0)
    instance = build(template, values, phrasing="brief", said_instead={"place": "the city named in first.txt"})
    assert "paid in the city named in first.txt" in instance.instruction
    assert instance.inputs["place"]["value"] == values["city"]["name"]


def test_files_may_be_texts_bytes_or_values(tmp_path: Path) -> None:
    (tmp_path / "world.py").write_text(
        "def world(rng):\n    return {'items': [1, {'ä': None}], 'raw': b'\\x00', 'more': {'d/e.txt': 'x'}}\n"
    )
    text = SUM.replace("  b: {range: [1, 40]}", "  b: {range: [1, 40]}\n  world: {python: 'world.py:world'}").replace(
        "  files:\n",
        "  files_from: world.more\n  files:\n    a.json: {value: world.items}\n    b: {value: world.raw}\n",
    )
    (instance,) = draw(written(tmp_path, text), 1, 0)
    assert instance.files["b"] == b"\x00" and instance.files["d/e.txt"] == b"x"
    assert instance.files["a.json"] == '[\n 1,\n {\n  "ä": null\n }\n]\n'.encode()
    assert json.loads(instance.files["a.json"]) == [1, {"ä": None}]


def test_require_draws_again(tmp_path: Path) -> None:
    template = sum_template(tmp_path, **{"phrasings:\n": "require: ['a > b', 'a % 2 == 0']\nphrasings:\n"})
    for index in range(20):
        values = draw_values(template, 1, index)
        assert values["a"] > values["b"] and values["a"] % 2 == 0
    never = sum_template(tmp_path, **{"phrasings:\n": "require:\n  - a > 0\n  - a > 99\nphrasings:\n"})
    with pytest.raises(BadTemplate, match=r"template.yaml:8: require.1: not one of 1000 draws meets it"):
        draw_values(never, 1, 0)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "Write {{ a }} +",
            "Write {{ a.b }} +",
            r"7: phrasings.plain: UndefinedError: 'int object' has no attribute 'b'",
        ),
        ('"Write {{ a }} + {{ b }} into answer.txt."', '"{% if a > 99 %}x{% endif %}"', "7: phrasings.plain: is empty"),
        ("{'value': a + b}", "{'vale': a + b}", "14: grading_from: grader numeric: vale: Unexpected keyword"),
        ("{'value': a + b}", "[a]", "14: grading_from: must give a mapping of the grader's fields, and gives a list"),
        ("{'value': a + b}", "{'value': 'x' ~ a}", "14: grading_from: grader numeric: value: Input should be a valid"),
        ("[{'answer.txt': (a * b + 1000) | string}]", "{'a': 1}", "17: decoys: must give a list of {path: content}"),
        ("[{'answer.txt': (a * b + 1000) | string}]", "[a]", "17: decoys: must give a mapping of paths to contents"),
        ('files: {answer.txt: {text: "{{ a + b }}\\n"}}', "files_from: \"{'../x': 'y'}\"", "16: .*'../x'"),
        ('files: {answer.txt: {text: "{{ a + b }}\\n"}}', "files_from: '[1]'", "16: reference.files_from: must give"),
        (
            'files: {answer.txt: {text: "{{ a + b }}\\n"}}',
            'files: {numbers.txt: {text: "{{ a }} {{ b }}\\n"}}',
            "15: reference: changes nothing of what the agent starts with",
        ),
    ],
)
def test_what_a_draw_shows_is_told_with_its_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    template = sum_template(tmp_path, **{old: new})
    with pytest.raises(BadTemplate, match=rf"template\.yaml:{told}.*\(instance 2 of seed 1\)"):
        draw(template, 1, 2)
