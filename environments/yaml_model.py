"""A YAML file into a model of pydantic's, with the line of each thing that is wrong."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)


def read_model(
    file: Path,
    kind: type[Model],
    *,
    fault: type[Exception],
    holds: str = "",
    whole: str = "",
    may_be_empty: bool = False,
) -> Model:
    """`holds`: what the file's mapping is expected to have, in words; `whole`: the file's own name as a field.

    Raises `fault` naming file, line and field, a line each. An empty file, where that may be, is a model of defaults.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise fault(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f"{file}:{mark.line + 1}" if mark else f"{file}"
        raise fault(f"{at}: not YAML: {getattr(error, 'problem', None) or error}") from error
    if data is None and may_be_empty:
        data = {}
    if not isinstance(data, dict):
        raise fault(f"{file}:1: expected a mapping with {holds or ', '.join(kind.model_fields)}")
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        problems = [
            f"{file}:{line_of(node, one['loc'])}: {'.'.join(map(str, one['loc'])) or whole}: {one['msg']}"
            for one in error.errors(include_input=False)
        ]
        raise fault("\n".join(problems)) from error


def line_of(node: yaml.Node | None, location: tuple[int | str, ...]) -> int:
    """Line (from 1) of the key or item at `location`; where the file lacks it, of the part that it is missing in."""
    line = node.start_mark.line + 1 if node is not None else 1
    for at, key in enumerate(location):
        name, value = _inside(node, key)
        if name is None or value is None:
            return line
        is_last = at == len(location) - 1
        line = (name if is_last else value).start_mark.line + 1
        node = value
    return line


def _inside(node: yaml.Node | None, key: int | str) -> tuple[yaml.Node | None, yaml.Node | None]:
    """What names it and what it is: an item of a list names itself."""
    if isinstance(node, yaml.MappingNode):
        return next(((name, value) for name, value in node.value if name.value == str(key)), (None, None))
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key], node.value[key]
    return None, None
