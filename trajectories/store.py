"""The store: suites, tasks, rollouts with verdicts, exports. A rollout is written once, whole or not at all.

Metadata is in SQL (SQLite beside the bodies by default, PostgreSQL by URL), bodies in segments (segments.py).
A rollout's body is durable before its rows are committed in one transaction, so a kill at any moment leaves
either the whole rollout or at most bytes that nothing points at.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine
from sqlmodel import Session

from tasks.audit.finding import Finding
from tasks.task import Provenance
from trajectories import recording
from trajectories.blobs import Blobs
from trajectories.engine import make_engine
from trajectories.errors import StoreFault
from trajectories.packing import Line, Packed, Packing, batched, behind, pack_all
from trajectories.pass_rates import PassRate
from trajectories.reading import PAGE, StoreReader
from trajectories.retrying import retrying
from trajectories.rollout import Rollout
from trajectories.schema import migrate
from trajectories.segments import Segments
from trajectories.uncollected import uncollected

__all__ = ["PAGE", "PassRate", "Store", "open_store"]

BATCH = 400
"""Rollouts that `record_many` writes in one transaction, with one fsync of their bodies."""

BATCH_BYTES = 16 << 20
"""Of their texts, about: a batch of long rollouts is smaller."""


def open_store(url: str | Path, *, blobs: str | None = None, patience_sec: float = 0.0) -> "Store":
    """Open, making or migrating it where needed.

    url: a folder (SQLite and bodies in it), `sqlite:///FILE`, or `postgresql+psycopg://…`.
    blobs: fsspec URL for the bodies; needed where `url` is a database.
    patience_sec: how long a database server that is away is waited for (retrying.py).
    Raises StoreFault saying what to change.
    """
    url = str(url)
    if "://" not in url:
        folder = Path(url)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreFault(f"store {folder}: cannot be made: {error.strerror}; choose another --store") from error
        return Store(make_engine(f"sqlite:///{folder / 'gristmill.db'}"), blobs or str(folder / "blobs"))
    if blobs is None:
        if not url.startswith("sqlite:///"):
            raise StoreFault(
                f"store {_without_password(url)}: say where the bodies go: "
                "GRISTMILL_BLOBS=FOLDER or an fsspec URL such as s3://bucket/path"
            )
        blobs = str(Path(url.removeprefix("sqlite:///")).parent / "blobs")
    return Store(make_engine(url, patience_sec=patience_sec), blobs)


def _without_password(url: str) -> str:
    return re.sub(r"(?<=:)[^:@/]+(?=@)", "***", url)


class Store(StoreReader):
    """An open store; use as a context manager. Safe for many threads and processes at once."""

    def __init__(self, engine: Engine, bodies: str) -> None:
        """bodies: a folder, or an fsspec URL."""
        super().__init__(engine, Blobs(bodies), Segments(bodies))
        self._engine = engine
        self.secrets: Mapping[str, str] = {}
        retrying(migrate)(engine)
        self.blobs.sweep()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.segments.close()
        self._engine.dispose()

    @property
    def engine(self) -> Engine:
        """The database's connections, for what lies in other files of this room."""
        return self._engine

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that may write; the caller commits. For what lies in other files of this room."""
        with Session(self._engine) as session:
            yield session

    def register_suite(
        self, *, hash: str, name: str, version: str, tasks: Iterable[tuple[str, str, Provenance]]
    ) -> None:
        """Make a suite and its tasks (id, family, provenance) known. Idempotent.

        Raises BadTaskFolder for a difficulty in a provenance that cannot be read.
        """
        if not self.knows_suite(hash):
            recording.insert_suite(self._engine, hash, name, version, list(tasks))

    def record(self, rollout: Rollout, *, is_redacting: bool = True) -> bool:
        """Write a rollout. False if that rollout is there already; an unknown outcome is replaced by a later one.

        is_redacting: without `self.secrets` and what looks like a token or private key (redaction.py).
        """
        return self.record_batch([rollout], is_redacting=is_redacting)[0]

    def record_many(self, rollouts: Iterable[Rollout], *, is_redacting: bool = True) -> int:
        """Write rollouts as they come, `BATCH` of them a transaction; how many were written (see `record`).

        A kill leaves whole batches: giving them all again writes what is missing. Three batches of at most
        `BATCH_BYTES` (or one rollout) are in memory: one is made, one packed, one written.
        """
        with ThreadPoolExecutor(2, "packing") as beside:
            packings = (self._packing(batch, is_redacting, beside) for batch in batched(rollouts, BATCH, BATCH_BYTES))
            return sum(behind(self._written, packings, 1))

    def _written(self, packing: Packing | None) -> int:
        return sum(self._write(packing.result())) if packing else 0

    def _packing(self, batch: Sequence[Line], is_redacting: bool, beside: ThreadPoolExecutor) -> Packing | None:
        """Of those that are not there; None where all are."""
        finished = self.finished(line.rollout.key for line in batch)
        news = [line for line in batch if line.rollout.key.id not in finished]
        return Packing(news, self.secrets if is_redacting else None, beside) if news else None

    def record_batch(self, rollouts: Sequence[Rollout], *, is_redacting: bool = True) -> list[bool]:
        """Write rollouts in one transaction, all or none: whether each was written (see `record`)."""
        finished = self.finished(rollout.key for rollout in rollouts)
        written = [rollout.key.id not in finished for rollout in rollouts]
        news = [rollout for rollout, is_new in zip(rollouts, written, strict=True) if is_new]
        if not news:
            return written
        inserted = iter(self._write(pack_all(news, self.secrets if is_redacting else None)))
        return [is_new and next(inserted) for is_new in written]

    def _write(self, packed: Sequence[Packed]) -> list[bool]:
        with uncollected(), self.segments.appended([each.frame for each in packed]) as places:
            return recording.insert_rollouts(
                self._engine, [each.rows for each in packed], [each.name for each in packed], places
            )

    def record_audit(
        self, suite_hash: str, task_ids: Iterable[str], findings: Iterable[Finding], audited_at: datetime
    ) -> None:
        """Keep what an audit of these tasks found, in place of what earlier ones had found. Idempotent.

        Raises NotInStore for a task that is not registered, StoreFault for a finding of a task that was not audited.
        """
        recording.insert_audit(self._engine, suite_hash, list(task_ids), list(findings), audited_at)

    def record_export(
        self, *, format: str, out: str, rows: int, created_at: datetime, manifest: dict[str, Any]
    ) -> None:
        """Keep that an export was written."""
        values = {"format": format, "out": out, "rows": rows, "created_at": created_at, "manifest": manifest}
        recording.insert_export(self._engine, values)
