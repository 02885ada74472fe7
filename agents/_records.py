"""What a document says of something, as records: rows of tables, objects of JSON, sentences of prose."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_NAME = r"(?:[A-Z][\w'.-]*[\w](?: (?:of(?= [A-Z])|[A-Z][\w'.-]*[\w]))*)"
_NUMBER = re.compile(r"\b\d[\d,]*(?:\.\d+)?\b")
_YEAR = re.compile(r"\b(?:1\d|20)\d\d\b")
# Words with a capital because a sentence begins: no names.
_BEGINNINGS = frozenset(
    re.findall(
        r"\w+",
        """
    A After All An And As At Before Born By For From How In It Its Now On Of Only Once Or Since So That The
    There This To Until What When Where Which Who Whoever Whom Whose Why With Write Every No Not Also Then Was
    Is Are Did Does Do If Input Output Question Answer Give Population Schooling Translated
    """,
    )
)


@dataclass(frozen=True)
class Record:
    """`fields`: label to text; of prose one field with no label. `about`: the title of the page it stands on."""

    fields: tuple[tuple[str, str], ...]
    about: str = ""

    @property
    def text(self) -> str:
        return " ".join(value for _, value in self.fields)


def names_in(text: str) -> list[str]:
    """What is written like a name, in its order."""
    found = []
    for name in re.findall(_NAME, text):
        words = name.split()
        while words and words[0] in _BEGINNINGS and not (words[0] == "The" and len(words) > 1):
            words = words[1:]
        if words and words != ["of"]:
            found.append(" ".join(words))
    return found


_SHAPES = {
    "place": re.compile(r"[A-Z][^ ]+"),
    "person": re.compile(r"(?!The )[A-Z][^ ]+ [A-Z][^ ]+"),
    "company": re.compile(r"(?!The )[A-Z][^ ]+ [A-Z][^ ]+"),
    "school": re.compile(r".*(?:School|College|Academy|University).*"),
    "work": re.compile(r"(?:The|A|An) .*"),
}


def values_in(text: str, wanted: str) -> list[str]:
    """Candidates for an answer of a type: years, numbers, or names of the shape that things of the type mostly have."""
    if wanted == "year":
        return _YEAR.findall(text)
    if wanted == "number":
        return [number.replace(",", "") for number in _NUMBER.findall(text)]
    shape = _SHAPES.get(wanted, re.compile(".*"))
    return [name for name in names_in(text) if shape.fullmatch(name)]


def records_of(path: str, text: str) -> Iterator[Record]:
    """Split a document by the kind that its name tells."""
    if path.endswith(".csv"):
        rows = list(csv.reader(io.StringIO(text)))
        for row in rows[1:]:
            yield Record(tuple(zip(rows[0], row, strict=False)))
        return
    if path.endswith((".json", ".jsonl")):
        yield from _of_json(path, text)
        return
    title = text.lstrip("# ").partition("\n")[0] if text.startswith("#") else ""
    for sentence in re.split(r"(?<=[.!?;])\s+|\n+", text):
        if sentence.strip() and not sentence.startswith("#"):
            yield Record((("", sentence.strip()),), about=title)


def _of_json(path: str, text: str) -> Iterator[Record]:
    try:
        values = [json.loads(line) for line in text.splitlines()] if path.endswith("l") else json.loads(text)
    except ValueError:
        return
    for value in values if isinstance(values, list) else [values]:
        if isinstance(value, dict):
            yield Record(tuple((str(key), str(each)) for key, each in value.items()))
