"""PromptSource's templates as they are: Jinja over a row, `input ||| target`, `answer_choices` of their own."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import yaml
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from tasks.families.instruction_data.annotation import Annotation, BadAnnotation

SEPARATOR = "|||"


@dataclass(frozen=True)
class Prompt:
    name: str
    jinja: str
    answer_choices: str = ""


@dataclass(frozen=True)
class Rendered:
    name: str
    input: str
    target: str
    choices: tuple[str, ...]


class _Tagged(yaml.SafeLoader):
    """Reads `!Template` and `!TemplateMetadata` as plain mappings."""


def _as_mapping(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    return loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else None


_Tagged.add_multi_constructor("!", _as_mapping)


@lru_cache(maxsize=64)
def read_prompts(file: Path) -> tuple[Prompt, ...]:
    """The templates of a PromptSource `templates.yaml`, by name. Raises BadAnnotation."""
    try:
        data = yaml.load(file.read_text(encoding="utf-8"), Loader=_Tagged)
        templates = data["templates"].values()
        found = [
            Prompt(str(each["name"]), str(each["jinja"]), str(each.get("answer_choices") or "")) for each in templates
        ]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise BadAnnotation(("prompts",), f"{file} is no templates.yaml of PromptSource: {error!r:.200}") from error
    if not found:
        raise BadAnnotation(("prompts",), f"{file} has no templates")
    return tuple(sorted(found, key=lambda prompt: prompt.name))


def render_prompt(rng: Random, annotation: Annotation, folder: Path, row: dict[str, Any]) -> Rendered | None:
    """One of the data set's prompts with a row filled in; None where it gives no input or no target for this row.

    Raises BadAnnotation for Jinja that is wrong, or names columns that are not there.
    """
    if annotation.template:
        prompt, place = Prompt(annotation.name, annotation.template, annotation.answer_choices), "template"
    else:
        prompt, place = rng.choice(read_prompts(folder / annotation.prompts)), "prompts"
    if SEPARATOR not in prompt.jinja:
        raise BadAnnotation((place,), f"the template {prompt.name!r} has no {SEPARATOR} between input and target")
    page = SandboxedEnvironment(undefined=StrictUndefined)
    page.globals |= {
        "choice": rng.choice,
        "most_frequent": _most_frequent,
        "zip": zip,
        "enumerate": enumerate,
        "len": len,
    }
    try:
        choices = [part.strip() for part in page.from_string(prompt.answer_choices).render(row).split(SEPARATOR)]
        choices = choices if prompt.answer_choices else []
        values = {**row, "answer_choices": choices} if choices else row
        text = page.from_string(prompt.jinja).render(values)
    except TemplateError as error:
        there = ", ".join(map(str, row))
        raise BadAnnotation((place,), f"template {prompt.name!r}: {error}; the columns are: {there}") from error
    given, _, target = text.partition(SEPARATOR)
    if not given.strip() or not target.strip():
        return None
    return Rendered(prompt.name, given.strip(), target.strip(), tuple(choices))


def _most_frequent(items: list[Any]) -> list[Any]:
    """PromptSource's own: all items that come most often."""
    counts = {each: items.count(each) for each in items}
    return [each for each in counts if counts[each] == max(counts.values())]
