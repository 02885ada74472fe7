"""What is asked of a store. Nothing here writes."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Engine, func, select, tuple_
from sqlmodel import Session, col

from trajectories.atif import Trajectory
from trajectories.blobs import Blobs
from trajectories.engine import reading
from trajectories.errors import CorruptBlob, NotInStore
from trajectories.filter import parse_filter
from trajectories.pass_rates import PassRate, pass_rates
from trajectories.rollout import Rollout, RolloutKey
from trajectories.segments import Segments
from trajectories.tables import AttemptRow, ExportRow, FindingRow, RolloutRow, SuiteRow, TaskRow

PAGE = 500


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

    def knows_suite(self, suite_hash: str) -> bool:
        """Whether register_suite was called for these contents."""
        with Session(self._reading) as session:
            return session.get(SuiteRow, suite_hash) is not None

    def finished(self, keys: Iterable[RolloutKey]) -> set[str]:
        """Ids of those rollouts that need not run again. Unknown outcomes are not finished."""
        ids = [key.id for key in keys]
        found: set[str] = set()
        with Session(self._reading) as session:
            for start in range(0, len(ids), PAGE):
                part = ids[start : start + PAGE]
                query = select(col(RolloutRow.id)).where(
                    col(RolloutRow.id).in_(part), col(RolloutRow.is_unknown).is_(False)
                )
                found.update(session.scalars(query))
        return found

    def rollouts(self, where: str = "", *, limit: int | None = None) -> Iterator[RolloutRow]:
        """Rows that the filter accepts, by id, streamed in pages. Raises BadFilter."""
        accepted, last, left = parse_filter(where), "", limit
        while left is None or left > 0:
            with Session(self._reading) as session:
                query = select(RolloutRow).where(accepted, col(RolloutRow.id) > last).order_by(col(RolloutRow.id))
                rows = session.scalars(query.limit(min(PAGE, left) if left is not None else PAGE)).all()
            yield from rows
            if len(rows) < PAGE:
                return
            last = rows[-1].id
            left = None if left is None else left - len(rows)

    def rollouts_by_task(self, where: str = "") -> Iterator[list[RolloutRow]]:
        """The same rows, those of one task together, by suite and task. Raises BadFilter."""
        accepted = parse_filter(where)
        order = (col(RolloutRow.suite_hash), col(RolloutRow.task_id), col(RolloutRow.id))
        last, of_task = ("", "", ""), list[RolloutRow]()
        while True:
            with Session(self._reading) as session:
                query = select(RolloutRow).where(accepted, tuple_(*order) > last).order_by(*order).limit(PAGE)
                rows = session.scalars(query).all()
            for row in rows:
                if of_task and (row.suite_hash, row.task_id) != (of_task[0].suite_hash, of_task[0].task_id):
                    yield of_task
                    of_task = []
                of_task.append(row)
            if len(rows) < PAGE:
                break
            last = (rows[-1].suite_hash, rows[-1].task_id, rows[-1].id)
        if of_task:
            yield of_task

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
        return Rollout.model_validate_json(self.body_text(row))

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
