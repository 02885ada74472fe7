"""Answers that are nearly the reference's, and wrong: a number off, a word changed, a row lost, doubled or mixed up.

What a judge may overlook by right is left alone: notes and times beside an answer, single words of a long text.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any

from tasks.audit._altered import Altered

SUFFIXES = {".txt", ".csv", ".tsv", ".json", ".jsonl", ".md", ".sql", ""}
_NO_ANSWERS = {"readme", "license", "makefile", "dockerfile", "changelog", "notice", "authors", "requirements"}
_LARGEST = 200_000
_LONG_TEXT = 40  # words; above, a text is prose, of which a judge looks at some words only
_BESIDE = re.compile(
    r"note|comment|descri|reason|explan|summar|time|date|version|generat|second|durat|message|meta|source",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.]*\w)")
_WORD = re.compile(r"[A-Za-z]{2,}")
_SQL = (
    (re.compile(r"\bSUM\s*\(", re.IGNORECASE), "COUNT("),
    (re.compile(r"\bCOUNT\s*\(\s*\*\s*\)", re.IGNORECASE), "COUNT(*) + 1"),
    (re.compile(r"\bAVG\s*\(", re.IGNORECASE), "SUM("),
    (re.compile(r"\bMAX\s*\(", re.IGNORECASE), "MIN("),
    (re.compile(r"\bMIN\s*\(", re.IGNORECASE), "MAX("),
)


def is_answer(path: str, after: bytes) -> bool:
    """A file that says something, and does nothing."""
    name = PurePosixPath(path)
    if name.suffix.lower() not in SUFFIXES or name.stem.lower() in _NO_ANSWERS or name.name.startswith("."):
        return False
    return len(after) <= _LARGEST and not after.startswith(b"#!") and _text(after) is not None


def near_misses(path: str, after: bytes) -> list[Altered]:
    """All near misses of an answer; none is equal to it, and the empty file comes last."""
    text = _text(after) or ""
    suffix = PurePosixPath(path).suffix.lower()
    found: list[Altered] = []
    if text.strip():
        for kind, detail, new in _OF_SUFFIX.get(suffix, _of_text)(text):
            found.append(Altered(kind, new.encode(), 0, detail))
        found.append(Altered("empty file", b""))
    unique = {each.text: each for each in found if each.text.strip() != after.strip()}
    return list(unique.values())


Miss = tuple[str, str, str]


def _numbers(text: str) -> Iterator[tuple[str, str]]:
    """A number's near misses: one more, one hundredth more, the other sign; with as many digits behind the point."""
    digits = len(text.partition(".")[2])
    value = float(text)
    for kind, off in (("off by one", value + 1), ("off by 1 %", value * 1.01), ("sign flipped", -value)):
        # one hundredth of a small whole number is none, and one more is then no near miss of the other kind
        new = f"{off:.{digits}f}"
        if float(new) != value:
            yield kind, new


def _of_text(text: str) -> Iterator[Miss]:
    numbers, words, lines = list(_NUMBER.finditer(text)), list(_WORD.finditer(text)), text.splitlines()
    if len(text.split()) > _LONG_TEXT and len(words) > len(text.split()) / 2:
        shifted = _NUMBER.sub(lambda match: next(_numbers(match[0]))[1], text)
        yield "off by one", "every number", shifted
        return
    for match in numbers:
        for kind, new in _numbers(match[0]):
            yield kind, f"{match[0]} is {new}", text[: match.start()] + new + text[match.end() :]
    for match in words:
        new = match[0][:-1] + ("n" if match[0][-1] != "n" else "m")
        yield "word changed", f"{match[0]} is {new}", text[: match.start()] + new + text[match.end() :]
    if len(lines) > 1:
        yield from _of_rows(lines, lambda rows: "".join(f"{row}\n" for row in rows))


def _of_rows(rows: list[Any], text_of: Callable[[list[Any]], str]) -> Iterator[Miss]:
    if len(rows) > 1:
        yield "row lost", "the last", text_of(rows[:-1])
    yield "row doubled", "the first", text_of([rows[0], *rows])


