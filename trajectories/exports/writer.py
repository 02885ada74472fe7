"""Writing rows to JSONL and Parquet at the same time, in constant memory, with counts and hashes."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from trajectories.exports.columns import Columns, json_bytes
from trajectories.exports.exporter import Exporter, InOneJson, Row

ROW_GROUP_BYTES = 16 << 20  # in Arrow's memory; Parquet readers load one row group at a time
ROW_GROUP_ROWS = 1000
CHUNK_ROWS = 25
"""Rows that become Arrow arrays together, and are as large as those say."""
SHARD_BYTES = 500 << 20
"""Of a Parquet file, before the next one begins: the size that the Hugging Face hub asks for."""


class FileEntry(BaseModel):
    """One written file."""

    model_config = ConfigDict(frozen=True)

    rows: int
    bytes: int
    sha256: str


class SplitWriter:
    """`NAME.jsonl` and `NAME.parquet` in a folder, or one of them (`only`). They exist, empty, even without a row.

    Beyond `shard_bytes` Parquet is `NAME-00000-of-00003.parquet` and so on. Where the form wants one JSON file as well
    (InOneJson), that is `NAME/NAME.json`. `marks` are columns beside the exporter's own that every row has, in Parquet
    as they are in JSONL.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        exporter: Exporter,
        marks: Sequence[pa.Field] = (),
        only: str = "",
        shard_bytes: int = SHARD_BYTES,
    ) -> None:
        self._exporter = exporter
        self._marks = [field.name for field in marks]
        self._folder = folder
        self.rows = 0
        self._lines = None if only == "parquet" else _Lines(folder / f"{name}.jsonl", b"", b"\n", b"\n")
        self._whole: _Lines | None = None
        if isinstance(exporter, InOneJson) and only != "parquet":
            (folder / name).mkdir()
            before, after = (text.encode() for text in exporter.in_one_json)
            self._whole = _Lines(folder / name / f"{name}.json", before, b",\n", after)
        schema = pa.schema([*exporter.schema, *marks])
        self._shards = None if only == "jsonl" else _Shards(folder, name, schema, shard_bytes)

    def add(self, row: Row) -> None:
        self.rows += 1
        if self._lines is not None:
            text = json_bytes(row)
            for lines in (self._lines, self._whole):
                if lines is not None:
                    lines.add(text)
        if self._shards is not None:
            self._shards.add({**self._exporter.parquet_row(row), **{name: row[name] for name in self._marks}})

    def add_table(self, rows: pa.Table) -> None:
        """Rows as they are for Parquet, which is all that is written (`only`)."""
        assert self._lines is None and self._shards is not None
        self.rows += len(rows)
        self._shards.add_table(rows)

    def close(self) -> dict[str, FileEntry]:
        """Finish the files; name -> entry."""
        written: list[tuple[Path, int]] = []
        for lines in (self._lines, self._whole):
            if lines is not None:
                lines.finish()
                written.append((lines.path, self.rows))
        if self._shards is not None:
            written += self._shards.finish()
        return {
            path.relative_to(self._folder).as_posix(): FileEntry(
                rows=rows, bytes=path.stat().st_size, sha256=_sha256(path)
            )
            for path, rows in written
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in (self._lines, self._whole, self._shards):
            if file is not None:
                file.close()


class _Lines:
    """Rows as JSON texts with something between them, before the first and after the last."""

    def __init__(self, path: Path, before: bytes, between: bytes, after: bytes) -> None:
        self.path = path
        self._between, self._after = between, after
        self._is_empty = True
        self._file = path.open("wb")
        self._file.write(before)

    def add(self, text: bytes) -> None:
        if not self._is_empty:
            self._file.write(self._between)
        self._is_empty = False
        self._file.write(text)

    def finish(self) -> None:
        if not self._is_empty or self._after != self._between:  # JSONL without a row has no byte
            self._file.write(self._after)
        self.close()

    def close(self) -> None:
        self._file.close()


class _Shards:
    """Parquet files that follow each other; two row groups in memory, of which one is being written on a thread."""

    def __init__(self, folder: Path, name: str, schema: pa.Schema, shard_bytes: int) -> None:
        self._folder, self._name, self._schema, self._shard_bytes = folder, name, schema, shard_bytes
        self._columns = Columns(schema)
        self._group: list[pa.Table] = []
        self._group_bytes = 0
        self._done: list[tuple[Path, int]] = []
        self._beside = ThreadPoolExecutor(1, "parquet")
        self._writing: Future[None] | None = None
        self._open()

    def _open(self) -> None:
        self._path = self._folder / f"{self._name}-{len(self._done):05}.parquet"
        self._rows = 0
        self._file = self._path.open("wb")
        self._parquet = pq.ParquetWriter(self._file, self._schema, compression="zstd")

    def add(self, row: Row) -> None:
        self._columns.add(row)
        if self._columns.rows >= min(CHUNK_ROWS, ROW_GROUP_ROWS):
            self._end_chunk(self._columns.take())

    def add_table(self, rows: pa.Table) -> None:
        """At least one row, in parts of a quarter of a row group, so that groups end where they are full."""
        parts = max(4 * rows.nbytes // ROW_GROUP_BYTES + 1, len(rows) // ROW_GROUP_ROWS + 1)
        step = -(-len(rows) // parts)
        for start in range(0, len(rows), step):
            self._end_chunk(rows.slice(start, step))

    def _end_chunk(self, chunk: pa.Table) -> None:
        self._group.append(chunk)
        self._group_bytes += chunk.nbytes
        if self._group_bytes >= ROW_GROUP_BYTES or sum(map(len, self._group)) >= ROW_GROUP_ROWS:
            self._write_group()

    def _write_group(self) -> None:
        self._wait()
        if self._rows and self._file.tell() >= self._shard_bytes:
            self._close_shard()
            self._open()
        group = pa.concat_tables(self._group)
        self._writing = self._beside.submit(self._parquet.write_table, group)
        self._rows += len(group)
        self._group, self._group_bytes = [], 0

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()
            self._writing = None

    def _close_shard(self) -> None:
        self._close_file()
        self._done.append((self._path, self._rows))

    def finish(self) -> list[tuple[Path, int]]:
        """Files and their rows; one alone has no number in its name."""
        if self._columns.rows:
            self._end_chunk(self._columns.take())
        if self._group:
            self._write_group()
        self._wait()
        self._close_shard()
        count = len(self._done)
        named = []
        for number, (path, rows) in enumerate(self._done):
            suffix = f"-{number:05}-of-{count:05}" if count > 1 else ""
            named.append((path.rename(self._folder / f"{self._name}{suffix}.parquet"), rows))
        return named

    def _close_file(self) -> None:
        self._parquet.close()
        self._file.close()

    def close(self) -> None:
        self._beside.shutdown()  # what is being written is written before the file is closed
        self._close_file()


def line_of(row: Row) -> bytes:
    """A row's line of JSONL."""
    return json_bytes(row) + b"\n"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
