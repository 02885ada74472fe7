"""A YAML file into a model, with the line of what is wrong."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from agents.errors import AgentFault

Model = TypeVar("Model", bound=BaseModel)


def read_model(path: Path, kind: type[Model]) -> Model:
    """An empty file is a model of defaults. Raises AgentFault naming file, line and field."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AgentFault(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f"{path}:{mark.line + 1}" if mark else f"{path}"
        raise AgentFault(f"{at}: not YAML: {getattr(error, 'problem', None) or error}") from error
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise AgentFault(f"{path}:1: expected a mapping with {', '.join(kind.model_fields)}")
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        problems = [
            f"{path}:{_line(node, one['loc'])}: {'.'.join(map(str, one['loc']))}: {one['msg']}"
            for one in error.errors(include_input=False)
        ]
        raise AgentFault("\n".join(problems)) from error


def _line(node: yaml.Node | None, location: tuple[int | str, ...]) -> int:
    """Of the deepest part of `location` that the file has, counted from 1."""
    line = node.start_mark.line + 1 if node is not None else 1
    for key in location:
        found: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            for name, value in node.value:
                if name.value == key:
                    found, line = value, name.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            found = node.value[key]
            line = node.value[key].start_mark.line + 1
        if found is None:
            break
        node = found
    return line
