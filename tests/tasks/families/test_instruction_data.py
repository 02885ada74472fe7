"""Data sets as they lie on disk become tasks by an annotation; what does not fit is named with line and column."""

import csv
import json
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest
import yaml

from environments import Backend
from tasks.errors import BadTemplate
from tasks.families.instruction_data._examples import FOLDER, make
from tasks.families.instruction_data.annotation import Annotation, check_annotation
from tasks.families.instruction_data.harmonised import harmonised_rows
from tasks.families.instruction_data.reading import read_rows
from tasks.families.instruction_data.shapes import draw_item
from tasks.templates.drawing import draw
from tasks.templates.loading import load_template
from tasks.templates.validation import Refused, validate_instance
from tasks.verifiers.graded import grade_files

ROWS = [{"review": "Good soup", "stars": 1}, {"review": "Bad soup", "stars": 0}, {"review": "Fine", "stars": 1}]
MINE = """\
annotation: classification
name: my_reviews
data: reviews.csv
columns: {text: review, label: stars}
labels: [bad, good]
instruction: Is the review good?
"""


def write_csv(file: Path, rows: list[dict[str, Any]]) -> None:
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def item(folder: Path, seed: int = 0, **annotation: Any) -> dict[str, Any]:
    return draw_item(Random(seed), check_annotation({"name": "x", **annotation}), folder)


async def test_an_annotation_of_ones_own_is_a_template(
    tmp_path: Path, bubblewrap: Backend, session_cache: Path
) -> None:
    write_csv(tmp_path / "reviews.csv", ROWS)
    (tmp_path / "mine.yaml").write_text(MINE)
    template = load_template(tmp_path / "mine.yaml")
    assert (template.name, template.source.grader) == ("my_reviews", "choice")
    (instance,) = draw(template, 1, 0)
    assert "Is the review good?" in instance.instruction and "Possible: bad, good" in instance.instruction
    assert str(tmp_path) not in json.dumps(dict(instance.parameters))  # the same bytes wherever it lies
    decided = await validate_instance(instance, bubblewrap, cache=session_cache, scratch=tmp_path / "s")
    assert not isinstance(decided, Refused), decided


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "text: review",
            "text: body",
            r"mine\.yaml:4: columns\.text: reviews\.csv has no column 'body'; it has: review, stars",
        ),
        ("text: review", "texts: review", r"mine\.yaml:4: columns: the shape classification needs a column for 'text'"),
        ("[bad, good]", "[bad]", r"mine\.yaml:5: labels: says no name for the label '1'"),
        ("reviews.csv", "gone.csv", r"mine\.yaml:3: data: there is no file .*gone\.csv"),
        ("classification", "sorting", r"mine\.yaml:1: annotation: "),
        ("instruction:", "instructions:", r"mine\.yaml:6: instructions: "),
        ("label: stars", "label: stars, s3: stars", r"columns\.s3: the shape classification has no such role"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, old: str, new: str, told: str) -> None:
    write_csv(tmp_path / "reviews.csv", ROWS)
    assert old in MINE
    (tmp_path / "mine.yaml").write_text(MINE.replace(old, new))
    with pytest.raises(BadTemplate, match=told):
        load_template(tmp_path / "mine.yaml")


@pytest.mark.parametrize("form", ["csv", "tsv", "json", "jsonl", "parquet", "folder"])
def test_the_same_rows_from_any_file(tmp_path: Path, form: str) -> None:
    file = tmp_path / f"rows.{form}"
    match form:
        case "csv":
            write_csv(file, ROWS)
        case "tsv":
            file.write_text("review\tstars\n" + "".join(f"{row['review']}\t{row['stars']}\n" for row in ROWS))
        case "json":
            file.write_text(json.dumps({"data": ROWS}))
        case "jsonl":
            file.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
        case "parquet":
            parquet.write_table(arrow.Table.from_pylist(ROWS), file)
        case "folder":
            save_as_datasets_does(file, ROWS, names=["bad", "good"])
    annotation = check_annotation(
        {
            "annotation": "classification",
            "name": "x",
            "data": file.name,
            "columns": {"text": "review", "label": "stars"},
            "labels": [] if form == "folder" else ["bad", "good"],
            "instruction": "Good?",
        }
    )
    rows = read_rows(annotation, tmp_path)
    assert [(row["review"], str(row["stars"])) for row in rows] == [(r["review"], str(r["stars"])) for r in ROWS]
    assert draw_item(Random(1), annotation, tmp_path)["options"] == ["bad", "good"]


