"""The store: suites, tasks, rollouts with verdicts, exports. A rollout is written once, whole or not at all.

Metadata is in SQL (SQLite beside the blobs by default, PostgreSQL by URL), bodies are blobs by content.
A rollout's blob is durable before its rows are committed in one transaction, so a kill at any moment leaves
either the whole rollout or at most a blob that nothing points at.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Engine, delete, func, select, tuple_
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import Session, col
from tenacity import (
    retry,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)

from tasks.audit.finding import Finding
from tasks.difficulty import difficulty_of
from tasks.task import Provenance
from trajectories.atif import Trajectory
from trajectories.blobs import Blobs
from trajectories.engine import make_engine, reading
from trajectories.errors import NotInStore, StoreFault
from trajectories.filter import parse_filter
from trajectories.interval import wilson
from trajectories.redaction import redact
from trajectories.rollout import Rollout, RolloutKey
from trajectories.schema import migrate
from trajectories.tables import (
    AttemptRow,
    ExportRow,
    FindingRow,
    RolloutRow,
    StepRow,
    SuiteRow,
    TaskRow,
    VerdictRow,
)

P = ParamSpec("P")
R = TypeVar("R")

PAGE = 500


class PassRate(BaseModel):
    """Solved rollouts of those with a known outcome, with a 95 % Wilson interval; the unknown ones apart."""

    model_config = ConfigDict(frozen=True)

    suite_hash: str
    agent: str
    model: str
    family: str
    backend: str
    n: int
    solved: int
    unknown: int
    pass_rate: float
    low: float
    high: float
    mean_steps: float
    cost_usd: float


def open_store(url: str | Path, *, blobs: str | None = None) -> "Store":
    """Open, making or migrating it where needed.

    url: a folder (SQLite and blobs in it), `sqlite:///FILE`, or `postgresql+psycopg://…`.
    blobs: fsspec URL for the bodies; needed where `url` is a database.
    Raises StoreFault saying what to change.
    """
    url = str(url)
    if "://" not in url:
        folder = Path(url)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreFault(f"store {folder}: cannot be made: {error.strerror}; choose another --store") from error
        return Store(make_engine(f"sqlite:///{folder / 'gristmill.db'}"), Blobs(blobs or str(folder / "blobs")))
    if blobs is None:
        if not url.startswith("sqlite:///"):
            raise StoreFault(
                f"store {_without_password(url)}: say where the bodies go: "
                "GRISTMILL_BLOBS=FOLDER or an fsspec URL such as s3://bucket/path"
            )
        blobs = str(Path(url.removeprefix("sqlite:///")).parent / "blobs")
    return Store(make_engine(url), Blobs(blobs))


def _without_password(url: str) -> str:
    return re.sub(r"(?<=:)[^:@/]+(?=@)", "***", url)


def _is_passing(error: BaseException) -> bool:
    """Trouble that is over when tried again: a lock, a serialisation failure, a connection that was cut."""
    if not isinstance(error, OperationalError):
        return False
    text = str(error.orig).lower()
    return error.connection_invalidated or any(word in text for word in ("locked", "busy", "deadlock", "serializ"))


_persisting = retry(
    retry=retry_if_exception(_is_passing),
    stop=stop_after_delay(120),
    wait=wait_random_exponential(multiplier=0.05, max=2),
    reraise=True,
)


def _retrying(function: Callable[P, R]) -> Callable[P, R]:
    """Passing trouble is tried again; what stays is a StoreFault that says what the database said."""
    persisting = _persisting(function)

    @wraps(function)
    def guarded(*arguments: P.args, **options: P.kwargs) -> R:
        try:
            return persisting(*arguments, **options)
        except OperationalError as error:
            raise StoreFault(f"the store's database failed: {error.orig}; is it there, is its disk full?") from error

    return guarded


_meeting = retry(retry=retry_if_exception_type(IntegrityError), stop=stop_after_attempt(5), reraise=True)
"""On PostgreSQL two writers may insert the same key at once: the second looks again and finds the first one's row."""


