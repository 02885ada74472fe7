"""A contamination list from the files of a benchmark: SWE-bench's instances, HumanEval's and MBPP's rows, any text.

Rows come from JSON lines, JSON and Parquet; all other text files are taken whole. Only hashes are kept.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from tasks._ngrams import WORDS, is_patch, ngram_hashes, solved_sides
from tasks.contamination import FEWEST, ContaminationList, NgramHashes
from tasks.errors import BadContaminationList

MOST_BYTES = 20_000_000  # of one text file; rows are read whatever the size
IDS = ("instance_id", "task_id", "id", "name")
# Names of tests and of versions: many benchmarks share them with honest tasks.
NOT_TEXTS = {"repo", "base_commit", "version", "environment_setup_commit", "created_at", "fail_to_pass", "pass_to_pass"}


class Built(BaseModel):
    """A list, and what of the folder is not in it."""

    model_config = ConfigDict(frozen=True)

    list: ContaminationList
    files: int
    too_short: int
    skipped: dict[str, str]


def build_contamination(folder: Path, *, name: str = "", n: int = WORDS) -> Built:
    """Read a folder (or one file). `n`: words a run. Raises BadContaminationList for a file that cannot be read.

    The same files give the same list.
    """
    if not folder.exists():
        raise BadContaminationList(f"{folder}: there is no such folder or file; give the benchmark's files")
    files = [folder] if folder.is_file() else sorted(path for path in folder.rglob("*") if path.is_file())
    root = folder.parent if folder.is_file() else folder
    texts: dict[str, frozenset[str]] = {}
    repositories: set[str] = set()
    instances: set[str] = set()
    skipped: dict[str, str] = {}
    too_short = read = 0
    for file in files:
        path = file.relative_to(root).as_posix()
        if any(part.startswith(".") for part in path.split("/")):
            continue
        try:
            found = list(_texts_of_file(file, path, repositories, instances))
        except _Skipped as reason:
            skipped[path] = str(reason)
            continue
        read += 1
        for label, text in found:
            hashes = ngram_hashes(solved_sides(text) if is_patch(text) else [text], n)
            if len(hashes) < FEWEST:
                too_short += 1
            else:
                texts[label] = texts.get(label, frozenset()) | hashes
    if not (texts or repositories or instances):
        raise BadContaminationList(f"{folder}: holds nothing to compare with; skipped: {skipped or 'nothing'}")
    made = ContaminationList(
        name=name or folder.stem,
        repositories=tuple(sorted(repositories)),
        instance_ids=tuple(sorted(instances)),
        ngrams=NgramHashes(n=n, texts=texts),
    )
    return Built(list=made, files=read, too_short=too_short, skipped=skipped)


class _Skipped(Exception):
    """Why a file is left out."""


def _texts_of_file(file: Path, path: str, repositories: set[str], instances: set[str]) -> Iterator[tuple[str, str]]:
    """(what it is, text). Repositories and instances that rows name are put into the sets."""
    rows = _rows(file)
    if rows is None:
        if file.stat().st_size > MOST_BYTES:
            raise _Skipped(f"is larger than {MOST_BYTES // 1_000_000} MB")
        data = file.read_bytes()
        if b"\0" in data:
            raise _Skipped("is no text")
        try:
            yield path, data.decode("utf-8")
        except UnicodeDecodeError:
            raise _Skipped("is no UTF-8 text") from None
        return
    for number, row in enumerate(rows, start=1):
        given = next((str(row[key]) for key in IDS if isinstance(row.get(key), str | int)), "")
        if isinstance(row.get("instance_id"), str):
            instances.add(row["instance_id"])
        if isinstance(row.get("repo"), str):
            repositories.add(row["repo"])
        for key, value in row.items():
            if key.lower() in NOT_TEXTS or key in IDS:
                continue
            if isinstance(value, list) and all(isinstance(each, str) for each in value):
                value = "\n".join(value)
            if isinstance(value, str):
                yield f"{given or f'{path}:{number}'} {key}", value


def _rows(file: Path) -> list[Mapping[str, Any]] | None:
    """A file's rows; None where it has no rows. Raises BadContaminationList."""
    try:
        if file.suffix in (".jsonl", ".ndjson"):
            rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        elif file.suffix == ".json":
            data = json.loads(file.read_text(encoding="utf-8"))
            rows = data if isinstance(data, list) else [data]
        elif file.suffix == ".parquet":
            import pyarrow.parquet

            rows = pyarrow.parquet.read_table(file).to_pylist()
        else:
            return None
    except (OSError, ValueError) as error:  # pyarrow's own errors are of these two
        raise BadContaminationList(f"{file}: cannot be read: {error}") from error
    if not all(isinstance(row, dict) for row in rows):
        raise BadContaminationList(f"{file}: expected objects, one an instance")
    return rows