def save_as_datasets_does(folder: Path, rows: list[dict[str, Any]], *, names: list[str]) -> None:
    """A folder as `Dataset.save_to_disk` writes it."""
    folder.mkdir()
    table = arrow.Table.from_pylist(rows)
    file = str(folder / "data-00000-of-00001.arrow")
    with arrow.OSFile(file, "wb") as sink, arrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    features = {
        "review": {"dtype": "string", "_type": "Value"},
        "stars": {"names": names, "_type": "ClassLabel"},
    }
    (folder / "dataset_info.json").write_text(json.dumps({"features": features, "citation": "", "description": ""}))
    state = {
        "_data_files": [{"filename": "data-00000-of-00001.arrow"}],
        "_fingerprint": "0123456789abcdef",
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": None,
    }
    (folder / "state.json").write_text(json.dumps(state))


def test_mmlu_has_no_header_and_m3ke_has_names(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text('"What, now?",one,two,three,four,C\n')
    mmlu = item(
        tmp_path,
        annotation="multiple_choice",
        data="q.csv",
        header=False,
        columns={"prompt": 0, "choices": [1, 2, 3, 4], "label": 5},
        instruction="Choose.",
    )
    assert mmlu["answer"] == "C" and "What, now?\nA. one\nB. two" in mmlu["input"]
    row = {"id": 0, "question": "哪一个?", "A": "一", "B": "二", "C": "三", "D": "四", "answer": "B", "subject": "数学"}
    (tmp_path / "q.jsonl").write_text(json.dumps(row, ensure_ascii=False) + "\n")
    columns = {"prompt": "question", "choices": ["A", "B", "C", "D"], "label": "answer", "subject": "subject"}
    m3ke = item(tmp_path, annotation="multiple_choice", data="q.jsonl", columns=columns, instruction="选择。")
    assert m3ke["answer"] == "B" and m3ke["grading"]["options"] == ["一", "二", "三", "四"]


@pytest.mark.parametrize(("label", "right"), [("B", "B"), ("1", "B"), ("two", "B"), ("b", "B")])
def test_a_choice_is_told_by_letter_number_or_text(tmp_path: Path, label: str, right: str) -> None:
    (tmp_path / "q.jsonl").write_text(json.dumps({"q": "?", "options": ["one", "two"], "a": label}) + "\n")
    columns = {"prompt": "q", "choices": "options", "label": "a"}
    made = item(tmp_path, annotation="multiple_choice", data="q.jsonl", columns=columns, instruction="Choose.")
    assert made["answer"] == right


async def test_super_naturalinstructions_as_it_is(tmp_path: Path, bubblewrap: Backend) -> None:
    task = {
        "Contributors": ["x"],
        "Categories": ["Paraphrasing"],
        "Domains": ["News"],
        "Definition": ["Say it shorter."],
        "Positive Examples": [{"input": "a b", "output": "a", "explanation": "b is not needed"}],
        "Negative Examples": [{"input": "a b", "output": "a b", "explanation": "as long as before"}],
        "Instances": [
            {"id": "1", "input": "It is very cold.", "output": ["It is cold.", "Cold."]},
            {"id": "2", "input": "Go away now.", "output": ["Go."]},
        ],
    }
    (tmp_path / "task1.json").write_text(json.dumps(task))
    made = next(
        each
        for seed in range(9)
        if (each := item(tmp_path, seed, annotation="super_natural", data="task1.json"))["row"] == 0
    )
    assert made["instruction"] == "Say it shorter." and made["wrong_shots"][0]["why"] == "as long as before"
    assert made["tags"] == ["Paraphrasing", "News"]
    for text, reward in (("cold.", 1), ("It is cold.", 1), ("Go.", 0)):
        verdict = await grade_files("answer", made["grading"], {"answer.txt": text.encode()}, bubblewrap)
        assert verdict.reward == reward
    (tmp_path / "task1.json").write_text('{"Instances": []}')
    with pytest.raises(Exception, match=r"task1\.json is no Super-NaturalInstructions task"):
        item(tmp_path, annotation="super_natural", data="task1.json")


def test_promptsource_as_it_is(tmp_path: Path) -> None:
    write_csv(tmp_path / "rows.csv", [{"premise": "It rains.", "label": 1}, {"premise": "Sun.", "label": 0}])
    (tmp_path / "templates.yaml").write_text(
        "dataset: x\n"
        "templates:\n"
        "  0a: !Template\n"
        "    answer_choices: dry ||| wet\n"
        "    id: 0a\n"
        "    jinja: '{{ premise }} {{ answer_choices | join(\" or \") }}? ||| {{ answer_choices[label | int] }}'\n"
        "    metadata: !TemplateMetadata\n"
        "      original_task: true\n"
        "    name: weather\n"
        "    reference: ''\n"
    )
    made = {
        item(tmp_path, seed, annotation="prompt", data="rows.csv", prompts="templates.yaml")["answer"]
        for seed in range(9)
    }
    assert made == {"dry", "wet"}
    one = item(tmp_path, annotation="prompt", data="rows.csv", template="Say {{ premise }} ||| {{ premise[0] }}")
    assert one["input"].startswith("Say ") and one["answer"] in ("I", "S")
    with pytest.raises(Exception, match=r"'hypothesis' is undefined; the columns are: premise, label"):
        item(tmp_path, annotation="prompt", data="rows.csv", template="{{ hypothesis }} ||| x")


def test_tokens_get_names_for_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"tokens": ["Ida", "sings"], "tags": [1, 0]}\n{"tokens": ["No"], "tags": [0]}\n')
    told = {"annotation": "tokens", "data": "t.jsonl", "labels": ["O", "B-PER"], "instruction": "Label."}
    columns = {"tokens": "tokens", "labels": "tags"}
    made = next(e for s in range(9) if (e := item(tmp_path, s, columns=columns, **told))["row"] == 0)
    assert made["grading"]["expected"] == ["B-PER", "O"]
    (tmp_path / "t.jsonl").write_text('{"tokens": ["Ida", "sings"], "tags": [1]}\n')
    with pytest.raises(Exception, match="1 labels for 2 tokens"):
        item(tmp_path, columns=columns, **told, license="MIT")