class Store:
    """An open store; use as a context manager. Safe for many threads and processes at once."""

    def __init__(self, engine: Engine, blobs: Blobs) -> None:
        self._engine = engine
        self._reading = reading(engine)
        self._blobs = blobs
        self.secrets: Mapping[str, str] = {}
        _retrying(migrate)(engine)
        blobs.sweep()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._engine.dispose()

    @property
    def engine(self) -> Engine:
        """The database's connections, for what lies in other files of this room."""
        return self._engine

    @property
    def blobs(self) -> Blobs:
        """Where the bodies lie."""
        return self._blobs

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that may write; the caller commits. For what lies in other files of this room."""
        with Session(self._engine) as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads."""
        with Session(self._reading) as session:
            yield session

    # ------------------------------------------------------------------ writing

    def register_suite(
        self, *, hash: str, name: str, version: str, tasks: Iterable[tuple[str, str, Provenance]]
    ) -> None:
        """Make a suite and its tasks (id, family, provenance) known. Idempotent.

        Raises BadTaskFolder for a difficulty in a provenance that cannot be read.
        """
        if not self.knows_suite(hash):
            self._insert_suite(hash, name, version, list(tasks))

    @_retrying
    @_meeting
    def _insert_suite(self, hash: str, name: str, version: str, tasks: list[tuple[str, str, Provenance]]) -> None:
        with Session(self._engine) as session:
            if session.get(SuiteRow, hash):
                return
            session.add(SuiteRow(hash=hash, name=name, version=version, tasks=len(tasks)))
            session.flush()
            session.add_all(
                TaskRow(
                    suite_hash=hash,
                    id=task_id,
                    family=family,
                    repository=provenance.repository,
                    license=provenance.license,
                    provenance=provenance.model_dump(mode="json"),
                    audited_at=None,
                    **_difficulty(provenance),
                )
                for task_id, family, provenance in tasks
            )
            session.commit()

    def knows_suite(self, suite_hash: str) -> bool:
        """Whether register_suite was called for these contents."""
        with Session(self._reading) as session:
            return session.get(SuiteRow, suite_hash) is not None

    def record(self, rollout: Rollout, *, is_redacting: bool = True) -> bool:
        """Write a rollout. False if that rollout is there already; an unknown outcome is replaced by a later one.

        is_redacting: without `self.secrets` and what looks like a token or private key (redaction.py).
        """
        rollout = redact(rollout, self.secrets) if is_redacting else rollout
        body = self._blobs.put(rollout.model_dump_json().encode())
        return self._insert(rollout, body)

    @_retrying
    @_meeting
    def _insert(self, rollout: Rollout, body: str) -> bool:
        row, parts = _rows(rollout, body)
        with Session(self._engine) as session:
            before = session.get(RolloutRow, row.id, with_for_update=True)
            if before is not None:
                if not before.is_unknown:
                    return False
                row.tries = before.tries + 1
                for table in (StepRow, VerdictRow, AttemptRow):
                    session.execute(delete(table).where(col(table.rollout_id) == row.id))
                session.execute(delete(RolloutRow).where(col(RolloutRow.id) == row.id))
                session.expunge(before)
            session.add(row)
            session.flush()
            session.add_all(parts)
            session.commit()
        return True

    @_retrying
    @_meeting
    def record_audit(
        self, suite_hash: str, task_ids: Iterable[str], findings: Iterable[Finding], audited_at: datetime
    ) -> None:
        """Keep what an audit of these tasks found, in place of what earlier ones had found. Idempotent.

        Raises NotInStore for a task that is not registered, StoreFault for a finding of a task that was not audited.
        """
        audited, found = sorted(set(task_ids)), list(findings)
        if strays := {finding.task_id for finding in found}.difference(audited):
            raise StoreFault(f"findings of tasks that were not audited: {', '.join(sorted(strays))}")
        with Session(self._engine) as session:
            for start in range(0, len(audited), PAGE):
                part = audited[start : start + PAGE]
                query = select(TaskRow).where(col(TaskRow.suite_hash) == suite_hash, col(TaskRow.id).in_(part))
                # In the order of the ids, so that two audits of the same tasks wait for each other and never deadlock.
                rows = session.scalars(query.order_by(col(TaskRow.id)).with_for_update()).all()
                if unknown := set(part).difference(row.id for row in rows):
                    raise NotInStore(
                        f"suite {suite_hash!r} has no task {min(unknown)!r} in the store: register the suite first"
                    )
                for row in rows:
                    row.audited_at = audited_at
                session.execute(
                    delete(FindingRow).where(
                        col(FindingRow.suite_hash) == suite_hash, col(FindingRow.task_id).in_(part)
                    )
                )
            numbers: Counter[str] = Counter()
            for finding in found:
                session.add(
                    FindingRow(
                        suite_hash=suite_hash,
                        task_id=finding.task_id,
                        number=numbers[finding.task_id],
                        kind=finding.kind,
                        place=finding.place.replace("\0", "\\0"),  # PostgreSQL's texts hold no zero byte
                        evidence=finding.evidence.replace("\0", "\\0"),
                    )
                )
                numbers[finding.task_id] += 1
            session.commit()

    @_retrying
    def record_export(
        self, *, format: str, out: str, rows: int, created_at: datetime, manifest: dict[str, Any]
    ) -> None:
        """Keep that an export was written."""
        with Session(self._engine) as session:
            session.add(ExportRow(format=format, out=out, rows=rows, created_at=created_at, manifest=manifest))
            session.commit()

    # ------------------------------------------------------------------ reading

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
        return Rollout.model_validate_json(self._blobs.get(row.body, wanted_by=f"rollout {row.id}"))

    def trajectory(self, rollout_id: str) -> Trajectory:
        """The trajectory of a rollout. Raises NotInStore, CorruptBlob."""
        return self.load(rollout_id).trajectory

    def pass_rates(self, *, suite_hash: str | None = None) -> list[PassRate]:
        """One row for each suite, agent, model, family and backend."""
        known = col(RolloutRow.is_unknown).is_(False)
        groups = [
            col(column)
            for column in (
                RolloutRow.suite_hash,
                RolloutRow.agent,
                RolloutRow.model,
                RolloutRow.family,
                RolloutRow.backend,
            )
        ]
        query = select(
            *groups,
            func.count().filter(known),
            func.count().filter(known, col(RolloutRow.reward) >= 1.0),
            func.count().filter(~known),
            func.avg(RolloutRow.steps),
            func.sum(RolloutRow.cost_usd),
        ).group_by(*groups)
        if suite_hash is not None:
            query = query.where(col(RolloutRow.suite_hash) == suite_hash)
        rates = []
        with Session(self._reading) as session:
            for suite, agent, model, family, backend, n, solved, unknown, steps, cost in session.execute(
                query.order_by(*groups)
            ):
                low, high = wilson(solved, n)
                rates.append(
                    PassRate(
                        suite_hash=suite,
                        agent=agent,
                        model=model,
                        family=family,
                        backend=backend,
                        n=n,
                        solved=solved,
                        unknown=unknown,
                        pass_rate=solved / n if n else 0.0,
                        low=low,
                        high=high,
                        mean_steps=float(steps),
                        cost_usd=float(cost),
                    )
                )
        return rates

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


