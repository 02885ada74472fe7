"""The store's throughput beside its floor: pyarrow writing the same bytes.

    python benchmarks/store.py [--json] [--rollouts 100000] [--steps 20] [--metadata 1000000]

Rollouts of 20 steps (about 43 kB of JSON: texts cut from Python's standard library, so that they compress as real
trajectories do), recorded in batches and exported to Parquet, at three sizes that follow each other in one store (a
tenth, a third, all of `--rollouts`). A pool of 500 is made once and given new keys: making them is in no figure.

Ingest. Ours: `Store.record_many` (JSON, hash, zstandard, fsync, rows and indexes in SQLite, a transaction a batch). Its
floor: a ParquetWriter writing the same bytes, given to it ready: the JSON of each rollout and the values of its rows as
columns, zstandard at the same level, row groups of 1,000, one fsync at the end. They take turns batch by batch, so that
the machine's mood falls on both. Secrets are looked for by `record` before anything is written; that is measured apart
(`redaction_ms`, of each rollout), since a floor that looks for none would compare two different things.

Export. Ours: `export(to="trl", only="parquet")`: rows by SQL, bodies by range, their JSON read, messages made, hashes.
Its floor: the same rows as Python objects, as an exporter has them, written by `Table.from_pylist` and the same
ParquetWriter. `export_arrow_ratio` is the stricter comparison with tables that are ready in Arrow's memory.

Ratios are floor / ours, of wall time (`…_ratio`) and of processor time (`…_cpu_ratio`: steadier on a busy machine).
`filter_ms_1m`: the slower of the first page and the count of a filter over `--metadata` rows, median of 5, with plan.
`cost_exponent`: of time = a · n^b through the three sizes, ingest and export together; 1 is linear. `peak_mb`: resident
memory of the whole process, the floors and the pool included, after the largest size; `peaks_mb` after each.
"""

# ruff: noqa: E501
import argparse
import json
import math
import os
import random
import resource
import statistics
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlalchemy import text

from tasks.verdict import Check, Verdict
from trajectories import store as store_module
from trajectories.atif import AgentInfo, Metrics, Observation, ObservationResult, Step, ToolCall, Trajectory
from trajectories.exports import export
from trajectories.redaction import redact
from trajectories.rollout import Rollout, RolloutKey
from trajectories.rows import rows_of
from trajectories.segments import LEVEL
from trajectories.store import Store, open_store

POOL = 500
FILTER = "agent = 'agent-3' and model = 'model-1' and family = 'family-2' and reward >= 1 and unknown = false"
TOOL = {"type": "function", "function": {"name": "bash", "parameters": {"type": "object", "properties": {}}}}


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


# ------------------------------------------------------------------- rollouts


def make_pool(steps: int) -> list[Rollout]:
    folder, chance = Path(sysconfig.get_paths()["stdlib"]), random.Random(0)
    texts = "".join(path.read_text(errors="ignore") for path in sorted(folder.glob("*.py")))

    def cut(least: int, most: int) -> str:
        length = chance.randrange(least, most)
        start = chance.randrange(len(texts) - length)
        return texts[start : start + length]

    def step(number: int) -> Step:
        call = ToolCall(tool_call_id=f"c{number}", function_name="bash", arguments={"command": cut(20, 120)})
        result = ObservationResult(source_call_id=call.tool_call_id, content=cut(100, 2500))
        return Step(
            step_id=number + 2,
            source="agent",
            message=cut(50, 300),
            tool_calls=(call,),
            observation=Observation(results=(result,)),
            metrics=Metrics(prompt_tokens=1000, completion_tokens=80),
        )

    def rollout(number: int) -> Rollout:
        opening = Step(step_id=1, source="user", message=cut(400, 1200))
        agent = AgentInfo(name="react", version="1", model_name="m", tool_definitions=(TOOL,))
        trajectory = Trajectory(session_id="s", agent=agent, steps=(opening, *map(step, range(steps))))
        return Rollout(
            key=RolloutKey(suite_hash="suite", task_id=f"task-{number}", agent="react", model="m", backend="none"),
            seed=number,
            ending="submitted",
            verdict=Verdict(reward=1.0, checks=(Check(name="t", passed=True),)),
            trajectory=trajectory,
            started_at="2026-01-01T00:00:00+00:00",
            agent_sec=60.0,
            verifier_sec=5.0,
            total_sec=65.0,
            provenance={"repository": f"repository-{number % 20}", "license": "MIT"},
        )

    return [rollout(number) for number in range(POOL)]


