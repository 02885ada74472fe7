"""YAML with the line of every key and value, so that an error can name it."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tasks.errors import BadTemplate
from tasks.templates._broken_yaml import explained

Place = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """Only `true` and `false` are booleans, and a date is a text: a template's values are JSON's."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":timestamp"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


@dataclass
class Located:
    """A YAML document's values, and where they stand. Lines count from 1."""

    file: Path
    data: Any = None
    keys: dict[Place, int] = field(default_factory=dict)
    values: dict[Place, int] = field(default_factory=dict)  # where what stands behind a key begins
    texts: dict[Place, tuple[int, int]] = field(default_factory=dict)  # first and last line of the text itself

    def line(self, place: Place) -> int:
        """Line of the deepest part of a place that the file has."""
        while place and place not in self.keys:
            place = place[:-1]
        return self.keys.get(place, 1)

    def line_in_text(self, place: Place, line: int) -> int:
        """Line in the file of a line in the text at a place."""
        if place not in self.texts:
            return self.line(place)
        first, last = self.texts[place]
        return max(first, min(first + line - 1, last))

    def problem(
        self, place: Place, what: str, *, text_line: int | None = None, in_value: bool = False
    ) -> tuple[int, str]:
        """The line, and `FILE:LINE: field: what is wrong`. `in_value`: where a scalar begins, not its key."""
        line = self.line(place) if text_line is None else self.line_in_text(place, text_line)
        line = self.values.get(place, line) if in_value else line
        name = ".".join(map(str, place))
        return line, f"{self.file}:{line}: {name}: {what}" if name else f"{self.file}:{line}: {what}"


def read_located(file: Path) -> Located:
    """Raises BadTemplate for what is no YAML, or has a key twice."""
    try:
        text = file.read_bytes().decode()
    except FileNotFoundError as error:
        raise BadTemplate(f"{file}: there is no such file") from error
    except IsADirectoryError as error:
        raise BadTemplate(f"{file}: is a folder; give a template's file") from error
    except OSError as error:
        raise BadTemplate(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise BadTemplate(f"{file}:{line}: is not UTF-8 text; save it as UTF-8") from error
    located = Located(file)
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is not None:
            _walk(node, (), located, set())
            located.data = loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise BadTemplate(explained(file, text, error)) from error
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise BadTemplate(f"{file}:{line}: a character that YAML does not allow: {error.reason}") from error
    except RecursionError as error:
        raise BadTemplate(f"{file}: is nested too deeply to be read") from error
    except ValueError as error:  # a number or a base64 text that is none
        raise BadTemplate(f"{file}: cannot be read: {error}") from error
    finally:
        if loader is not None:
            loader.dispose()
    return located


def _walk(node: yaml.Node, place: Place, located: Located, open_nodes: set[int]) -> None:
    located.keys.setdefault(place, node.start_mark.line + 1)
    if id(node) in open_nodes:
        raise BadTemplate(f"{located.file}:{node.start_mark.line + 1}: an alias refers to what it stands in; remove it")
    open_nodes.add(id(node))
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name in seen and name != "<<":
                whole = ".".join(map(str, (*place, name)))
                raise BadTemplate(
                    f"{located.file}:{line}: {whole}: stands in line {seen[name]} already; remove one of the two"
                )
            seen[name] = line
            located.keys[(*place, name)] = line
            _walk(value, (*place, name), located, open_nodes)
    elif isinstance(node, yaml.SequenceNode):
        for at, value in enumerate(node.value):
            _walk(value, (*place, at), located, open_nodes)
    elif isinstance(node, yaml.ScalarNode):
        is_block = node.style in ("|", ">")
        first = node.start_mark.line + (2 if is_block else 1)
        last = node.end_mark.line + (0 if is_block else 1)
        located.texts[place] = (first, max(first, last))
        located.values[place] = node.start_mark.line + 1
    open_nodes.discard(id(node))