def _of_csv(text: str, delimiter: str = ",") -> Iterator[Miss]:
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    if len(rows) < 2 or not all(rows):
        yield from _of_text(text)
        return
    header, body = rows[0], rows[1:]
    newline = "\r\n" if "\r\n" in text else "\n"

    def text_of(these: list[list[str]]) -> str:
        out = io.StringIO()
        csv.writer(out, delimiter=delimiter, lineterminator=newline).writerows(these)
        return out.getvalue()

    yield from _of_rows(body, lambda these: text_of([header, *these]))
    for column, name in enumerate(header):
        if _BESIDE.search(name) or any(len(row) != len(header) for row in body):
            continue
        yield "key renamed", name, text_of([[*header[:column], f"{name}x", *header[column + 1 :]], *body])
        for at, row in enumerate(body):
            for kind, new in _cells(row[column]):
                changed = [*row[:column], new, *row[column + 1 :]]
                yield (
                    kind,
                    f"{name} {row[column]!r} is {new!r}",
                    text_of([header, *body[:at], changed, *body[at + 1 :]]),
                )
            other = next((each for each in body if each[column] != row[column]), None)
            if other is not None:
                changed = [*row[:column], other[column], *row[column + 1 :]]
                yield "value of another row", name, text_of([header, *body[:at], changed, *body[at + 1 :]])


def _cells(cell: str) -> Iterator[tuple[str, str]]:
    if _NUMBER.fullmatch(cell):
        yield from _numbers(cell)
    elif _WORD.search(cell):
        yield "word changed", f"{cell}n"


def _of_json(text: str) -> Iterator[Miss]:
    try:
        value = json.loads(text)
    except ValueError:
        yield from _of_text(text)
        return
    indent = 2 if text.strip().count("\n") else None
    for kind, detail, new in _changed(value):
        yield kind, detail, json.dumps(new, indent=indent, ensure_ascii=False) + "\n"


def _changed(value: Any) -> Iterator[tuple[str, str, Any]]:
    """The value with one thing changed, at every place in turn."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if _BESIDE.search(key):
                continue
            yield "key renamed", key, {f"{each}x" if each == key else each: item for each, item in value.items()}
            for kind, detail, new in _changed(inner):
                yield kind, f"{key}: {detail}", {**value, key: new}
    elif isinstance(value, list):
        if value:
            yield "row lost", "the last", value[:-1]
            yield "row doubled", "the first", [value[0], *value]
        for at, inner in enumerate(value):
            for kind, detail, new in _changed(inner):
                yield kind, detail, [*value[:at], new, *value[at + 1 :]]
    elif isinstance(value, bool):
        yield "word changed", f"{value} is {not value}", not value
    elif isinstance(value, int | float):
        for kind, off in (("off by one", value + 1), ("off by 1 %", round(value * 1.01, 12)), ("sign flipped", -value)):
            new = round(off) if isinstance(value, int) else off
            if new != value:
                yield kind, f"{value} is {new}", new
    elif isinstance(value, str):
        for kind, new in _cells(value):
            yield kind, f"{value!r} is {new!r}", new


def _of_json_lines(text: str) -> Iterator[Miss]:
    lines = [line for line in text.splitlines() if line.strip()]
    yield from _of_rows(lines, lambda rows: "".join(f"{row}\n" for row in rows))
    for at, line in enumerate(lines):
        for kind, detail, new in _of_json(line):
            yield kind, detail, "\n".join([*lines[:at], new.strip(), *lines[at + 1 :]]) + "\n"


def _of_sql(text: str) -> Iterator[Miss]:
    """Another aggregate, a comparison turned round."""
    for pattern, new in _SQL:
        if pattern.search(text):
            yield "aggregate changed", new, pattern.sub(new, text)
    for match in re.finditer(r"(?<![<>!=])(=|<|>)(?![<>=])", text):
        new = {"=": "<>", "<": ">", ">": "<"}[match[0]]
        yield "comparison turned", f"{match[0]} is {new}", text[: match.start()] + new + text[match.end() :]


_OF_SUFFIX: dict[str, Callable[[str], Iterator[Miss]]] = {
    ".csv": _of_csv,
    ".tsv": lambda text: _of_csv(text, "\t"),
    ".json": _of_json,
    ".jsonl": _of_json_lines,
    ".sql": _of_sql,
}


def _text(data: bytes) -> str | None:
    try:
        return data.decode() if b"\0" not in data else None
    except UnicodeDecodeError:
        return None
