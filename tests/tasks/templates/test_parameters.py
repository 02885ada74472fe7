"""Every kind of parameter: what it draws, and what is said of one that cannot be drawn."""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from tasks.errors import BadTemplate
from tasks.templates import Template, draw_values, load_template

HEAD = "name: t\ndescription: d\nphrasings: {plain: hello}\ngrader: answer\nreference: {files: {a.txt: {text: x}}}\n"


def template(folder: Path, parameters: str) -> Template:
    (folder / "t.yaml").write_text(HEAD + "parameters:\n  before: {range: [3, 3]}\n  x: " + parameters + "\n")
    return load_template(folder / "t.yaml")


def drawn(folder: Path, parameters: str, times: int = 60) -> list[Any]:
    found = template(folder, parameters)
    return [draw_values(found, 1, index)["x"] for index in range(times)]


def test_ranges(tmp_path: Path) -> None:
    assert set(drawn(tmp_path, "{range: [1, 3]}")) == {1, 2, 3}
    assert set(drawn(tmp_path, "{range: [0, 10], step: 5}")) == {0, 5, 10}
    tenths = set(drawn(tmp_path, "{range: [0.1, 0.4], step: 0.1}"))
    assert tenths == {0.1, 0.2, 0.3, 0.4}, "exact, not 0.30000000000000004"
    assert all(1 <= each <= 2 and isinstance(each, float) for each in drawn(tmp_path, "{range: [1.0, 2.0]}"))


def test_choices_and_weights(tmp_path: Path) -> None:
    counts = Counter(drawn(tmp_path, "{choice: [a, b, c], weights: [8, 1, 0]}", 200))
    assert counts["a"] > 3 * counts["b"] > 0 and counts["c"] == 0


def test_words_that_other_yaml_readers_change_stay_texts(tmp_path: Path) -> None:
    values = drawn(tmp_path, "{choice: [no, on, 2026-01-02]}")
    assert set(values) == {"no", "on", "2026-01-02"}


