"""The store's throughput beside its floor: pyarrow writing the same bytes.

    python benchmarks/store.py [--json] [--rollouts 100000] [--steps 20] [--metadata 1000000] [--database URL]

Rollouts of 20 steps (about 43 kB of JSON: texts cut from Python's standard library, so that they compress as real
trajectories do), recorded in batches and exported to Parquet, at three sizes that follow each other in one store (a
tenth, three tenths, all of `--rollouts`). A pool of 600 is made once and given new keys and times, one 7 s after the
other: making them is in no figure.

Ingest. Ours: `Store.record_many` as everybody calls it: secrets looked for, JSON, hash, zstandard, fsync, rows and
indexes in SQLite, a transaction a batch. Its floor: a ParquetWriter writing the same bytes, given to it ready: the JSON
of each rollout and the values of its rows as columns, zstandard at the same level, row groups of 1,000, an fsync for
each size; it looks for no secrets. They take turns of 5,000 rollouts (a call each, which begins and ends with one batch
alone), in processes of their own, so that the machine's mood falls on both and neither's memory on the other.

Export. Ours: `export(to="trl", only="parquet")`: rows by SQL, bodies by range, hashes compared, JSON read, messages
made, Parquet on a thread. Its floor, right after it at each size: the same rows as Python objects, as an exporter has
them, written by `Table.from_pylist` and the same ParquetWriter. `export_arrow_ratio` is the stricter comparison with
tables that are ready in Arrow's memory.

Ratios are floor / ours, of wall time (`…_ratio`) and of processor time (`…_cpu_ratio`: steadier on a busy machine; ours
uses more than one core, the floor one). `export_ratio` is over all three sizes. `filter_ms_1m`: the slowest of the
newest page, the first page by id and the count of a selective filter over `--metadata` rows, median of 5; the other
filters and all plans are printed. `--database`: the same on an empty PostgreSQL. `cost_exponent`: of time = a · n^b
through the three sizes, ingest and export together; 1 is linear. `peak_mb`: the largest resident memory of our
process, the pool and Python included (`idle_mb`: before the first rollout); `ingest_mb` and `export_mb` at each size.
"""

# ruff: noqa: E402, E501
import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path[:] = [folder for folder in sys.path if not (Path(folder) / "dashboard.py").exists()]
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import _store_filters
from benchmarks._store_floors import GROUP, Clock
from benchmarks._store_rollouts import make_pool, rollouts
from trajectories.exports import export
from trajectories.screening import suspects
from trajectories.store import open_store

TURN = 5_000  # rollouts


class Floors:
    """The process that writes the floors (_store_floors.py)."""

    def __init__(self, folder: Path, steps: int) -> None:
        command = [sys.executable, str(Path(__file__).with_name("_store_floors.py")), str(folder), str(steps)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer()

    def ask(self, **question: Any) -> dict[str, Clock]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Clock]:
        assert self._process.stdout is not None
        return {name: Clock(**clock) for name, clock in json.loads(self._process.stdout.readline()).items()}

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


def add(total: Clock, more: Clock) -> None:
    total.wall, total.cpu = total.wall + more.wall, total.cpu + more.cpu


def resident_mb(*, peak: bool) -> float:
    """Of this process now, or the most since `forget_peak`."""
    name = "VmHWM:" if peak else "VmRSS:"
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def exponent(sizes: list[int], seconds: list[float]) -> tuple[float, float]:
    """(a, b) of seconds = a · n^b by least squares of the logarithms."""
    xs, ys = [math.log(size) for size in sizes], [math.log(each) for each in seconds]
    slope = statistics.linear_regression(xs, ys)
    return math.exp(slope.intercept), slope.slope


