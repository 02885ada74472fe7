"""Marks: what people say of tasks and rollouts, by whom and when. What is undone stays, withdrawn.

A task is marked `bad` (with a reason) or `fine`, a rollout is given a label (`good`, `bad` or a word of the team's
own), and either may have notes. The newest mark that was not withdrawn holds; withdrawing it brings the one before
back. Exports leave out what is marked bad, `--where` has `task_mark` and `label`, recipes the selector `reviewed`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select, update
from sqlmodel import col

from trajectories.errors import BadMark, NotInStore
from trajectories.filter import parse_filter
from trajectories.store import PAGE, Store
from trajectories.tables import MarkRow, RolloutRow, TaskRow

Kind = Literal["task", "label", "note"]

TASK_MARKS = ("bad", "fine")
LABEL = re.compile(r"[a-z0-9][a-z0-9 _.-]{0,39}")
MOST_NOTE = 4_000  # characters


class Mark(BaseModel):
    """One mark. `rollout_id` is None for what is said of the task itself."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: int
    suite_hash: str
    task_id: str
    rollout_id: str | None
    kind: Kind
    value: str
    note: str
    who: str
    made_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None

    @property
    def is_withdrawn(self) -> bool:
        return self.withdrawn_at is not None


class Marked(BaseModel):
    """How much is marked now; withdrawn marks do not count."""

    model_config = ConfigDict(frozen=True)

    bad_tasks: int
    labels: dict[str, int] = Field(description="label -> rollouts")


def mark_task(store: Store, suite_hash: str, task_id: str, *, value: str, reason: str, who: str) -> Mark:
    """`bad` needs a reason. Raises BadMark, and NotInStore for a task that is neither registered nor rolled out."""
    if value not in TASK_MARKS:
        raise BadMark(f"mark {value!r}: a task is {' or '.join(TASK_MARKS)}")
    if value == "bad" and not reason.strip():
        raise BadMark("a task is marked bad with a reason: say what is wrong with it")
    with store.reading() as session:
        rolled_out = select(col(RolloutRow.id)).where(
            col(RolloutRow.suite_hash) == suite_hash, col(RolloutRow.task_id) == task_id
        )
        if session.get(TaskRow, (suite_hash, task_id)) is None and session.scalar(rolled_out.limit(1)) is None:
            raise NotInStore(f"suite {suite_hash!r} has no task {task_id!r} in the store")
    return _add(store, suite_hash, task_id, None, kind="task", value=value, note=reason, who=who)


def label_rollout(store: Store, rollout_id: str, *, label: str, note: str = "", who: str) -> Mark:
    """A label of small letters, digits, spaces, `_`, `.`, `-`. Raises BadMark, NotInStore."""
    label = label.strip().lower()
    if not LABEL.fullmatch(label):
        raise BadMark(f"label {label!r}: use up to 40 letters, digits, spaces, '_', '.' and '-', e.g. good or bad")
    suite_hash, task_id = _task_of(store, rollout_id)
    return _add(store, suite_hash, task_id, rollout_id, kind="label", value=label, note=note, who=who)


def note_rollout(store: Store, rollout_id: str, *, note: str, who: str) -> Mark:
    """Raises BadMark for an empty note, NotInStore."""
    if not note.strip():
        raise BadMark("the note is empty")
    suite_hash, task_id = _task_of(store, rollout_id)
    return _add(store, suite_hash, task_id, rollout_id, kind="note", value="", note=note, who=who)


def withdraw(store: Store, mark_id: int, *, who: str) -> Mark:
    """Undo a mark; the one before it holds again. One that is withdrawn already stays as it is. Raises NotInStore."""
    with store.writing() as session:
        session.execute(
            update(MarkRow)
            .where(col(MarkRow.id) == mark_id, col(MarkRow.withdrawn_at).is_(None))
            .values(withdrawn_by=_name(who), withdrawn_at=datetime.now(UTC))
        )
        session.commit()
        row = session.get(MarkRow, mark_id)
        if row is None:
            raise NotInStore(f"no mark {mark_id} in the store")
        return _mark(row)


def marks_of(store: Store, suite_hash: str, task_id: str, rollout_id: str | None = None) -> list[Mark]:
    """All marks of a task itself, and those of one of its rollouts, the newest first; withdrawn ones too."""
    query = select(MarkRow).where(col(MarkRow.suite_hash) == suite_hash, col(MarkRow.task_id) == task_id)
    of_task = col(MarkRow.rollout_id).is_(None)
    query = query.where(of_task if rollout_id is None else of_task | (col(MarkRow.rollout_id) == rollout_id))
    with store.reading() as session:
        return [_mark(row) for row in session.scalars(query.order_by(col(MarkRow.id).desc()))]