def test_tables_have_typed_columns(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('name,n,code,share\n"A, b",1,0228,0.5\nC,2,10,\n')
    rows = {row["name"]: row for row in drawn(tmp_path, "{table: t.csv}")}
    assert rows["A, b"] == {"name": "A, b", "n": 1, "code": "0228", "share": 0.5}
    assert rows["C"]["code"] == "10" and rows["C"]["share"] is None


def test_rows_are_chosen_by_an_expression(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"n": 1}\n\n{"n": 5}\n{"n": 9}\n')
    assert {row["n"] for row in drawn(tmp_path, "{table: t.jsonl, where: 'x.n > before'}")} == {5, 9}
    assert {row["n"] for row in drawn(tmp_path, "{table: t.jsonl, where: 'row.n == 1'}")} == {1}
    pyarrow.parquet.write_table(pyarrow.table({"n": [7]}), tmp_path / "t.parquet")
    assert drawn(tmp_path, "{table: t.parquet}", 1) == [{"n": 7}]


def test_files(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    for name in ("a", "b"):
        (tmp_path / "texts" / f"{name}.txt").write_text(f"text {name}")
    assert {each["path"]: each["text"] for each in drawn(tmp_path, "{file: 'texts/*.txt'}")} == {
        "texts/a.txt": "text a",
        "texts/b.txt": "text b",
    }


def test_queries_with_earlier_parameters(tmp_path: Path) -> None:
    (tmp_path / "d.sql").write_text(
        "create table t (n integer, c text); insert into t values (1,'a:b'),(3,'c'),(4,'d')"
    )
    values = drawn(tmp_path, """{sql: "select n, c from t where n > :before or c = 'a:b'", database: d.sql}""")
    assert {row["n"] for row in values} == {1, 4}


def test_python_gets_what_its_signature_names(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("BASE = 100\n")
    (tmp_path / "w.py").write_text(
        "from beside import BASE\nfrom .beside import BASE as SAME\n"
        "def make(rng, before, *, size, more=0):\n    return [BASE, SAME, before, size, rng.randint(1, 9)]\n"
    )
    (first, *_) = drawn(tmp_path, "{python: 'w.py:make', arguments: {size: 2}}", 1)
    assert first[:4] == [100, 100, 3, 2]


def test_modules_of_two_folders_do_not_meet(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "beside.py").write_text(f"NAME = {name!r}\n")
        (tmp_path / name / "w.py").write_text("import beside\ndef make(rng):\n    return beside.NAME\n")
    assert [drawn(tmp_path / name, "{python: 'w.py:make'}", 1) for name in ("one", "two")] == [["one"], ["two"]]


def test_values_keep_their_type(tmp_path: Path) -> None:
    assert drawn(tmp_path, "{value: 'before * 2'}", 1) == [6]
    assert drawn(tmp_path, "{value: '[before, {\"a\": none}]'}", 1) == [[3, {"a": None}]]
    assert drawn(tmp_path, "{value: 7}", 1) == [7]


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ("{range: [3, 1]}", "x.range: begins at 3 and ends before it"),
        ("{range: [1, 3], step: 0}", "x.step: Input should be greater than 0"),
        ("{range: [1]}", "x.range.1: is missing"),
        ("{choice: []}", "x.choice: is empty"),
        ("{choice: [a], weights: [1, 2]}", "x.weights: has 2 numbers for 1 choices"),
        ("{choice: [a], weights: [0]}", "x.weights: are all 0"),
        ("{choice: [a], range: [1, 2]}", "x.choice: a parameter is of one kind, and range is given already"),
        ("{choice: [a], step: 2}", "x.step: goes with range"),
        ("{}", "x: says not what it is; give one of range, choice"),
        ("{table: no.csv}", "x.table: there is no file"),
        ("{table: t.txt}", "x.table: .*what kind of table is this"),
        ("{table: bad.csv}", "x.table: .*row 2 has 1 cells, and the header has 2"),
        ("{table: bad.jsonl}", "x.table: .*bad.jsonl:2: is not valid JSON"),
        ("{table: good.csv, where: 'x.b > 5'}", "x.where: holds for none of the 1 rows"),
        ("{table: good.csv, where: 'x.c > 5'}", "x.where: .*no attribute 'c'"),
        ("{table: good.csv, where: 'y.a > 5'}", "x.where: there is no parameter 'y' here; there are: before, row, x"),
        ("{table: good.csv, where: 'x.a >'}", "x.where: is no valid Jinja expression"),
        ("{taxonomy: no.yaml}", "x.taxonomy: there is no file"),
        ("{taxonomy: bad.yaml}", r"x.taxonomy: .*bad.yaml:2: A.0.name: a node's name is a text; this is 3"),
        ("{file: 'no/*'}", "x.file: no file beside the template is called"),
        ("{file: '../*'}", "x.file: must lie beside the template"),
        ("{sql: 'select 1'}", "x.sql: a query needs a database"),
        ("{sql: 'select 1', database: no.sql}", "x.database: there is no file"),
        ("{sql: 'select 1', database: bad.sql}", "x.database: .*cannot be opened: near"),
        ("{sql: 'select 1', database: t.txt}", "x.database: .*cannot be opened: file is not a database"),
        ("{sql: 'select c from t', database: d.sql}", "x.sql: SQLite refuses the query: no such column: c"),
        ("{sql: 'select n from t where n > 9', database: d.sql}", "x.sql: the query gives no row"),
        ("{sql: 'select :later', database: d.sql}", "x.sql: there is no parameter 'later' before it"),
        ("{python: 'make'}", "x.python: String should match pattern"),
        ("{python: 'no.py:make'}", "x.python: there is no file"),
        ("{python: 'w.py:no'}", "x.python: w.py has no function 'no'; it has: broken, make"),
        ("{python: 'w.py:make'}", "x.python: make needs 'size'"),
        ("{python: 'w.py:make', arguments: {size: 1, sise: 2}}", "x.arguments: make takes no argument 'sise'"),
        ("{python: 'bad.py:make'}", r"x.python: bad.py cannot be imported: SyntaxError: .*\(at bad.py:1\)"),
        (
            "{python: 'raises.py:make'}",
            r"x.python: raises.py cannot be imported: ZeroDivisionError.*\(at raises.py:1\)",
        ),
        ("{value: 'after'}", "x.value: there is no parameter 'after' here; there are: before"),
        ("{value: '1 +'}", "x.value: is no valid Jinja expression"),
    ],
)
def test_what_cannot_be_drawn_is_told_when_it_is_read(tmp_path: Path, parameters: str, told: str) -> None:
    files = {
        "t.txt": "nothing of that kind at all, but long enough to be told from a database" * 10,
        "bad.csv": "a,b\n1\n",
        "good.csv": "a,b\n1,2\n",
        "bad.jsonl": '{"a": 1}\n{"a"\n',
        "bad.yaml": "A:\n  - {name: 3}\n",
        "bad.sql": "creat table x",
        "d.sql": "create table t (n integer); insert into t values (1)",
        "w.py": "def make(rng, *, size): return size\ndef broken(rng): return {}['x']\n",
        "bad.py": "def make(\n",
        "raises.py": "1 / 0\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(BadTemplate, match=rf"t\.yaml:8: parameters\.{told}"):
        template(tmp_path, parameters)


def test_what_fails_in_a_draw_names_line_instance_and_place(tmp_path: Path) -> None:
    (tmp_path / "w.py").write_text("def make(rng):\n    return {}['x']\n")
    found = template(tmp_path, "{python: 'w.py:make'}")
    with pytest.raises(
        BadTemplate, match=r"t\.yaml:8: parameters\.x\.python: KeyError: 'x' \(at w\.py:2\) \(instance 4"
    ):
        draw_values(found, 1, 4)
    with pytest.raises(BadTemplate, match=r"t\.yaml:8: parameters\.x\.value: ZeroDivisionError"):
        draw_values(template(tmp_path, "{value: '1 / (before - 3)'}"), 1, 0)
