"""The annotation file: which shape a data set has, and which of its columns plays which role.

The shapes are those of tasksource (classification, multiple_choice, tokens), PromptSource (prompt), Super-Natural-
Instructions (super_natural), ZEST (zest), RAFT (few_shot) and SubData (harmonised).
docs/families/instruction_data.md has an example of each.
"""

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

Shape = Literal[
    "classification", "multiple_choice", "tokens", "prompt", "super_natural", "zest", "few_shot", "harmonised"
]
Column = str | int
# Roles that a shape's `columns` must have and may have.
ROLES: dict[str, tuple[set[str], set[str]]] = {
    "classification": ({"text", "label"}, {"text_2"}),
    "multiple_choice": ({"prompt", "choices", "label"}, {"subject"}),
    "tokens": ({"tokens", "labels"}, set()),
    "prompt": (set(), set()),
    "super_natural": (set(), set()),
    "zest": ({"question", "examples", "context", "answer"}, {"kind"}),
    "few_shot": ({"text", "label"}, set()),
    "harmonised": (set(), set()),
}
GRADERS = {
    "classification": "choice",
    "multiple_choice": "choice",
    "tokens": "json",
    "zest": "json",
    "prompt": "answer",
    "super_natural": "answer",
    "few_shot": "labels",
    "harmonised": "choice",
}
_ASKING = ("classification", "tokens", "few_shot", "multiple_choice", "harmonised")


class BadAnnotation(Exception):
    """What is wrong, and at which field of the file."""

    def __init__(self, place: tuple[str | int, ...], what: str) -> None:
        super().__init__(f"{'.'.join(map(str, place))}: {what}" if place else what)
        self.place, self.what = place, what


class Source(BaseModel):
    """One of several data sets: its file, its two columns, which target each of its words is (null: left out)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str | dict[str, str]
    split: str = ""
    header: bool = True
    text: Column
    target: Column
    targets: dict[str, str | None]


class Annotation(BaseModel):
    """`columns`: role to column name, or its number from 0 where the file has no header line; several for `choices`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    annotation: Shape
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    description: str = "A data set as instructions."
    license: str = "CC0-1.0"
    data: str | dict[str, str] = Field("", description="file or folder; or split to file")
    split: str = Field("", description="which split instances are drawn from; default: test, else the last")
    header: bool = Field(True, description="False: a CSV file without a line of names")
    columns: dict[str, Column | list[Column]] = Field(default_factory=dict)
    labels: dict[str, str] | list[str] = Field(default_factory=dict, description="what stands in the data: its name")
    instruction: str = ""
    template: str = Field("", description="prompt: Jinja over a row's columns, input ||| target")
    prompts: str = Field("", description="prompt: a PromptSource templates.yaml instead")
    answer_choices: str = Field("", description="prompt: as in PromptSource, 'yes ||| no'")
    shots: int = Field(2, ge=0, le=20, description="solved examples that the instruction shows")
    rows: int = Field(40, gt=0, description="few_shot: rows to be labelled")
    threshold: float = Field(0.7, gt=0, le=1, description="few_shot: macro-F1 that is wanted")
    taxonomy: dict[str, list[str]] = Field(default_factory=dict, description="harmonised: category to its targets")
    sources: dict[str, Source] = Field(default_factory=dict, description="harmonised: the data sets, by name")
    level: Literal["target", "category"] = Field("target", description="harmonised: which of the two is asked for")
    only: list[str] = Field(default_factory=list, description="harmonised: categories and targets; default: all")

    def column(self, role: str) -> Column:
        found = self.columns[role]
        assert not isinstance(found, list)
        return found


def read_annotation(file: Path) -> Annotation:
    """Raises BadAnnotation."""
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadAnnotation((), f"{file}: cannot be read: {error}") from error
    return check_annotation(data)


def check_annotation(data: Any) -> Annotation:
    """Raises BadAnnotation for fields and roles that are wrong; the data are not read yet."""
    try:
        found = Annotation.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = tuple(part for part in first["loc"] if part not in ("str", "int") and not str(part).startswith("dict["))
        raise BadAnnotation(place, first["msg"]) from error
    needed, allowed = ROLES[found.annotation]
    for role in sorted(needed - set(found.columns)):
        raise BadAnnotation(("columns",), f"the shape {found.annotation} needs a column for {role!r}")
    for role in found.columns:
        if role not in needed | allowed:
            known = ", ".join(sorted(needed | allowed)) or "none"
            raise BadAnnotation(("columns", role), f"the shape {found.annotation} has no such role; it has: {known}")
        if isinstance(found.columns[role], list) and role != "choices":
            raise BadAnnotation(("columns", role), "one column is wanted, not several")
    if found.annotation == "prompt" and bool(found.template) == bool(found.prompts):
        raise BadAnnotation(("template",), "the shape prompt needs either `template` or `prompts`")
    if found.annotation == "harmonised":
        _check_taxonomy(found)
    elif not found.data:
        raise BadAnnotation(("data",), "is missing; name the file")
    if found.annotation in _ASKING and not found.instruction:
        raise BadAnnotation(("instruction",), "is missing; say what is to be done with a row")
    return found


def _check_taxonomy(found: Annotation) -> None:
    """Every target in one category, every source's targets and all of `only` in the taxonomy. Raises BadAnnotation."""
    for field in ("taxonomy", "sources"):
        if not getattr(found, field):
            raise BadAnnotation((field,), "the shape harmonised needs one")
    category_of: dict[str, str] = {}
    for category, targets in found.taxonomy.items():
        for target in targets:
            if target in category_of or target in found.taxonomy:
                raise BadAnnotation(("taxonomy", category), f"{target!r} stands in the taxonomy twice")
            category_of[target] = category
    for name, source in found.sources.items():
        for word, its in source.targets.items():
            if its is not None and its not in category_of:
                raise BadAnnotation(
                    ("sources", name, "targets", word), f"{its!r} is no target; there are: {', '.join(category_of)}"
                )
    for each in found.only:
        if each not in category_of and each not in found.taxonomy:
            raise BadAnnotation(("only",), f"{each!r} is neither a category nor a target of the taxonomy")
