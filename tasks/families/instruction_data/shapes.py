"""From a row to a task, shape by shape: what the agent is told, its files, the answer, wrong answers, the grading."""

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from tasks.families.instruction_data.annotation import Annotation, BadAnnotation
from tasks.families.instruction_data.harmonised import harmonised_rows
from tasks.families.instruction_data.prompts import render_prompt
from tasks.families.instruction_data.reading import Row, class_names, data_file, read_rows

Item = dict[str, Any]
ANSWER, JSON_ANSWER, PROGRAM = "answer.txt", "answer.json", "label.py"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_RAFT = 50  # labelled examples


def draw_item(rng: Random, annotation: Annotation, folder: Path) -> Item:
    """One task of a data set. Raises BadAnnotation."""
    return _SHAPES[annotation.annotation](rng, annotation, folder)


def _classification(rng: Random, annotation: Annotation, folder: Path) -> Item:
    rows = read_rows(annotation, folder)
    column = str(annotation.column("label"))
    names = _names(annotation, folder, [row[column] for row in rows])
    labelled = [(_texts(annotation, row), names[str(row[column])]) for row in rows]
    return _labelled(rng, annotation, labelled, list(dict.fromkeys(names.values())))


def _harmonised(rng: Random, annotation: Annotation, folder: Path) -> Item:
    """A row of all sources together; the labels are those of the taxonomy, in its order, that occur."""
    labelled = [(row["text"], row["label"]) for row in harmonised_rows(annotation, folder)]
    there = {label for _, label in labelled}
    known = [each for category, targets in annotation.taxonomy.items() for each in (category, *targets)]
    return _labelled(rng, annotation, labelled, [each for each in known if each in there])


def _labelled(rng: Random, annotation: Annotation, rows: Sequence[tuple[str, str]], options: list[str]) -> Item:
    """`rows`: text and label."""
    index = rng.randrange(len(rows))
    text, label = rows[index]
    wrong = rng.choice([option for option in options if option != label])
    return _item(
        annotation,
        index,
        input=text,
        shots=[{"input": each, "output": theirs} for each, theirs in _others(rows, index, annotation.shots)],
        options=options,
        answer=label,
        decoys=[wrong],
        grading={"options": options, "correct": _letter(options.index(label)), "output": ANSWER},
    )


def _multiple_choice(rng: Random, annotation: Annotation, folder: Path) -> Item:
    rows = read_rows(annotation, folder)
    index = rng.randrange(len(rows))
    row = rows[index]
    options, correct = _options(annotation, row)
    shots = []
    for each in _others(rows, index, annotation.shots):
        theirs, right = _options(annotation, each)
        shots.append({"input": _question(annotation, each, theirs), "output": _letter(right)})
    wrong = rng.choice([at for at in range(len(options)) if at != correct])
    return _item(
        annotation,
        index,
        input=_question(annotation, row, options),
        shots=shots,
        options=[],
        answer=_letter(correct),
        decoys=[_letter(wrong), options[wrong]],
        grading={"options": options, "correct": _letter(correct), "output": ANSWER},
    )


def _tokens(rng: Random, annotation: Annotation, folder: Path) -> Item:
    rows = read_rows(annotation, folder)
    index = rng.randrange(len(rows))
    tokens, labels = _tagged(annotation, folder, rows[index])
    shots = [_tagged(annotation, folder, each) for each in _others(rows, index, annotation.shots)]
    others = sorted({label for each in rows for label in _tagged(annotation, folder, each)[1]})
    at = rng.randrange(len(labels))
    slip = [*labels[:at], rng.choice([each for each in others if each != labels[at]]), *labels[at + 1 :]]
    return _item(
        annotation,
        index,
        input=json.dumps(tokens, ensure_ascii=False),
        shots=[{"input": json.dumps(t, ensure_ascii=False), "output": json.dumps(ls)} for t, ls in shots],
        options=others,
        answer=json.dumps(labels, ensure_ascii=False),
        decoys=[json.dumps(slip), json.dumps(labels[:-1])],
        grading={"expected": labels, "output": JSON_ANSWER},
    )


def _prompt(rng: Random, annotation: Annotation, folder: Path) -> Item:
    rows = read_rows(annotation, folder)
    for index in rng.sample(range(len(rows)), len(rows)):
        rendered = render_prompt(rng, annotation, folder, rows[index])
        if rendered is not None:
            break
    else:
        raise BadAnnotation(("template",), "gives an input and a target for no row")
    others = {str(each) for each in rendered.choices if str(each).strip() != rendered.target}
    for each in rows[:50]:
        if (other := render_prompt(rng, annotation, folder, each)) is not None and other.target != rendered.target:
            others.add(other.target)
    return _item(
        annotation,
        index,
        input=rendered.input,
        shots=[],
        options=list(rendered.choices),
        answer=rendered.target,
        decoys=sorted(others)[:2],
        grading={"answers": [rendered.target], "output": ANSWER, "one_line": "\n" not in rendered.target},
        prompt=rendered.name,
    )