def standing(marks: Sequence[Mark], kind: Literal["task", "label"]) -> Mark | None:
    """The one that holds, of marks in the order of `marks_of`."""
    return next((mark for mark in marks if mark.kind == kind and not mark.is_withdrawn), None)


def recent_marks(store: Store, *, before: int | None = None, limit: int = 50) -> list[Mark]:
    """The history, the newest first; `before`: only marks with smaller ids, for the next page."""
    query = select(MarkRow).order_by(col(MarkRow.id).desc()).limit(limit)
    if before is not None:
        query = query.where(col(MarkRow.id) < before)
    with store.reading() as session:
        return [_mark(row) for row in session.scalars(query)]


def labels_of(store: Store, rollout_ids: Iterable[str]) -> dict[str, str]:
    """Rollout id -> its label, for those that have one."""
    ids, found = list(rollout_ids), dict[str, str]()
    with store.reading() as session:
        for start in range(0, len(ids), PAGE):
            query = (
                select(col(MarkRow.rollout_id), col(MarkRow.value))
                .where(
                    col(MarkRow.rollout_id).in_(ids[start : start + PAGE]),
                    col(MarkRow.kind) == "label",
                    col(MarkRow.withdrawn_at).is_(None),
                )
                .order_by(col(MarkRow.id))  # later ones take the place of earlier ones
            )
            found.update({str(rollout_id): value for rollout_id, value in session.execute(query)})
    return found


def task_marks(store: Store) -> Mapping[tuple[str, str], str]:
    """(suite hash, task id) -> its mark, for the tasks that have one."""
    query = (
        select(col(MarkRow.suite_hash), col(MarkRow.task_id), col(MarkRow.value))
        .where(col(MarkRow.kind) == "task", col(MarkRow.withdrawn_at).is_(None))
        .order_by(col(MarkRow.id))
    )
    with store.reading() as session:
        return {(suite, task): value for suite, task, value in session.execute(query)}


def count_marks(store: Store) -> Marked:
    """Raises nothing; of an empty store all is 0."""
    newest = (
        select(func.max(MarkRow.id))
        .where(col(MarkRow.kind) == "label", col(MarkRow.withdrawn_at).is_(None))
        .group_by(col(MarkRow.rollout_id))
    )
    query = select(col(MarkRow.value), func.count()).where(col(MarkRow.id).in_(newest)).group_by(col(MarkRow.value))
    with store.reading() as session:
        labels = {str(value): int(count) for value, count in session.execute(query)}
    bad = sum(value == "bad" for value in task_marks(store).values())
    return Marked(bad_tasks=bad, labels=dict(sorted(labels.items())))


def unlabelled(store: Store, where: str = "", *, after: str = "", limit: int = 20) -> list[RolloutRow]:
    """Rollouts that nobody labelled, by id, from behind `after`: what a reviewer looks at next. Raises BadFilter."""
    expression = f"({where}) and label = ''" if where.strip() else "label = ''"
    query = select(RolloutRow).where(parse_filter(expression), col(RolloutRow.id) > after)
    with store.reading() as session:
        return list(session.scalars(query.order_by(col(RolloutRow.id)).limit(limit)))


def _task_of(store: Store, rollout_id: str) -> tuple[str, str]:
    with store.reading() as session:
        row = session.get(RolloutRow, rollout_id)
    if row is None:
        raise NotInStore(f"no rollout {rollout_id!r} in the store; `gristmill show rollouts` lists them")
    return row.suite_hash, row.task_id


def _add(
    store: Store, suite_hash: str, task_id: str, rollout_id: str | None, *, kind: Kind, value: str, note: str, who: str
) -> Mark:
    note = note.strip().replace("\0", "")  # PostgreSQL's texts hold no zero byte
    if len(note) > MOST_NOTE:
        raise BadMark(f"the note has {len(note)} characters; {MOST_NOTE} at most")
    row = MarkRow(
        suite_hash=suite_hash,
        task_id=task_id,
        rollout_id=rollout_id,
        kind=kind,
        value=value,
        note=note,
        who=_name(who),
        made_at=datetime.now(UTC),
    )
    with store.writing() as session:
        session.add(row)
        session.commit()
        session.refresh(row)
        return _mark(row)


def _name(who: str) -> str:
    return who.replace("\0", "").strip()[:100] or "local"


def _mark(row: MarkRow) -> Mark:
    mark = Mark.model_validate(row)
    # SQLite gives the times back without their zone.
    times = {
        name: moment.replace(tzinfo=UTC)
        for name in ("made_at", "withdrawn_at")
        if (moment := getattr(mark, name)) is not None and moment.tzinfo is None
    }
    return mark.model_copy(update=times)