def _difficulty(provenance: Provenance) -> dict[str, int | None]:
    measured = difficulty_of(provenance)
    if measured is None:
        return {}
    return {
        "difficulty_files": measured.files,
        "difficulty_lines": measured.lines,
        "difficulty_tests": measured.tests,
        "difficulty_distance": measured.distance,
    }


def _rows(rollout: Rollout, body: str) -> tuple[RolloutRow, list[StepRow | VerdictRow | AttemptRow]]:
    """The rollout's row, and the rows that point at it."""
    key, verdict, steps = rollout.key, rollout.verdict, rollout.trajectory.steps
    row = RolloutRow(
        id=key.id,
        suite_hash=key.suite_hash,
        task_id=key.task_id,
        family=rollout.family,
        repository=str(rollout.provenance.get("repository", "")),
        license=str(rollout.provenance.get("license", "")),
        agent=key.agent,
        model=key.model,
        backend=key.backend,
        attempt=key.attempt,
        seed=rollout.seed,
        ending=rollout.ending,
        ending_detail=rollout.ending_detail[:2000],
        is_unknown=rollout.is_unknown,
        is_privileged=rollout.is_privileged,
        tries=1,
        reward=verdict.reward,
        steps=len(steps),
        prompt_tokens=rollout.prompt_tokens,
        completion_tokens=rollout.completion_tokens,
        cost_usd=rollout.cost_usd,
        invalid_tool_calls=rollout.invalid_tool_calls,
        agent_sec=rollout.agent_sec,
        verifier_sec=rollout.verifier_sec,
        total_sec=rollout.total_sec,
        started_at=datetime.fromisoformat(rollout.started_at).astimezone(UTC),
        attempts=len(rollout.attempts),
        body=body,
    )
    step_rows = [
        StepRow(
            rollout_id=key.id,
            step=step.step_id,
            source=step.source,
            tool=step.tool_calls[0].function_name if step.tool_calls else "",
            characters=len(str(step.message))
            + sum(len(str(result.content)) for result in (step.observation.results if step.observation else ())),
            prompt_tokens=(step.metrics.prompt_tokens or 0) if step.metrics else 0,
            completion_tokens=(step.metrics.completion_tokens or 0) if step.metrics else 0,
            is_error=bool((step.extra or {}).get("is_error", False)),
        )
        for step in steps
    ]
    passed = sum(check.passed for check in verdict.checks)
    verdict_row = VerdictRow(
        rollout_id=key.id,
        reward=verdict.reward,
        passed=passed,
        failed=len(verdict.checks) - passed,
        error=verdict.error,
        dropped_paths=list(verdict.dropped_paths),
    )
    attempt_rows = [
        AttemptRow(rollout_id=key.id, number=number, step=attempt.step_id, kind=attempt.kind, evidence=attempt.evidence)
        for number, attempt in enumerate(rollout.attempts)
    ]
    return row, [verdict_row, *step_rows, *attempt_rows]