def _super_natural(rng: Random, annotation: Annotation, folder: Path) -> Item:
    """The file as it is: Definition, Positive Examples, Negative Examples, Instances with several outputs each."""
    file = data_file(annotation, folder)
    try:
        task = json.loads(file.read_text(encoding="utf-8"))
        instances = task["Instances"]
        definition = task["Definition"]
        index = rng.randrange(len(instances))
        accepted = instances[index]["output"]
        given = str(instances[index]["input"])
        shots = [
            {"input": str(each["input"]), "output": str(each["output"]), "why": str(each.get("explanation", ""))}
            for each in task.get("Positive Examples", [])[: annotation.shots]
        ]
        wrong = [
            {"input": str(each["input"]), "output": str(each["output"]), "why": str(each.get("explanation", ""))}
            for each in task.get("Negative Examples", [])[:1]
        ]
        others = [_list(each["output"])[0] for each in instances]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise BadAnnotation(("data",), f"{file.name} is no Super-NaturalInstructions task: {error!r}") from error
    answers = [str(each) for each in _list(accepted)]
    decoys = [str(each) for each in dict.fromkeys(others) if str(each).casefold() not in map(str.casefold, answers)]
    return _item(
        annotation.model_copy(
            update={"instruction": definition if isinstance(definition, str) else " ".join(definition)}
        ),
        index,
        input=given,
        shots=shots,
        options=[],
        answer=answers[0],
        decoys=decoys[:2],
        grading={"answers": answers, "output": ANSWER, "one_line": all("\n" not in answer for answer in answers)},
        wrong_shots=wrong,
        tags=[*_list(task.get("Categories")), *_list(task.get("Domains"))],
    )


def _zest(rng: Random, annotation: Annotation, folder: Path) -> Item:
    """A question about many contexts; `kind`: base, paraphrase, composition, semantic flips, output structure."""
    rows = read_rows(annotation, folder)
    at = rng.randrange(len(rows))
    row, context, answer = rows[at], str(annotation.column("context")), str(annotation.column("answer"))
    examples = row[str(annotation.column("examples"))]
    missing = [role for role in (context, answer) if not examples or role not in examples[0]]
    if missing:
        there = ", ".join(examples[0]) if examples else "none"
        raise BadAnnotation(("columns",), f"examples of row {at + 1} have no field {missing[0]!r}; they have: {there}")
    index = rng.randrange(len(examples))
    wanted = examples[index][answer]
    wrong = [each[answer] for each in examples if each[answer] != wanted]
    shots = _others(examples, index, annotation.shots)
    kind = str(row.get(str(annotation.columns.get("kind", "")), ""))
    return _item(
        annotation.model_copy(update={"instruction": str(row[str(annotation.column("question"))])}),
        index,
        input=str(examples[index][context]),
        shots=[{"input": str(each[context]), "output": json.dumps(each[answer])} for each in shots],
        options=[],
        answer=json.dumps(wanted, ensure_ascii=False),
        decoys=[json.dumps(wrong[0])] if wrong else [],
        grading={"expected": wanted, "output": JSON_ANSWER, "ignore_case": True},
        tags=[kind] if kind else [],
    )


def _few_shot(rng: Random, annotation: Annotation, folder: Path) -> Item:
    """RAFT: 50 labelled rows are given, a program labels others that nobody has seen."""
    rows = list(read_rows(annotation, folder))
    text, label = str(annotation.column("text")), str(annotation.column("label"))
    names = _names(annotation, folder, [row[label] for row in rows])
    if len(rows) < _RAFT + 10:
        raise BadAnnotation(("data",), f"few_shot needs at least {_RAFT + 10} rows, there are {len(rows)}")
    drawn = rng.sample(rows, min(len(rows), _RAFT + annotation.rows))
    given, held = drawn[:_RAFT], drawn[_RAFT:]
    known = [json.dumps({"text": str(row[text]), "label": names[str(row[label])]}, ensure_ascii=False) for row in given]
    labels = [names[str(row[label])] for row in held]
    common = Counter(labels).most_common(1)[0][0]
    lookup = {str(row[text]): names[str(row[label])] for row in held}
    return _item(
        annotation,
        0,
        input="",
        shots=[],
        options=sorted(set(names.values())),
        answer=_program(lookup),
        decoys=[_program({}, common), "print('nothing')\n"],
        grading={
            "rows": [{"text": str(row[text])} for row in held],
            "labels": labels,
            "output": PROGRAM,
            "metric": "macro_f1",
            "threshold": annotation.threshold,
        },
        files={"labelled.jsonl": "\n".join(known) + "\n"},
    )