def test_zest_keeps_answers_with_structure(tmp_path: Path) -> None:
    row = {"question": "Where?", "type": "output structure", "examples": [{"context": "a", "answer": {"town": "x"}}]}
    (tmp_path / "z.jsonl").write_text(json.dumps(row) + "\n")
    columns = {"question": "question", "examples": "examples", "context": "context", "answer": "answer", "kind": "type"}
    made = item(tmp_path, annotation="zest", data="z.jsonl", columns=columns)
    assert made["grading"]["expected"] == {"town": "x"} and made["tags"] == ["output structure"]


async def test_raft_gives_fifty_rows_and_wants_a_program(bubblewrap: Backend) -> None:
    annotation = check_annotation(
        {
            "annotation": "few_shot",
            "name": "tickets",
            "data": "tickets.csv",
            "columns": {"text": "text", "label": "kind"},
            "instruction": "Sort.",
        }
    )
    made = draw_item(Random(3), annotation, FOLDER)
    given = [json.loads(line) for line in made["files"]["labelled.jsonl"].splitlines()]
    assert len(given) == 50 and len(made["grading"]["rows"]) == 40
    assert not {row["text"] for row in given} & {row["text"] for row in made["grading"]["rows"]}
    right = await grade_files("labels", made["grading"], {"label.py": made["answer"].encode()}, bubblewrap)
    assert right.is_solved
    by_words = (
        "import json, sys\n"
        "def kind(text):\n"
        "    words = {'charged': 'billing', 'invoice': 'billing', 'arrived': 'delivery', 'parcel': 'delivery',\n"
        "             'broke': 'defect', 'screw': 'defect', 'log': 'account', 'profile': 'account'}\n"
        "    return next((label for word, label in words.items() if word in text), 'praise')\n"
        "for line in sys.stdin:\n"
        "    print(kind(json.loads(line)['text']))\n"
    )
    assert (await grade_files("labels", made["grading"], {"label.py": by_words.encode()}, bubblewrap)).is_solved
    lazy = b"import sys\nfor line in sys.stdin: print('praise')\n"
    assert not (await grade_files("labels", made["grading"], {"label.py": lazy}, bubblewrap)).is_solved


