"""What is asked of a store. Nothing here writes."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby, islice
from tempfile import SpooledTemporaryFile

from sqlalchemy import Engine, Select, bindparam, func, select
from sqlmodel import Session, col

from trajectories.atif import Trajectory
from trajectories.blobs import Blobs
from trajectories.engine import reading
from trajectories.errors import CorruptBlob, NotInStore
from trajectories.filter import parse_filter
from trajectories.pass_rates import PassRate, pass_rates
from trajectories.patience import TookTooLong, patient
from trajectories.retrying import retrying
from trajectories.rollout import Rollout, RolloutKey
from trajectories.segments import Segments
from trajectories.tables import AttemptRow, ExportRow, FindingRow, RolloutRow, SuiteRow, TaskRow
from trajectories.uncollected import uncollected
from trajectories.unindexed import unindexed

PAGE = 500
PATIENCE_SEC = 0.03
# Made once: to put a statement together takes three times as long as to run it, and each rollout asks.
_FINISHED = select(col(RolloutRow.id)).where(
    col(RolloutRow.id).in_(bindparam("ids", expanding=True)), col(RolloutRow.is_unknown).is_(False)
)


class StoreReader:
    """Rows by SQL, whole rollouts from segments (those of earlier versions from blobs)."""

    def __init__(self, engine: Engine, blobs: Blobs, segments: Segments) -> None:
        self._reading = reading(engine)
        self.blobs = blobs
        self.segments = segments

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads."""
        with Session(self._reading) as session:
            yield session

    @retrying
    def knows_suite(self, suite_hash: str) -> bool:
        """Whether register_suite was called for these contents."""
        with Session(self._reading) as session:
            return session.get(SuiteRow, suite_hash) is not None

    def finished(self, keys: Iterable[RolloutKey]) -> set[str]:
        """Ids of those rollouts that need not run again. Unknown outcomes are not finished."""
        return self._finished([key.id for key in keys])

    @retrying
    def _finished(self, ids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        with self._reading.connect() as connection:
            for start in range(0, len(ids), PAGE):
                found.update(connection.scalars(_FINISHED, {"ids": ids[start : start + PAGE]}))
        return found

    def rollouts(self, where: str = "", *, limit: int | None = None) -> Iterator[RolloutRow]:
        """Rows that the filter accepts, by id, those of one moment, streamed in pages. Raises BadFilter."""
        accepted, anyhow = parse_filter(where), parse_filter(where, by_index=False)
        chosen, in_order = select(col(RolloutRow.id)).limit(limit), col(RolloutRow.id)
        by_id = chosen.where(anyhow).order_by(in_order)
        # In the order of the ids a million rows lie scattered: finding what fits and sorting that is quicker.
        sorted_ids = chosen.where(accepted).order_by(unindexed(in_order) if where.strip() else in_order)
        return self._first(by_id, sorted_ids, limit)

    def _first(self, by_id: Select[str], chosen: Select[str], limit: int | None) -> Iterator[RolloutRow]:
        """A few are looked for in their order for a moment, which finds what is not rare whatever the index."""
        if limit is not None and limit <= PAGE:
            with Session(self._reading) as session, suppress(TookTooLong):
                with patient(session, PATIENCE_SEC):
                    ids = list(session.scalars(by_id))
                yield from self._page(ids)
                return
        yield from self._rows(chosen)

    def rollouts_by_task(self, where: str = "") -> Iterator[list[RolloutRow]]:
        """The same rows, those of one task together, by suite and task. Raises BadFilter."""
        order = (col(RolloutRow.suite_hash), col(RolloutRow.task_id), col(RolloutRow.id))
        rows = self._rows(select(order[2]).where(parse_filter(where)).order_by(*order))
        return (list(of_task) for _, of_task in groupby(rows, key=lambda row: (row.suite_hash, row.task_id)))

    def _rows(self, chosen: Select[str]) -> Iterator[RolloutRow]:
        """The rows of those ids, in their order; 17 bytes a row on disk, a page in memory.

        The ids are asked for once. A query a page, each beginning after the last one's end, is answered from the
        index that suits the filter and sorted anew each time: a million rows would be sorted two thousand times.
        """
        with SpooledTemporaryFile(1 << 20) as spool:
            with Session(self._reading) as session:
                found = session.execute(chosen, execution_options={"yield_per": 100 * PAGE})
                for ids in found.scalars().partitions():
                    spool.writelines(f"{each}\n".encode() for each in ids)
            spool.seek(0)
            while page := [line.decode().rstrip("\n") for line in islice(spool, PAGE)]:
                yield from self._page(page)

    def _page(self, ids: Sequence[str]) -> Iterator[RolloutRow]:
        """Those rows, in this order; not those that were removed meanwhile."""
        query = select(RolloutRow).where(col(RolloutRow.id).in_(ids))
        with Session(self._reading) as session, uncollected():
            by_id = {row.id: row for row in session.scalars(query)}
        return (by_id[each] for each in ids if each in by_id)

    def repositories(self, where: str = "") -> list[str]:
        """Names of the repositories of the rollouts that the filter accepts, sorted. Raises BadFilter."""
        query = select(col(RolloutRow.repository)).where(parse_filter(where)).distinct()
        with Session(self._reading) as session:
            return sorted(session.scalars(query))

    def task_pass_rate(self, suite_hash: str, task_id: str) -> float:
        """Solved rollouts of all with a known outcome, by agents that were not given the reference; 0.0 of none."""
        known = (
            col(RolloutRow.suite_hash) == suite_hash,
            col(RolloutRow.task_id) == task_id,
            col(RolloutRow.is_unknown).is_(False),
            col(RolloutRow.is_privileged).is_(False),
        )
        query = select(func.count(), func.count().filter(col(RolloutRow.reward) >= 1.0)).where(*known)
        with Session(self._reading) as session:
            n, solved = session.execute(query).one()
        return solved / n if n else 0.0

    def count(self, where: str = "") -> int:
        """How many rollouts the filter accepts. Raises BadFilter."""
        query = select(func.count()).select_from(RolloutRow).where(parse_filter(where))
        with Session(self._reading) as session:
            return session.scalar(query) or 0

    def load(self, rollout_id: str) -> Rollout:
        """A whole rollout. Raises NotInStore, CorruptBlob."""
        with Session(self._reading) as session:
            row = session.get(RolloutRow, rollout_id)
        if row is None:
            raise NotInStore(f"no rollout {rollout_id!r} in the store; `gristmill show rollouts` lists them")
        return self.body(row)

    def body(self, row: RolloutRow) -> Rollout:
        """The whole rollout of a row. Raises CorruptBlob."""
        text = self.body_text(row)
        with uncollected():
            return Rollout.model_validate_json(text)

    def body_text(self, row: RolloutRow) -> bytes:
        """The same as JSON, as it was written. Raises CorruptBlob."""
        try:
            return self._text_at(row)
        except CorruptBlob:
            with Session(self._reading) as session:
                now = session.get(RolloutRow, row.id)
            if now is None or (now.body, now.place) == (row.body, row.place):
                raise
            return self._text_at(now)  # moved by compaction since the row was read

    def _text_at(self, row: RolloutRow) -> bytes:
        wanted_by = f"rollout {row.id}"
        if not row.body_segment:
            return self.blobs.get(row.body, wanted_by=wanted_by)
        return self.segments.get(row.place, row.body, wanted_by=wanted_by)

    def trajectory(self, rollout_id: str) -> Trajectory:
        """The trajectory of a rollout. Raises NotInStore, CorruptBlob."""
        return self.load(rollout_id).trajectory

    def pass_rates(self, *, suite_hash: str | None = None) -> list[PassRate]:
        """One row for each suite, agent, model, family and backend."""
        with Session(self._reading) as session:
            return pass_rates(session, suite_hash)

    def suites(self) -> Sequence[SuiteRow]:
        with Session(self._reading) as session:
            return session.scalars(select(SuiteRow).order_by(col(SuiteRow.name), col(SuiteRow.hash))).all()

    def tasks(self, *, suite_hash: str | None = None, limit: int | None = None) -> Sequence[TaskRow]:
        query = select(TaskRow).order_by(col(TaskRow.suite_hash), col(TaskRow.id)).limit(limit)
        if suite_hash is not None:
            query = query.where(col(TaskRow.suite_hash) == suite_hash)
        with Session(self._reading) as session:
            return session.scalars(query).all()

    def findings(self, suite_hash: str | None = None, limit: int | None = None) -> Sequence[FindingRow]:
        """What the last audits found, by suite and task."""
        order = (col(FindingRow.suite_hash), col(FindingRow.task_id), col(FindingRow.number))
        query = select(FindingRow).order_by(*order).limit(limit)
        if suite_hash is not None:
            query = query.where(col(FindingRow.suite_hash) == suite_hash)
        with Session(self._reading) as session:
            return session.scalars(query).all()

    def finding_counts(self) -> dict[tuple[str, str], int]:
        """(suite hash, task id) -> number of findings, for the tasks that have any."""
        key = (col(FindingRow.suite_hash), col(FindingRow.task_id))
        with Session(self._reading) as session:
            rows = session.execute(select(*key, func.count()).group_by(*key))
            return {(suite, task): count for suite, task, count in rows}

    def attempts(self, rollout_id: str) -> Sequence[AttemptRow]:
        """Tries to cheat of a rollout, in order; empty if there are none, or no such rollout."""
        query = select(AttemptRow).where(col(AttemptRow.rollout_id) == rollout_id).order_by(col(AttemptRow.number))
        with Session(self._reading) as session:
            return session.scalars(query).all()

    def exports(self) -> Sequence[ExportRow]:
        with Session(self._reading) as session:
            return session.scalars(select(ExportRow).order_by(col(ExportRow.id))).all()
