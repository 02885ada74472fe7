"""Local data files as rows: CSV, TSV, JSON, JSONL, Parquet, and folders as Hugging Face's `datasets` saves them."""

import csv
import json
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tasks.families.instruction_data.annotation import Annotation, BadAnnotation

Row = dict[str, Any]


def data_file(annotation: Annotation, folder: Path) -> Path:
    """The file or folder of the split that instances are drawn from. Raises BadAnnotation."""
    if isinstance(annotation.data, str):
        place: tuple[str | int, ...] = ("data",)
        path = annotation.data
    else:
        split = annotation.split or ("test" if "test" in annotation.data else list(annotation.data)[-1])
        if split not in annotation.data:
            raise BadAnnotation(("split",), f"there is no split {split!r}; there are: {', '.join(annotation.data)}")
        place, path = ("data", split), annotation.data[split]
    if not (folder / path).exists():
        raise BadAnnotation(place, f"there is no file {folder / path}")
    return folder / path


def read_rows(annotation: Annotation, folder: Path) -> tuple[Row, ...]:
    """All rows of the split, columns checked. Raises BadAnnotation naming the column that is not there."""
    file = data_file(annotation, folder)
    rows = _rows(file, annotation.header, annotation.split, file.stat().st_mtime_ns)
    if not rows:
        raise BadAnnotation(("data",), f"{file} has no rows")
    for role, wanted in annotation.columns.items():
        if annotation.annotation == "zest" and role in ("context", "answer"):
            continue  # these are fields of the examples of a row
        for column in wanted if isinstance(wanted, list) else [wanted]:
            if str(column) not in rows[0]:
                there = ", ".join(map(str, rows[0]))
                raise BadAnnotation(("columns", role), f"{file.name} has no column {column!r}; it has: {there}")
    return rows


def class_names(file: Path, column: str) -> list[str]:
    """Names of a ClassLabel column, from the dataset_info.json of a saved data set; none where there is no such."""
    info = file / "dataset_info.json"
    if not info.is_file():
        return []
    feature = json.loads(info.read_text()).get("features", {}).get(column, {})
    names = feature.get("names", []) if isinstance(feature, dict) else []
    return [str(name) for name in names]


@lru_cache(maxsize=64)
def _rows(file: Path, header: bool, split: str, changed: int) -> tuple[Row, ...]:
    """`changed`: when the file was; read anew when it has changed since."""
    try:
        if file.is_dir():
            return tuple(_folder_rows(file, split))
        match file.suffix:
            case ".csv" | ".tsv":
                return tuple(_csv_rows(file, header))
            case ".jsonl":
                lines = file.read_text(encoding="utf-8").splitlines()
                return tuple(_objects([json.loads(line) for line in lines if line.strip()], file))
            case ".json":
                return tuple(_json_rows(file))
            case ".parquet":
                import pyarrow.parquet as parquet

                return tuple(parquet.read_table(file).to_pylist())
    except (OSError, UnicodeDecodeError, ValueError, csv.Error) as error:  # pyarrow's are ValueErrors
        raise BadAnnotation(("data",), f"{file} cannot be read: {error}") from error
    raise BadAnnotation(("data",), f"{file}: is none of .csv, .tsv, .json, .jsonl, .parquet, or a folder")


def _csv_rows(file: Path, header: bool) -> list[Row]:
    with file.open(newline="", encoding="utf-8-sig") as opened:
        lines = [line for line in csv.reader(opened, delimiter="\t" if file.suffix == ".tsv" else ",") if line]
    names = lines.pop(0) if header and lines else [str(at) for at in range(len(lines[0]) if lines else 0)]
    for number, line in enumerate(lines, start=2 if header else 1):
        if len(line) != len(names):
            raise ValueError(f"line {number} has {len(line)} fields and not {len(names)}")
    return [dict(zip(names, line, strict=True)) for line in lines]


def _json_rows(file: Path) -> list[Row]:
    """A list of objects, or an object with such a list under `data`, or under the only key that holds one."""
    value = json.loads(file.read_text(encoding="utf-8"))
    if isinstance(value, dict):
        lists = {key: each for key, each in value.items() if isinstance(each, list) and each}
        value = lists.get("data") or lists.get("rows") or (next(iter(lists.values())) if len(lists) == 1 else [value])
    return _objects(value, file)


def _objects(values: list[Any], file: Path) -> list[Row]:
    for number, value in enumerate(values, start=1):
        if not isinstance(value, dict):
            raise ValueError(f"row {number} is a {type(value).__name__} and not an object")
    return values


def _folder_rows(folder: Path, split: str) -> list[Row]:
    """As `save_to_disk` writes it. Read by `datasets` where it is installed, else by pyarrow from the same files."""
    if (folder / "dataset_dict.json").is_file():
        splits = json.loads((folder / "dataset_dict.json").read_text())["splits"]
        chosen = split or ("test" if "test" in splits else splits[-1])
        if chosen not in splits:
            raise ValueError(f"there is no split {chosen!r}; there are: {', '.join(splits)}")
        folder = folder / chosen
    if find_spec("datasets") is not None:
        return [dict(row) for row in import_module("datasets").load_from_disk(str(folder))]
    import pyarrow as arrow

    files = sorted(folder.glob("*.arrow"))
    if not files:
        raise ValueError("holds no *.arrow files, as `save_to_disk` of `datasets` writes them")
    rows: list[Row] = []
    for file in files:
        with arrow.memory_map(str(file)) as source:
            rows += arrow.ipc.open_stream(source).read_all().to_pylist()
    return rows
