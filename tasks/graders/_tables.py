"""Tables in the forms that people hand in: CSV, TSV, JSON, JSONL, Markdown."""

import csv
import io
import re
from typing import Any, Literal

from tasks.graders._reading import Refused, parse_json, parse_jsonl, plain, shown

MOST_ROWS = 100_000
Format = Literal["auto", "csv", "tsv", "json", "jsonl", "markdown"]
Rows = list[dict[str, Any]]
_BY_SUFFIX: dict[str, Format] = {"csv": "csv", "tsv": "tsv", "json": "json", "jsonl": "jsonl", "md": "markdown"}
_RULE = re.compile(r"\s*:?-+:?\s*")


def parse_table(text: str, path: str, form: Format) -> Rows:
    """Rows with normalised names of columns. Raises Refused naming what is wrong and in which line."""
    if form == "auto":
        form = _BY_SUFFIX.get(path.rsplit(".", 1)[-1].lower(), "auto")
    if form == "auto":
        form = _guessed(text)
    if form in ("json", "jsonl"):
        rows = _objects(parse_json(text, path) if form == "json" else parse_jsonl(text, path), path)
    elif form == "markdown":
        rows = _under_header(_markdown_lines(text, path), path)
    else:
        rows = _under_header(_csv_lines(text, path, form), path)
    if len(rows) > MOST_ROWS:
        raise Refused(f"{path}: more than {MOST_ROWS} rows")
    return rows


def column_name(name: str) -> str:
    """Names that differ in case, spaces or underscores are the same column."""
    return plain(name).replace("_", " ").replace("-", " ").strip(" *`\"'")


def _guessed(text: str) -> Format:
    start = text.lstrip()[:1]
    if start == "[":
        return "json"
    if start == "{":
        return "jsonl" if len([line for line in text.splitlines() if line.lstrip().startswith("{")]) > 1 else "json"
    return "markdown" if start == "|" else "csv"


def _objects(value: Any, path: str) -> Rows:
    """A list of objects, or one object whose only list it is."""
    if isinstance(value, dict):
        lists = [inner for inner in value.values() if isinstance(inner, list)]
        if len(lists) != 1:
            raise Refused(f"{path}: a list of objects is wanted, this is one object")
        value = lists[0]
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise Refused(f"{path}: a list of objects is wanted, one for each row")
    return [_renamed(list(row.items()), path) for row in value]


def _csv_lines(text: str, path: str, form: Format) -> list[tuple[int, list[str]]]:
    header = text.lstrip().split("\n", 1)[0]
    delimiter = "\t" if form == "tsv" else max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=False)
    try:
        return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise Refused(f"{path}: line {reader.line_num}: {error}") from None


def _markdown_lines(text: str, path: str) -> list[tuple[int, list[str]]]:
    """The one table of a page; text around it does not count."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    table = [(number, _cells(line)) for number, line in lines if line.startswith("|")]
    if len(table) < 2 or not all(map(_RULE.fullmatch, table[1][1])):
        raise Refused(f"{path}: no Markdown table (a header, a line of dashes, and rows, each starting with |)")
    if table[-1][0] - table[0][0] != len(table) - 1:
        raise Refused(f"{path}: more than one table, or a table with a gap")
    return [table[0], *table[2:]]


def _cells(line: str) -> list[str]:
    inner = line.removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", inner)]


def _under_header(lines: list[tuple[int, list[str]]], path: str) -> Rows:
    if not lines:
        raise Refused(f"{path}: no header")
    header = lines[0][1]
    for number, cells in lines[1:]:
        if any(cell.strip() for cell in cells[len(header) :]):
            raise Refused(f"{path}: line {number} has {len(cells)} cells, the header {len(header)}")
    filled = ((cells + [""] * len(header))[: len(header)] for _, cells in lines[1:])
    return [_renamed(list(zip(header, cells, strict=True)), path) for cells in filled]


def _renamed(pairs: list[tuple[str, Any]], path: str) -> dict[str, Any]:
    found = {column_name(name): value for name, value in pairs}
    if len(found) != len(pairs):
        names = [column_name(name) for name, _ in pairs]
        raise Refused(f"{path}: two columns are called {shown(max(names, key=names.count))}")
    return found
