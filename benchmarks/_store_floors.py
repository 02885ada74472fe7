"""The floors of benchmarks/store.py: pyarrow writing what we write, in a process of its own, which takes turns.

    python benchmarks/_store_floors.py FOLDER STEPS

Reads one JSON object a line and answers each with one: {"ingest": [START, END]} writes those rollouts' bodies and rows,
{"sync": true} makes what was written durable, {"export": [FILES]} writes the rows of our Parquet files again. Answers:
the wall and processor seconds of pyarrow alone; what it is given is made ready beforehand.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks._store_rollouts import make_pool, rollouts
from trajectories.exports.columns import stored
from trajectories.frames import LEVEL
from trajectories.rollout import Rollout
from trajectories.rows import rows_of

GROUP = 1000  # rows


@dataclass
class Clock:
    """Seconds so far, of the wall and of this process's processor time."""

    wall: float = 0.0
    cpu: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu


class Ingest:
    """A ParquetWriter that is given bodies and the values of their rows as columns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pq.ParquetWriter | None = None

    def write(self, some: list[Rollout], clock: Clock) -> None:
        rows = [_row(rollout) for rollout in some]
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        with clock.running():
            table = pa.table(columns)
            if self._writer is None:
                options = {"compression": "zstd", "compression_level": LEVEL, "use_dictionary": False}
                self._writer = pq.ParquetWriter(self._path, table.schema, **options)
            self._writer.write_table(table)

    def sync(self, clock: Clock) -> None:
        with clock.running():
            _sync(self._path)


def _row(rollout: Rollout) -> dict[str, Any]:
    made = rows_of(rollout)
    verdict = {**made.verdict, "error": "", "dropped_paths": "[]"}
    body = rollout.model_dump_json().encode()
    values = {f"verdict_{name}": value for name, value in verdict.items()}
    return {**made.rollout, **values, "packed": made.steps["packed"], "body": body}


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def export(files: list[Path], folder: Path) -> dict[str, Clock]:
    """Our rows written again: from Python objects, as an exporter has them, and from Arrow's memory."""
    objects, arrow = Clock(), Clock()
    schema = pq.read_schema(files[0])
    plain = pa.schema([field.with_type(stored(field.type)) for field in schema])  # from_pylist knows no JSON type
    of_objects = pq.ParquetWriter(folder / "objects.parquet", plain, compression="zstd")
    of_arrow = pq.ParquetWriter(folder / "arrow.parquet", schema, compression="zstd")
    for path in files:
        with pq.ParquetFile(path) as read:
            for group in range(read.num_row_groups):
                table = read.read_row_group(group)
                rows = table.to_pylist()
                with objects.running():
                    of_objects.write_table(pa.Table.from_pylist(rows, schema=plain))
                with arrow.running():
                    of_arrow.write_table(table)
    for clock, writer, name in ((objects, of_objects, "objects"), (arrow, of_arrow, "arrow")):
        with clock.running():
            writer.close()
            _sync(folder / f"{name}.parquet")
        (folder / f"{name}.parquet").unlink()
    return {"objects": objects, "arrow": arrow}


def main() -> None:
    folder, pool = Path(sys.argv[1]), make_pool(int(sys.argv[2]))
    ingest = Ingest(folder / "floor.parquet")
    ingest.write(list(rollouts(pool, 10**8, 10**8 + GROUP)), Clock())  # memory and libraries are warm from here on
    print(json.dumps({}), flush=True)
    for line in sys.stdin:
        asked, clocks = json.loads(line), {"floor": Clock()}
        if "ingest" in asked:
            start, end = asked["ingest"]
            for at in range(start, end, GROUP):
                ingest.write(list(rollouts(pool, at, min(at + GROUP, end))), clocks["floor"])
        elif "sync" in asked:
            ingest.sync(clocks["floor"])
        else:
            clocks = export([Path(path) for path in asked["export"]], folder)
        print(json.dumps({name: asdict(clock) for name, clock in clocks.items()}), flush=True)


if __name__ == "__main__":
    main()
