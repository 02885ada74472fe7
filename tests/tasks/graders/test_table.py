"""A table: other forms and writings of it pass; wrong cells, rows too many, twice or missing cost what they should."""

import json

import pytest

from tasks.graders import CannotGrade

COLUMNS = {
    "City": "text",
    "People": {"as": "number", "relative": 0.01},
    "Founded": "date",
    "Home page": "url",
    "Rivers": "set",
    "Code": "exact",
}
ROWS = [
    {
        "City": "Ulm",
        "People": 126000,
        "Founded": "1181-01-31",
        "Home page": "https://www.ulm.de/",
        "Rivers": ["Danube", "Iller"],
        "Code": "UL",
    },
    {
        "City": "Bonn",
        "People": 330000,
        "Founded": "1949-05-23",
        "Home page": "http://bonn.de/en",
        "Rivers": ["Rhine"],
        "Code": "BN",
    },
]
DATA = {"columns": COLUMNS, "rows": ROWS, "key": ["City"]}
CSV = """\
city,people,founded,home_page,rivers,code
Bonn,"330,000",23 May 1949,bonn.de/en/,rhine,BN
 ULM ,125500,31.1.1181,http://ulm.de,Iller; Danube,UL
"""


async def test_other_writings_of_every_kind_of_cell(graded):
    grade = await graded("table", DATA, {"answer.csv": CSV})
    assert grade.reward == 1.0, grade
    assert "item_f1 1.0000, row_f1 1.0000, success 1" in grade.evidence


@pytest.mark.parametrize(
    "before, after",
    [
        ("125500", "120000"),
        ("125500", ""),
        ("125500", "NaN"),
        ("125500", '"1,25,500"'),
        ("31.1.1181", "1.31.1181"),
        ("31.1.1181", "1181"),
        ("31.1.1181", "30.1.1181"),
        ("http://ulm.de", "http://ulm.de/x"),
        ("http://ulm.de", "ulm.com"),
        ("Iller; Danube", "Iller"),
        ("Iller; Danube", "Iller; Danube; Rhine"),
        ("UL\n", "ul\n"),
        ("UL\n", "BN\n"),
        ("23 May 1949", "23 Mai 1949"),
        ("23 May 1949", "05/06/1949"),
        ("rhine", ""),
    ],
)
async def test_one_wrong_cell_costs_one_item(graded, before, after):
    assert before in CSV
    grade = await graded("table", DATA, {"answer.csv": CSV.replace(before, after)})
    assert grade.reward == pytest.approx(11 / 12)
    assert "row_f1 0.5000, success 0" in grade.evidence


async def test_rows_too_many_twice_and_missing(graded):
    lines = CSV.splitlines(keepends=True)
    for text, items in [
        ("".join([*lines, lines[1]]), 2 * 12 / (12 + 18)),  # twice
        ("".join([*lines, "Trier,1,,,,\n"]), 2 * 12 / (12 + 18)),  # nobody asked for it
        ("".join(lines[:2]), 2 * 6 / (12 + 6)),  # one is missing
        (lines[0], 0.0),
        ("".join([lines[0], *lines[1:] * 50]), 2 * 12 / (12 + 600)),  # all, fifty times
    ]:
        grade = await graded("table", DATA, {"answer.csv": text})
        assert grade.reward == pytest.approx(items), text
        assert not all(part.passed for part in grade.parts)


async def test_of_a_row_twice_the_first_counts(graded):
    lines = CSV.splitlines(keepends=True)
    wrong_first = "".join([lines[0], "Bonn,1,1.1.1900,x.de,none,XX\n", *lines[1:]])
    assert (await graded("table", DATA, {"answer.csv": wrong_first})).reward == pytest.approx(2 * 7 / 30)


@pytest.mark.parametrize("reward, wanted", [("item_f1", 11 / 12), ("row_f1", 0.5), ("success", 0.0)])
async def test_what_is_rewarded(graded, reward, wanted):
    text = CSV.replace("125500", "7")
    assert (await graded("table", {**DATA, "reward": reward}, {"answer.csv": text})).reward == pytest.approx(wanted)
    assert (await graded("table", {**DATA, "reward": reward}, {"answer.csv": CSV})).reward == 1.0


