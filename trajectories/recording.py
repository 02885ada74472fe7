"""Writing the store's rows: each function is one transaction, tried again where trouble passes (retrying.py)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, bindparam, delete, insert, select
from sqlmodel import Session, col

from tasks.audit.finding import Finding
from tasks.difficulty import difficulty_of
from tasks.task import Provenance
from trajectories.errors import NotInStore, StoreFault
from trajectories.inserting import insert_many
from trajectories.retrying import meeting, retrying
from trajectories.rows import Rows, Values
from trajectories.segments import Place
from trajectories.tables import (
    AttemptRow,
    ExportRow,
    FindingRow,
    RolloutRow,
    StepsRow,
    SuiteRow,
    TaskRow,
    VerdictRow,
)

PAGE = 500

# In the order of the ids, so that two writers of the same rollouts wait for each other and never deadlock. Made once:
# to put a statement together takes three times as long as to run it.
_THERE = (
    select(col(RolloutRow.id), col(RolloutRow.is_unknown), col(RolloutRow.tries))
    .where(col(RolloutRow.id).in_(bindparam("ids", expanding=True)))
    .order_by(col(RolloutRow.id))
    .with_for_update()
)

PARTS: tuple[Any, ...] = (StepsRow, VerdictRow, AttemptRow)
"""The tables whose rows point at a rollout and are derived from its body."""


@retrying
@meeting
def insert_rollouts(engine: Engine, made: Sequence[Rows], bodies: Sequence[str], places: Sequence[Place]) -> list[bool]:
    """Whether each was written: not where a known outcome is there. An unknown one is replaced, which counts its tries.

    made: the rows of each rollout. bodies: the names of the bodies. places: where they lie, durably.
    """
    ids = sorted({rows.rollout["id"] for rows in made})
    with Session(engine) as session:
        connection = session.connection()
        there = {
            rollout_id: (is_unknown, tries)
            for start in range(0, len(ids), PAGE)
            for rollout_id, is_unknown, tries in connection.execute(_THERE, {"ids": ids[start : start + PAGE]})
        }
        replaced, news, written = set[str](), dict[str, Rows](), list[bool]()
        for rows, body, place in zip(made, bodies, places, strict=True):
            values = rows.rollout
            is_unknown, tries = there.get(values["id"], (True, 0))
            written.append(is_unknown)
            if not is_unknown:
                continue
            if tries and values["id"] not in news:
                replaced.add(values["id"])
            values |= {"tries": tries + 1, "body": body}
            values |= {"body_segment": place.segment, "body_start": place.start, "body_length": place.length}
            there[values["id"]] = (values["is_unknown"], tries + 1)
            news[values["id"]] = rows
        if replaced:
            remove_rollouts(session, sorted(replaced))
        if news:
            insert_rows(session, [news[each] for each in sorted(news)])
        session.commit()
    return written


def insert_rows(session: Session, rows: Sequence[Rows], *, with_rollouts: bool = True) -> None:
    """Many rows a statement."""
    parts: tuple[tuple[Any, list[Values]], ...] = (
        (RolloutRow, [each.rollout for each in rows] if with_rollouts else []),
        (VerdictRow, [each.verdict for each in rows]),
        (StepsRow, [each.steps for each in rows]),
        (AttemptRow, [attempt for each in rows for attempt in each.attempts]),
    )
    for table, values in parts:
        insert_many(session.connection(), table.__table__, values)


def remove_rollouts(session: Session, ids: Sequence[str], *, only_parts: bool = False) -> None:
    """At most PAGE of them, with all that points at them."""
    for table in PARTS:
        session.execute(delete(table).where(col(table.rollout_id).in_(ids)))
    if not only_parts:
        session.execute(delete(RolloutRow).where(col(RolloutRow.id).in_(ids)))


@retrying
@meeting
def insert_suite(engine: Engine, hash: str, name: str, version: str, tasks: list[tuple[str, str, Provenance]]) -> None:
    with Session(engine) as session:
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


@retrying
@meeting
def insert_audit(
    engine: Engine, suite_hash: str, task_ids: Iterable[str], findings: Iterable[Finding], audited_at: datetime
) -> None:
    """Keep what an audit of these tasks found, in place of what earlier ones had found. Idempotent.

    Raises NotInStore for a task that is not registered, StoreFault for a finding of a task that was not audited.
    """
    audited, found = sorted(set(task_ids)), list(findings)
    if strays := {finding.task_id for finding in found}.difference(audited):
        raise StoreFault(f"findings of tasks that were not audited: {', '.join(sorted(strays))}")
    with Session(engine) as session:
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
                delete(FindingRow).where(col(FindingRow.suite_hash) == suite_hash, col(FindingRow.task_id).in_(part))
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


@retrying
def insert_export(engine: Engine, values: dict[str, Any]) -> None:
    with engine.begin() as connection:
        connection.execute(insert(ExportRow.__table__), values)  # type: ignore[attr-defined]


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
