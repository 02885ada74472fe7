"""Pages of rows, as the dashboard lists them. Fast at a million rollouts.

Pages are read by key, never by offset: the next one starts after the last row of this one, wherever rows were added
meanwhile. Each question answers from an index, or stops after LOOK_SEC and says where it stopped.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, and_, func, or_, select, text, tuple_
from sqlmodel import Session, col

from trajectories.counting import Rate, as_rate, rate_columns
from trajectories.errors import BadFilter
from trajectories.filter import parse_filter
from trajectories.patience import TookTooLong, patient
from trajectories.store import Store
from trajectories.tables import FindingRow, RolloutRow, TaskRow

WINDOW = 250
"""Rows that are looked through at once where the filter fits no index. By a task's pass rate each takes 0.15 ms."""

FIRST_WINDOWS = 4
"""Before the database is asked."""

LOOK_SEC = 0.04
"""A page looks through windows until it is full or they have taken this time in all: one window at the least."""

PATIENCE_SEC = 0.03
"""How long the database may look for itself before the page falls back to windows."""

_by_key = tuple_(col(RolloutRow.started_at), col(RolloutRow.id))
_NEWEST_FIRST = (col(RolloutRow.started_at).desc(), col(RolloutRow.id).desc())


class RolloutPage(BaseModel):
    """Rows, newest first. `after`: the key with which the next page starts; None: there is none.

    `looked_through`: the filter fitted no index, and so many rows were looked at; None: all that fit are in order.
    """

    rows: list[RolloutRow]
    after: str | None
    looked_through: int | None = None


class TaskPage(BaseModel):
    """Tasks by suite and id, with their rates over honest, unprivileged rollouts and the number of findings."""

    rows: list[TaskRow]
    rates: list[Rate]
    findings: list[int]
    after: str | None


# ---------------------------------------------------------------- rollouts


def rollout_page(store: Store, where: str = "", *, after: str = "", limit: int = 50) -> RolloutPage:
    """The next `limit` rollouts that the filter accepts. Raises BadFilter, for an `after` too.

    Three ways, each ended where it would take long: the newest rows are looked through, which finds a page of whatever
    is not rare; the database answers as it likes, which finds what is rare and on an index; more rows are looked
    through, and the page says how many.
    """
    accepted, by_time = parse_filter(where), parse_filter(where, by_index=False)
    start: ColumnElement[bool] = _by_key < _split_key(after) if after else text("1 = 1")  # type: ignore[assignment]
    with store.reading() as session:
        looked = _Looked(session, by_time, start, limit)
        if not where.strip() or not looked.enough(FIRST_WINDOWS):
            query = select(RolloutRow).where(accepted, start).order_by(*_NEWEST_FIRST).limit(limit + 1)
            try:
                with patient(session, PATIENCE_SEC):
                    rows = list(session.scalars(query))
            except TookTooLong:
                session.expunge_all()  # else the rows that were found are forgotten with the transaction
                session.rollback()
                return looked.on()
            return _page(rows, limit)
    return _page(looked.found, limit)


def _page(rows: list[RolloutRow], limit: int) -> RolloutPage:
    return RolloutPage(rows=rows[:limit], after=_key(rows[limit - 1]) if len(rows) > limit else None)


class _Looked:
    """What fits of the rows from a key on, a window at a time, whatever the filter is."""

    def __init__(self, session: Session, accepted: ColumnElement[bool], start: ColumnElement[bool], limit: int) -> None:
        self._session, self._accepted, self._start, self._limit = session, accepted, start, limit
        self.found: list[RolloutRow] = []
        self._looked = 0
        self._taken_sec = 0.0
        self._last: str | None = None  # key of the last row looked at

    def enough(self, windows: int | None = None) -> bool:
        """Look through windows as long as there is time, so many at most: whether that was enough, or all."""
        while not self._looked or self._taken_sec < LOOK_SEC:
            began = time.monotonic()
            is_enough = self.window()
            self._taken_sec += time.monotonic() - began
            windows = None if windows is None else windows - 1
            if is_enough or windows == 0:
                return is_enough
        return False

    def window(self) -> bool:
        """Look through the next window: whether that was enough, or all."""
        keys = select(col(RolloutRow.started_at), col(RolloutRow.id)).where(self._start)
        window = keys.order_by(*_NEWEST_FIRST).limit(WINDOW).subquery()
        oldest = (window.c.started_at.asc(), window.c.id.asc())
        query = select(window.c.started_at, window.c.id, func.count().over()).order_by(*oldest)
        if (last := self._session.execute(query).first()) is None:
            self._last = None
            return True
        moment, rollout, count = last
        fitting = select(RolloutRow).where(self._start, _by_key >= (moment, rollout), self._accepted)
        wanted = self._limit + 1 - len(self.found)
        self.found += self._session.scalars(fitting.order_by(*_NEWEST_FIRST).limit(wanted))
        self._looked += count
        self._start = _by_key < (moment, rollout)
        self._last = f"{moment.isoformat()}~{rollout}" if count == WINDOW else None
        return len(self.found) > self._limit or self._last is None

    def on(self) -> RolloutPage:
        """As many more windows as LOOK_SEC allows."""
        self.enough()
        if len(self.found) > self._limit:
            return _page(self.found, self._limit).model_copy(update={"looked_through": self._looked})
        return RolloutPage(rows=self.found, after=self._last, looked_through=self._looked)