SMALL = {
    "columns": {"id": "text", "price": "number"},
    "rows": [{"id": "a|b", "price": 1.5}, {"id": "c", "price": 2}],
    "key": ["id"],
}
FORMS = {
    "answer.csv": "id;price\na|b;1.5\nc;2.0\n",
    "answer.tsv": "price\tID\n2\tc\n1.50\ta|b\n",
    "answer.json": json.dumps([{"ID": "c", "Price": "2"}, {"id": "a|b", "price": 1.5}]),
    "rows.json": json.dumps({"rows": [{"id": "c", "price": 2}, {"id": "a|b", "price": 1.5}]}),
    "answer.jsonl": '{"id": "c", "price": 2}\n\n{"id": "a|b", "price": 1.5}\n',
    "answer.md": "Here it is:\n\n| id | price |\n|:--|--:|\n| a\\|b | 1.5 |\n| c | 2 |\n\nDone.",
    "answer": "| id | price |\n|---|---|\n| a\\|b | 1.5 |\n| c | 2 |",
    "more.csv": "id,price,note\na|b,1.5,x\nc,2,\n",
}


@pytest.mark.parametrize("path", FORMS)
async def test_forms_of_tables(graded, path):
    assert (await graded("table", {**SMALL, "output": path}, {path: FORMS[path]})).reward == 1.0


@pytest.mark.parametrize(
    "text, why",
    [
        ("id,id,price\na|b,a|b,1.5", "two columns"),
        ("", "no header"),
        ("price\n1.5\n2", "no column id"),
        ("id,price\na|b,1.5,9\nc,2", "line 2 has 3 cells"),
        ('id,price\n"a|b,1.5\nc,2', "no such row"),
    ],
)
async def test_tables_that_cannot_be_read(graded, text, why):
    grade = await graded("table", SMALL, {"answer.csv": text})
    assert grade.reward < 1.0
    assert any(why in part.detail for part in grade.parts), grade


async def test_two_tables_of_markdown_are_refused(graded):
    page = FORMS["answer.md"] + "\n\n" + FORMS["answer.md"]
    grade = await graded("table", {**SMALL, "output": "a.md"}, {"a.md": page})
    assert grade.reward == 0.0 and "more than one table" in grade.parts[0].detail


async def test_order_counts_where_it_is_asked_for(graded):
    swapped = "id,price\nc,2\na|b,1.5\n"
    assert (await graded("table", SMALL, {"answer.csv": swapped})).reward == 1.0
    assert (await graded("table", {**SMALL, "ordered": True}, {"answer.csv": swapped})).reward == 0.999
    assert (await graded("table", {**SMALL, "key": []}, {"answer.csv": swapped})).reward == 0.0


async def test_a_key_without_a_value_matches_nothing_of_another(graded):
    data = {"columns": {"n": "number", "x": "text"}, "rows": [{"n": 1, "x": "a"}], "key": ["n"]}
    assert (await graded("table", data, {"answer.csv": "n,x\nabc,a\n"})).reward == 0.0
    assert (await graded("table", data, {"answer.csv": "n,x\n1.0,a\n"})).reward == 1.0


async def test_no_value_is_not_the_word_for_it(graded):
    data = {"columns": {"id": "text", "x": "number"}, "rows": [{"id": "a", "x": None}], "key": ["id"]}
    assert (await graded("table", data, {"answer.csv": "id,x\na,\n"})).reward == 1.0
    assert (await graded("table", data, {"answer.csv": "id,x\na,0\n"})).reward == 0.5


@pytest.mark.parametrize(
    "change, why",
    [
        ({"rows": []}, "must not be empty"),
        ({"key": ["Town"]}, "must be a column"),
        ({"rows": [ROWS[0], ROWS[0]]}, "two wanted rows"),
        ({"columns": {"City": "texts"}}, "a comparison is one of"),
        ({"columns": {"City": {"as": "text", "absolute": 1}}}, "no option absolute"),
        ({"rows": [{"City": "Ulm", "Mayor": "x"}]}, "mayor"),
    ],
)
async def test_wrong_data_is_no_verdict(graded, change, why):
    with pytest.raises(CannotGrade, match=why):
        await graded("table", {**DATA, **change}, {"answer.csv": CSV})
