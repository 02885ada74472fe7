"""Writing rows to JSONL and Parquet at the same time, in constant memory, with counts and hashes."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticSerializationError, to_json

from trajectories.exports.columns import table_of
from trajectories.exports.exporter import Exporter, Row

ROW_GROUP_BYTES = 16 << 20  # of JSON text; Parquet readers load one row group at a time
ROW_GROUP_ROWS = 1000


class FileEntry(BaseModel):
    """One written file."""

    model_config = ConfigDict(frozen=True)

    rows: int
    bytes: int
    sha256: str


class SplitWriter:
    """`NAME.jsonl` and `NAME.parquet` in a folder, or one of them (`only`). They exist, empty, even without a row.

    `marks` are columns beside the exporter's own that every row has, in Parquet as they are in JSONL.
    """

    def __init__(
        self, folder: Path, name: str, exporter: Exporter, marks: Sequence[pa.Field] = (), only: str = ""
    ) -> None:
        self._exporter = exporter
        self._marks = [field.name for field in marks]
        self._schema = pa.schema([*exporter.schema, *marks])
        self.rows = 0
        self._jsonl_path, self._parquet_path = folder / f"{name}.jsonl", folder / f"{name}.parquet"
        self._jsonl = None if only == "parquet" else self._jsonl_path.open("wb")
        self._parquet = (
            None if only == "jsonl" else pq.ParquetWriter(self._parquet_path, self._schema, compression="zstd")
        )
        self._group: list[Row] = []
        self._group_bytes = 0

    def add(self, row: Row) -> None:
        self.rows += 1
        text = _line(row)
        if self._jsonl is not None:
            self._jsonl.write(text)
        if self._parquet is None:
            return
        self._group.append({**self._exporter.parquet_row(row), **{name: row[name] for name in self._marks}})
        self._group_bytes += len(text)
        if len(self._group) >= ROW_GROUP_ROWS or self._group_bytes >= ROW_GROUP_BYTES:
            self._write_group()

    def _write_group(self) -> None:
        assert self._parquet is not None
        self._parquet.write_table(table_of(self._group, self._schema))
        self._group, self._group_bytes = [], 0

    def close(self) -> dict[str, FileEntry]:
        """Finish both files; name -> entry."""
        if self._group:
            self._write_group()
        self._close()
        return {
            path.name: FileEntry(rows=self.rows, bytes=path.stat().st_size, sha256=_sha256(path))
            for path, file in ((self._jsonl_path, self._jsonl), (self._parquet_path, self._parquet))
            if file is not None
        }

    def _close(self) -> None:
        for file in (self._parquet, self._jsonl):
            if file is not None:
                file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()


def _line(row: Row) -> bytes:
    """Half of a surrogate pair, which a model's server may send, is a text to `json` alone."""
    try:
        return to_json(row) + b"\n"
    except PydanticSerializationError:
        return json.dumps(row).encode() + b"\n"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
