"""Rows of CSV, JSONL and Parquet files beside a template, as dicts."""

import csv
import json
import re
from pathlib import Path
from typing import Any

from tasks.templates.rendering import Fault

_WHOLE = re.compile(r"-?(?:0|[1-9]\d*)")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")


def read_table(file: Path) -> list[dict[str, Any]]:
    """A CSV column of nothing but numbers (00123 is none) has numbers, and None where it is empty. Raises Fault."""
    try:
        if file.suffix == ".parquet":
            return _parquet(file)
        if file.suffix in (".jsonl", ".ndjson"):
            return _jsonl(file)
        if file.suffix in (".csv", ".tsv"):
            return _csv(file)
    except (UnicodeDecodeError, OSError) as error:
        raise Fault(f"{file} cannot be read: {error}") from error
    raise Fault(f"{file}: what kind of table is this? Give a .csv, .tsv, .jsonl or .parquet file")


def _csv(file: Path) -> list[dict[str, Any]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        lines = list(csv.reader(opened, delimiter="\t" if file.suffix == ".tsv" else ","))
    if not lines:
        raise Fault(f"{file} is empty; its first line names the columns")
    header, *rows = [line for line in lines if line]
    if len(set(header)) != len(header):
        raise Fault(f"{file}:1: two columns have the same name")
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise Fault(f"{file}: row {number} has {len(row)} cells, and the header has {len(header)}")
    columns = [_typed([row[at] for row in rows]) for at in range(len(header))]
    return [dict(zip(header, cells, strict=True)) for cells in zip(*columns, strict=True)]


def _typed(cells: list[str]) -> list[Any]:
    filled = [cell for cell in cells if cell]
    if not filled or not all(_NUMBER.fullmatch(cell) for cell in filled):
        return list(cells)
    kind: type = int if all(_WHOLE.fullmatch(cell) for cell in filled) else float
    return [kind(cell) if cell else None for cell in cells]


def _jsonl(file: Path) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise Fault(f"{file}:{number}: is not valid JSON: {error}") from error
        if not isinstance(row, dict):
            raise Fault(f"{file}:{number}: a row is one JSON object")
        rows.append(row)
    return rows


def _parquet(file: Path) -> list[dict[str, Any]]:
    import pyarrow
    import pyarrow.parquet

    try:
        rows: list[dict[str, Any]] = pyarrow.parquet.read_table(file).to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise Fault(f"{file} cannot be read: {error}") from error
    return rows