def _program(lookup: dict[str, str], default: str = "") -> str:
    return (
        "import json\nimport sys\n\n"
        f"KNOWN = {json.dumps(lookup, indent=1)}\n\n"
        f"for line in sys.stdin:\n    print(KNOWN.get(json.loads(line)['text'], {default!r}))\n"
    )


_SHAPES: dict[str, Callable[[Random, Annotation, Path], Item]] = {
    "classification": _classification,
    "multiple_choice": _multiple_choice,
    "tokens": _tokens,
    "prompt": _prompt,
    "super_natural": _super_natural,
    "zest": _zest,
    "few_shot": _few_shot,
    "harmonised": _harmonised,
}


def _item(annotation: Annotation, index: int, **fields: Any) -> Item:
    output = fields["grading"]["output"]
    decoys = [{output: f"{each}\n"} for each in fields.pop("decoys")]
    shots = [{"why": "", **shot} for shot in fields.pop("shots")]
    return {
        "data_set": annotation.name,
        "shape": annotation.annotation,
        "row": index,
        "instruction": annotation.instruction.strip(),
        "output": output,
        "decoys": decoys,
        "shots": shots,
        "wrong_shots": [],
        "tags": [],
        "files": {},
        **fields,
    }


def _names(annotation: Annotation, folder: Path, values: Sequence[Any]) -> dict[str, str]:
    """What stands in the label column: its name. Raises BadAnnotation for a label without one."""
    listed = annotation.labels or class_names(data_file(annotation, folder), str(annotation.columns.get("label", "")))
    given = dict(listed) if isinstance(listed, dict) else {str(at): name for at, name in enumerate(listed)}
    found = {str(value): given.get(str(value), "") if given else str(value) for value in values}
    if unnamed := sorted(value for value, name in found.items() if not name):
        raise BadAnnotation(("labels",), f"says no name for the label {unnamed[0]!r}; named are: {', '.join(given)}")
    order = list(given) if given else sorted(found)
    return {value: (given or found)[value] for value in order}


def _tagged(annotation: Annotation, folder: Path, row: Row) -> tuple[list[str], list[str]]:
    tokens, labels = row[str(annotation.column("tokens"))], row[str(annotation.column("labels"))]
    words = [str(each) for each in (tokens.split() if isinstance(tokens, str) else tokens)]
    marks = [str(each) for each in (labels.split() if isinstance(labels, str) else labels)]
    if len(words) != len(marks):
        raise BadAnnotation(
            ("columns", "labels"), f"{len(marks)} labels for {len(words)} tokens: {' '.join(words)!r:.60}"
        )
    names = _names(annotation, folder, marks)
    return words, [names[mark] for mark in marks]


def _options(annotation: Annotation, row: Row) -> tuple[list[str], int]:
    """The choices, and which is right; the label is a letter, a number from 0, or the text itself."""
    columns = annotation.columns["choices"]
    if isinstance(columns, list):
        options = [str(row[str(column)]) for column in columns]
    else:
        value = row[str(columns)]
        options = [str(each) for each in (json.loads(value) if isinstance(value, str) else value)]
    label = str(row[str(annotation.column("label"))]).strip()
    if label in options and not label.isdigit():
        return options, options.index(label)
    at = _LETTERS.find(label.upper()) if re.fullmatch("[A-Za-z]", label) else int(label) if label.isdigit() else -1
    if not 0 <= at < len(options):
        raise BadAnnotation(("columns", "label"), f"{label!r} is no letter, number or text of {len(options)} choices")
    return options, at


def _question(annotation: Annotation, row: Row, options: Sequence[str]) -> str:
    listed = "\n".join(f"{_letter(at)}. {option}" for at, option in enumerate(options))
    return f"{str(row[str(annotation.column('prompt'))]).strip()}\n{listed}"


def _texts(annotation: Annotation, row: Row) -> str:
    first = str(row[str(annotation.column("text"))]).strip()
    second = annotation.columns.get("text_2")
    return f"{first}\n---\n{str(row[str(second)]).strip()}" if second is not None else first


def _others(rows: Sequence[Any], index: int, count: int) -> list[Any]:
    """Rows that serve as examples, never the one that is asked about; the same for a row each time it is drawn."""
    others = [at for at in range(len(rows)) if at != index and rows[at] != rows[index]]
    return [rows[at] for at in Random(f"shots {index}").sample(others, min(count, len(others)))]


def _letter(at: int) -> str:
    return _LETTERS[at]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