def throughput(count: int, steps: int) -> dict[str, Any]:
    """Ingest and export at three sizes."""
    sizes, pool = [count // 10, count * 3 // 10, count], make_pool(steps)
    lines = [rollout.model_dump_json().encode() + b"\n" for rollout in pool]
    suspects(lines[:100])
    began = time.process_time()
    suspects(lines)
    screening_ms = (time.process_time() - began) / len(lines) * 1000
    del lines
    ours, floor, exported, objects, arrow = Clock(), Clock(), Clock(), Clock(), Clock()
    seconds, walls, ingest_mb, export_mb, done = list[float](), list[float](), list[float](), list[float](), 0
    with tempfile.TemporaryDirectory(prefix="gristmill-store-") as scratch:
        folder = Path(scratch)
        floors = Floors(folder, steps)
        idle_mb = resident_mb(peak=False)
        with open_store(folder / "warm") as store:  # as the floor's: memory and libraries are warm from here on
            store.record_many(list(rollouts(pool, 10**8, 10**8 + GROUP)))
        shutil.rmtree(folder / "warm")
        with open_store(folder / "store") as store:
            for size in sizes:
                forget_peak()
                while done < size:
                    end = min(done + TURN, size)
                    some = list(rollouts(pool, done, end))
                    with ours.running():
                        store.record_many(some)
                    add(floor, floors.ask(ingest=[done, end])["floor"])
                    done = end
                add(floor, floors.ask(sync=True)["floor"])
                del some
                ingest_mb.append(round(resident_mb(peak=True)))
                forget_peak()
                one = Clock()
                with one.running():
                    manifest = export(store, to="trl", out=folder / "out", only="parquet", test_share=0, overwrite=True)
                export_mb.append(round(resident_mb(peak=True)))
                files = [str(folder / "out" / name) for name in manifest.files if name.startswith("train")]
                below = floors.ask(export=files)
                for total, more in ((exported, one), (objects, below["objects"]), (arrow, below["arrow"])):
                    add(total, more)
                seconds.append(ours.cpu + one.cpu)
                walls.append(ours.wall + one.wall)
                print(
                    f"{size:8} rollouts: ingest {ours.wall:7.1f} s ({ours.cpu:.1f} s of processor; floor {floor.wall:.1f}, "
                    f"{floor.cpu:.1f}), export {one.wall:6.1f} s ({one.cpu:.1f}; floor {below['objects'].wall:.1f}, "
                    f"{below['objects'].cpu:.1f}); at most {ingest_mb[-1]} and {export_mb[-1]} MB",
                    flush=True,
                )
        floors.end()
        stored = sum(path.stat().st_size for path in (folder / "store").rglob("*") if path.is_file())
    scale, power = exponent(sizes, seconds)
    million, wall = scale * 1_000_000**power, exponent(sizes, walls)
    print(
        f"a million, ingest and export: {million / 60:.0f} minutes of processor time (time = {scale:.2e} · n^{power:.3f}), "
        f"{wall[0] * 1_000_000 ** wall[1] / 60:.0f} minutes here"
    )
    return {
        "rollouts": count,
        "ingest_ratio": round(floor.wall / ours.wall, 3),
        "ingest_cpu_ratio": round(floor.cpu / ours.cpu, 3),
        "ingest_per_second": round(count / ours.wall),
        "export_ratio": round(objects.wall / exported.wall, 3),
        "export_cpu_ratio": round(objects.cpu / exported.cpu, 3),
        "export_arrow_ratio": round(arrow.wall / exported.wall, 3),
        "export_per_second": round(sum(sizes) / exported.wall),
        "screening_ms": round(screening_ms, 3),
        "idle_mb": round(idle_mb),
        "peak_mb": max(ingest_mb + export_mb),
        "ingest_mb": ingest_mb,
        "export_mb": export_mb,
        "cost_exponent": round(power, 3),
        "projected_hours_1m": round(million / 3600, 2),
        "bytes_per_rollout": stored // count,
    }


def filters(url: str, blobs: str, rows: int) -> dict[str, Any]:
    """Milliseconds over `rows` rows; prints plans."""
    with open_store(url, blobs=blobs) as store:
        _store_filters.fill(store, rows)
        taken = _store_filters.measure(store)
    for name, took in taken.items():
        print(f"filter, {name}: {_store_filters.FILTERS[name]}")
        print(
            f"  {took.rows} of {rows} rows; newest page {took.newest:.1f} ms, page by id {took.page:.1f} ms, count {took.count:.1f} ms"
        )
        print("\n".join(f"    {line}" for line in took.plans), flush=True)
    return {name: round(took.slowest, 1) for name, took in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rollouts", type=int, default=100_000)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--metadata", type=int, default=1_000_000, help="rows of the filters' store; 0: leave them out")
    parser.add_argument("--database", default="", help="an empty PostgreSQL, for the filters beside SQLite")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = throughput(options.rollouts, options.steps) if options.rollouts else {}
    figures["filter_rows"] = options.metadata
    for kind in ("sqlite", "postgresql") if options.metadata else ():
        if kind == "postgresql" and not options.database:
            continue
        with tempfile.TemporaryDirectory(prefix="gristmill-filter-") as scratch:
            url = options.database if kind == "postgresql" else f"sqlite:///{scratch}/gristmill.db"
            taken = filters(url, f"{scratch}/blobs", options.metadata)
        suffix = "_postgresql" if kind == "postgresql" else ""
        figures[f"filter_ms_1m{suffix}"] = taken["selective"]
        figures[f"filters_ms{suffix}"] = taken
    figures["load"] = round(os.getloadavg()[0], 2)
    for name, value in figures.items():
        print(f"{name:20} {value}")
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