def _key(row: RolloutRow) -> str:
    return f"{row.started_at.isoformat()}~{row.id}"


def _split_key(key: str) -> tuple[datetime, str]:
    moment, _, rollout = key.partition("~")
    try:
        started = datetime.fromisoformat(moment)
    except ValueError as error:
        raise BadFilter(f"{key!r} is no place in the list; go to its beginning") from error
    return (started if started.tzinfo else started.replace(tzinfo=UTC)), rollout


def of_task(store: Store, suite_hash: str, task_id: str, limit: int = 100) -> Sequence[RolloutRow]:
    """The newest rollouts of a task."""
    query = (
        select(RolloutRow)
        .where(col(RolloutRow.suite_hash) == suite_hash, col(RolloutRow.task_id) == task_id)
        .order_by(col(RolloutRow.started_at).desc(), col(RolloutRow.id).desc())
        .limit(limit)
    )
    with store.reading() as session:
        return session.scalars(query).all()


def newest(store: Store, limit: int = 10) -> Sequence[RolloutRow]:
    """What started last."""
    order = (col(RolloutRow.started_at).desc(), col(RolloutRow.id).desc())
    with store.reading() as session:
        return session.scalars(select(RolloutRow).order_by(*order).limit(limit)).all()


# ---------------------------------------------------------------- tasks


def task_page(
    store: Store, *, suite_hash: str = "", family: str = "", prefix: str = "", after: str = "", limit: int = 50
) -> TaskPage:
    """The next tasks, of one suite or family and with ids that begin so where that is asked. `after`: SUITE~ID."""
    key = (col(TaskRow.suite_hash), col(TaskRow.id))
    query = select(TaskRow).order_by(*key).limit(limit + 1)
    if after:
        last_suite, _, last_id = after.partition("~")
        query = query.where(tuple_(*key) > (last_suite, last_id))
    if suite_hash:
        query = query.where(key[0] == suite_hash)
    if family:
        query = query.where(col(TaskRow.family) == family)
    if prefix:
        query = query.where(key[1] >= prefix, key[1] < prefix + "\U0010ffff")
    with store.reading() as session:
        rows = list(session.scalars(query))
        more, rows = len(rows) > limit, rows[:limit]
        ids = [(row.suite_hash, row.id) for row in rows]
        rates = _rates_of_tasks(session, ids)
        found = _findings_of_tasks(session, ids)
    return TaskPage(
        rows=rows,
        rates=[rates.get(each, Rate()) for each in ids],
        findings=[found.get(each, 0) for each in ids],
        after="~".join(ids[-1]) if more else None,
    )


def _rates_of_tasks(session: Session, ids: list[tuple[str, str]]) -> dict[tuple[str, str], Rate]:
    key = (col(RolloutRow.suite_hash), col(RolloutRow.task_id))
    query = (
        select(*key, *rate_columns()).where(_among(key, ids), col(RolloutRow.is_privileged).is_(False)).group_by(*key)
    )
    return {(suite, task): as_rate(*rest) for suite, task, *rest in session.execute(query)}


def _findings_of_tasks(session: Session, ids: list[tuple[str, str]]) -> dict[tuple[str, str], int]:
    key = (col(FindingRow.suite_hash), col(FindingRow.task_id))
    query = select(*key, func.count()).where(_among(key, ids)).group_by(*key)
    return {(suite, task): count for suite, task, count in session.execute(query)}


def _among(key: tuple[Any, Any], ids: list[tuple[str, str]]) -> ColumnElement[bool]:
    """(suite, task) among `ids`; by suite, since SQLite reads no index for a list of pairs."""
    by_suite: dict[str, list[str]] = {}
    for suite, task in ids:
        by_suite.setdefault(suite, []).append(task)
    return or_(*(and_(key[0] == suite, key[1].in_(tasks)) for suite, tasks in by_suite.items())) if ids else or_(False)


def task_row(store: Store, suite_hash: str, task_id: str) -> TaskRow | None:
    with store.reading() as session:
        return session.get(TaskRow, (suite_hash, task_id))


def findings_of(store: Store, suite_hash: str, task_id: str) -> Sequence[FindingRow]:
    query = select(FindingRow).where(col(FindingRow.suite_hash) == suite_hash, col(FindingRow.task_id) == task_id)
    with store.reading() as session:
        return session.scalars(query.order_by(col(FindingRow.number))).all()


def task_rates(store: Store, suite_hash: str, task_id: str) -> list[tuple[str, str, Rate]]:
    """(agent, model, rate) of one task."""
    groups = (col(RolloutRow.agent), col(RolloutRow.model))
    query = (
        select(*groups, *rate_columns())
        .where(col(RolloutRow.suite_hash) == suite_hash, col(RolloutRow.task_id) == task_id)
        .group_by(*groups)
        .order_by(*groups)
    )
    with store.reading() as session:
        return [(agent, model, as_rate(*rest)) for agent, model, *rest in session.execute(query)]