def test_the_shipped_files_are_what_their_program_makes() -> None:
    for name, content in make().items():
        assert (FOLDER / name).read_bytes() == content, name


POSTS = [{"post": "a", "about": "kids"}, {"post": "b", "about": "elders"}, {"post": "c", "about": "cats"}]
NOTES = [{"note": "d", "who": "N"}, {"note": "b", "who": "N"}]
TWO = """\
annotation: harmonised
name: meant
taxonomy:
  age: [young, old]
  work: [nurses]
sources:
  posts:
    data: posts.csv
    text: post
    target: about
    targets: {kids: young, elders: old, cats: null}
  notes:
    data: notes.csv
    text: note
    target: who
    targets: {N: nurses}
instruction: Whom is the text about?
"""


def two_sources(folder: Path, text: str = TWO) -> Annotation:
    write_csv(folder / "posts.csv", POSTS)
    write_csv(folder / "notes.csv", NOTES)
    (folder / "two.yaml").write_text(text)
    return check_annotation(yaml.safe_load(text))


def test_data_sets_with_their_own_words_become_one(tmp_path: Path) -> None:
    annotation = two_sources(tmp_path)
    rows = [(row["text"], row["label"], row["source"]) for row in harmonised_rows(annotation, tmp_path)]
    assert rows == [("a", "young", "posts"), ("d", "nurses", "notes")]  # the two say different things of b; c: nobody
    drawn = draw_item(Random(0), annotation, tmp_path)
    assert drawn["options"] == ["young", "nurses"] and drawn["answer"] in drawn["options"]
    coarse = annotation.model_copy(update={"level": "category"})
    assert [row["label"] for row in harmonised_rows(coarse, tmp_path)] == ["age", "work"]
    part = annotation.model_copy(update={"only": ["age"]})  # what the notes say of b is out
    assert [row["label"] for row in harmonised_rows(part, tmp_path)] == ["young", "old"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("{N: nurses}", "{M: nurses}", r"two\.yaml:16: sources\.notes\.targets: says nothing of 'N', in 2 rows"),
        ("{N: nurses}", "{N: smiths}", r"two\.yaml:16: sources\.notes\.targets\.N: 'smiths' is no target; .*young"),
        ("text: note", "text: body", r"two\.yaml:14: sources\.notes\.text: notes\.csv has no column 'body'"),
        ("target: who", "target: whom", r"two\.yaml:15: sources\.notes\.target: notes\.csv has no column 'whom'"),
        ("notes.csv", "gone.csv", r"two\.yaml:13: sources\.notes\.data: there is no file"),
        ("[nurses]", "[nurses, old]", r"two\.yaml:5: taxonomy\.work: 'old' stands in the taxonomy twice"),
        ("name: meant", "name: meant\nonly: [cats]", r"two\.yaml:3: only: 'cats' is neither a category nor a target"),
        ("name: meant", "name: meant\nonly: [work]", r"sources: 2 rows are left, of fewer than two labels"),
    ],
)
def test_a_wrong_word_of_a_data_set_is_named(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in TWO
    two_sources(tmp_path)
    (tmp_path / "two.yaml").write_text(TWO.replace(old, new))
    with pytest.raises(BadTemplate, match=told):
        load_template(tmp_path / "two.yaml")