def rollouts(pool: list[Rollout]) -> Iterator[Rollout]:
    """Without end, each with a key of its own."""
    number = 0
    while True:
        one = pool[number % POOL]
        yield one.model_copy(update={"key": one.key.model_copy(update={"attempt": number // POOL})})
        number += 1


# ------------------------------------------------------------------- the floors


class IngestFloor:
    """pyarrow writing what a batch of rollouts holds: its JSON, and the values of its rows."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[dict[str, Any]] = []

    def add(self, batch: list[Rollout]) -> None:
        for rollout in batch:
            rows = rows_of(rollout)
            verdict = {f"verdict_{name}": value for name, value in rows.verdict.items()}
            body = rollout.model_dump_json().encode()
            self._waiting.append({**rows.rollout, **verdict, "packed": rows.steps["packed"], "body": body})
        if len(self._waiting) >= 1000:
            self.write()

    def write(self) -> None:
        if not self._waiting:
            return
        columns = {name: [row[name] for row in self._waiting] for name in self._waiting[0]}
        columns["verdict_error"] = ["" for _ in self._waiting]
        columns["verdict_dropped_paths"] = ["[]" for _ in self._waiting]
        with self._clock.running():
            table = pa.table(columns)
            if self._writer is None:
                self._writer = pq.ParquetWriter(
                    self._path, table.schema, compression="zstd", compression_level=LEVEL, use_dictionary=False
                )
            self._writer.write_table(table)
        self._waiting = []

    def sync(self) -> None:
        """What is written so far is durable."""
        self.write()
        with self._clock.running():
            sync(self._path)


def sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def export_floors(ours: Path, folder: Path) -> tuple[Clock, Clock]:
    """The rows that are in our Parquet file, written again: from Python objects, and from Arrow's memory."""
    from_objects, from_arrow = Clock(), Clock()
    with pq.ParquetFile(ours) as read:
        schema = read.schema_arrow
        objects = pq.ParquetWriter(folder / "objects.parquet", schema, compression="zstd")
        arrow = pq.ParquetWriter(folder / "arrow.parquet", schema, compression="zstd")
        for group in range(read.num_row_groups):
            table = read.read_row_group(group)
            rows = table.to_pylist()
            with from_objects.running():
                objects.write_table(pa.Table.from_pylist(rows, schema=schema))
            with from_arrow.running():
                arrow.write_table(table)
    for clock, writer, name in ((from_objects, objects, "objects"), (from_arrow, arrow, "arrow")):
        with clock.running():
            writer.close()
            sync(folder / f"{name}.parquet")
    return from_objects, from_arrow


# ------------------------------------------------------------------- the filter


def filter_ms(folder: Path, rows: int) -> tuple[float, list[str]]:
    """Milliseconds of the slower of first page and count, and their plans."""
    insert = """
    INSERT INTO rollouts (id, suite_hash, task_id, family, repository, license, agent, model, backend, attempt, seed,
      ending, ending_detail, is_unknown, is_privileged, tries, reward, steps, prompt_tokens, completion_tokens, cost_usd,
      invalid_tool_calls, agent_sec, verifier_sec, total_sec, started_at, attempts, body)
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :rows)
    SELECT printf('%016x', (i * 2654435761) % 4294967296 * 1048576 + i), 'suite', 'task-' || (i / 8),
      'family-' || ((i / 8) % 10), 'repository-' || ((i / 8) % 100), 'MIT', 'agent-' || (i % 5),
      'model-' || ((i / 5) % 4), 'bubblewrap', i, 1, 'submitted', '', (i * 48271 / 7) % 97 = 0, 0, 1,
      CASE WHEN (i * 69621 / 11) % 3 = 0 THEN 1.0 ELSE 0.0 END, 20, 20000, 1500, 0.01, 0, 60.0, 5.0, 65.0,
      '2026-01-01 00:00:00.000000', 0, printf('%064x', i) FROM n
    """
    with open_store(folder) as store:
        with store.engine.begin() as connection:
            connection.execute(text(insert), {"rows": rows})
            connection.execute(text("ANALYZE"))
        taken: dict[str, list[float]] = {"page": [], "count": []}
        for _ in range(5):
            began = time.perf_counter()
            found = len(list(store.rollouts(FILTER, limit=100)))
            taken["page"].append((time.perf_counter() - began) * 1000)
            began = time.perf_counter()
            count = store.count(FILTER)
            taken["count"].append((time.perf_counter() - began) * 1000)
            assert found == min(100, count)
        medians = {name: statistics.median(values) for name, values in taken.items()}
        print(
            f"filter: {FILTER}\n  {count} of {rows} rows; " + ", ".join(f"{n} {v:.1f} ms" for n, v in medians.items())
        )
        return max(medians.values()), plans(store)


def plans(store: Store) -> list[str]:
    from sqlalchemy import func, select
    from sqlmodel import col

    from trajectories.filter import parse_filter
    from trajectories.tables import RolloutRow

    accepted, lines = parse_filter(FILTER), []
    page = select(RolloutRow).where(accepted, col(RolloutRow.id) > "").order_by(col(RolloutRow.id)).limit(100)
    for name, query in (("page", page), ("count", select(func.count()).select_from(RolloutRow).where(accepted))):
        sql = str(query.compile(store.engine, compile_kwargs={"literal_binds": True}))
        with store.engine.connect() as connection:
            lines += [f"{name}: {row[3]}" for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")]
    return lines


# ------------------------------------------------------------------- all of it


def exponent(sizes: list[int], seconds: list[float]) -> tuple[float, float]:
    """(a, b) of seconds = a · n^b by least squares of the logarithms."""
    xs, ys = [math.log(size) for size in sizes], [math.log(each) for each in seconds]
    slope = statistics.linear_regression(xs, ys)
    return math.exp(slope.intercept), slope.slope


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rollouts", type=int, default=100_000)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--metadata", type=int, default=1_000_000, help="rows of the filter's store")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    sizes = [options.rollouts // 10, options.rollouts * 3 // 10, options.rollouts]
    pool = make_pool(options.steps)
    began = time.process_time()
    for rollout in pool[:100]:
        redact(rollout)
    redaction_ms = (time.process_time() - began) * 10
    ours, floor = Clock(), Clock()
    exported, objects, arrow = Clock(), Clock(), Clock()
    seconds, peaks, done = list[float](), list[float](), 0
    with tempfile.TemporaryDirectory(prefix="gristmill-store-") as scratch:
        folder, coming = Path(scratch), rollouts(pool)
        below = IngestFloor(folder / "floor.parquet", floor)
        with open_store(folder / "store") as store:
            for size in sizes:
                while done < size:
                    batch = list(islice(coming, min(store_module.BATCH, size - done)))
                    with ours.running():
                        store.record_many(batch, is_redacting=False)
                    below.add(batch)
                    done += len(batch)
                below.sync()
                one = Clock()
                with one.running():
                    export(store, to="trl", out=folder / "out", only="parquet", test_share=0, overwrite=True)
                seconds.append(ours.cpu + one.cpu)
                peaks.append(round(peak_mb(), 1))
                print(
                    f"{size:8} rollouts: ingest {ours.wall:7.1f} s ({ours.cpu:.1f} s of processor; floor {floor.wall:.1f}, "
                    f"{floor.cpu:.1f}), export {one.wall:6.1f} s ({one.cpu:.1f}); peak {peaks[-1]:.0f} MB",
                    flush=True,
                )
            exported = one
            objects, arrow = export_floors(folder / "out" / "train.parquet", folder)
        stored = sum(path.stat().st_size for path in (folder / "store").rglob("*") if path.is_file())
        milliseconds, plan = filter_ms(folder / "metadata", options.metadata)
    scale, power = exponent(sizes, seconds)
    million = scale * 1_000_000**power
    figures = {
        "rollouts": options.rollouts,
        "ingest_ratio": round(floor.wall / ours.wall, 3),
        "ingest_cpu_ratio": round(floor.cpu / ours.cpu, 3),
        "ingest_per_second": round(options.rollouts / ours.wall),
        "export_ratio": round(objects.wall / exported.wall, 3),
        "export_cpu_ratio": round(objects.cpu / exported.cpu, 3),
        "export_arrow_ratio": round(arrow.wall / exported.wall, 3),
        "export_per_second": round(options.rollouts / exported.wall),
        "redaction_ms": round(redaction_ms, 2),
        "filter_ms_1m": round(milliseconds, 1),
        "filter_rows": options.metadata,
        "peak_mb": peaks[-1],
        "peaks_mb": peaks,
        "cost_exponent": round(power, 3),
        "projected_hours_1m": round(million / 3600, 2),
        "bytes_per_rollout": stored // options.rollouts,
        "load": os.getloadavg()[0],
    }
    print("\n".join(f"  {line}" for line in plan))
    print(
        f"a million, ingest and export: {million / 60:.0f} minutes of processor time (time = {scale:.2e} · n^{power:.3f})"
    )
    for name, value in figures.items():
        print(f"{name:20} {value}")
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
