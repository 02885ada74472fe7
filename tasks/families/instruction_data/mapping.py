"""What the templates of this family ask: a row of an annotated data set; and annotation files as templates."""

from pathlib import Path
from random import Random
from typing import Any

import yaml

from tasks.errors import BadTemplate
from tasks.families.instruction_data.annotation import GRADERS, BadAnnotation, check_annotation, read_annotation
from tasks.families.instruction_data.shapes import draw_item
from tasks.templates.located import Located

FOLDER = Path(__file__).resolve().parent
_HOW = {
    "answer.txt": "Write the answer to `answer.txt`, and nothing else.",
    "answer.json": "Write the answer to `answer.json`, as JSON of the same form.",
    "label.py": (
        'Write `label.py`, a program that reads such texts from its standard input, a JSON object `{"text": …}` a '
        "line, and prints one label for each line. Labelled examples are in `labelled.jsonl`."
    ),
}


def draw_mapped(rng: Random, annotation: str, folder: str = "") -> dict[str, Any]:
    """A task of an annotation file of a folder, this family's by default. Raises ValueError naming file and field."""
    file = Path(folder or FOLDER) / annotation
    try:
        item = draw_item(rng, read_annotation(file), file.parent)
    except BadAnnotation as fault:
        raise ValueError(f"{file}: {fault}") from fault
    return {**item, "how": _HOW[item["output"]]}


def located_template(located: Located) -> Located:
    """The template that an annotation file stands for. Raises BadTemplate naming the line of what is wrong in it."""
    try:
        return Located(located.file, as_template(located.data, located.file))
    except BadAnnotation as fault:
        raise BadTemplate(located.problem(fault.place, fault.what)[1]) from fault


def as_template(data: dict[str, Any], file: Path) -> dict[str, Any]:
    """As plain values; the data are read once, so that what is wrong with them is told now. Raises BadAnnotation."""
    annotation = check_annotation(data)
    draw_item(Random(0), annotation, file.resolve().parent)
    shipped = FOLDER / _TEMPLATES[GRADERS[annotation.annotation]]
    template: dict[str, Any] = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    parameters = template["parameters"]
    # the folder is no parameter: what a task says of itself must not depend on where it was made
    parameters["annotation"] = {"choice": [file.name]}
    arguments = {"folder": str(file.resolve().parent)}
    parameters["item"] = {"python": f"{FOLDER / 'mapping.py'}:draw_mapped", "arguments": arguments}
    changed = {
        "name": annotation.name,
        "description": annotation.description,
        "license": annotation.license,
        "family": annotation.name,
        "parameters": parameters,
    }
    return {**template, **changed}


_TEMPLATES = {
    "choice": "labelled.yaml",
    "answer": "written.yaml",
    "json": "structured.yaml",
    "labels": "few_shot.yaml",
}
