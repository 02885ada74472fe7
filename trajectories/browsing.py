"""Pages of rows, as the dashboard lists them. Fast at a million rollouts.

Pages are read by key, never by offset: the next one starts after the last row of this one, wherever rows were added
meanwhile. Each question answers from an index, or stops after LOOK_SEC and says where it stopped.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, and_, func, or_, select, text, tuple_
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col

from trajectories.counting import Rate, as_rate, rate_columns
from trajectories.errors import BadFilter
from trajectories.filter import parse_filter
from trajectories.store import Store
from trajectories.tables import FindingRow, RolloutRow, TaskRow

WINDOW = 1_000
"""Rows that are looked through at once where the filter fits no index."""

LOOK_SEC = 0.06
"""A page looks through windows until it is full or this time has passed: one window at the least."""

PATIENCE_SEC = 0.05
"""How long the database may look for itself before the page falls back to windows."""

_CHECK_EVERY = 2_000  # SQLite's virtual machine: steps between two looks at the clock


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
    """The next `limit` rollouts that the filter accepts. Raises BadFilter, for an `after` too."""
    accepted, order = parse_filter(where), (col(RolloutRow.started_at), col(RolloutRow.id))
    newest_first = (order[0].desc(), order[1].desc())
    start: ColumnElement[bool] = tuple_(*order) < _split_key(after) if after else text("1 = 1")  # type: ignore[assignment]
    query = select(RolloutRow).where(accepted, start).order_by(*newest_first).limit(limit + 1)
    with store.reading() as session:
        try:
            with _patient(session):
                rows = list(session.scalars(query))
        except _TookTooLong:
            session.rollback()
            return _windows(session, accepted, start, newest_first, limit)
    more = len(rows) > limit
    return RolloutPage(rows=rows[:limit], after=_key(rows[limit - 1]) if more else None)


def _windows(
    session: Session, accepted: ColumnElement[bool], start: ColumnElement[bool], order: tuple[Any, ...], limit: int
) -> RolloutPage:
    """What fits of the rows from `start` on, as many as LOOK_SEC allows, whatever the filter is."""
    by_key = tuple_(col(RolloutRow.started_at), col(RolloutRow.id))
    found: list[RolloutRow] = []
    looked, deadline = 0, time.monotonic() + LOOK_SEC
    while True:
        keys = select(col(RolloutRow.started_at), col(RolloutRow.id)).where(start).order_by(*order).limit(WINDOW)
        window = keys.subquery()
        oldest = (window.c.started_at.asc(), window.c.id.asc())
        last = session.execute(select(window.c.started_at, window.c.id, func.count().over()).order_by(*oldest)).first()
        if last is None:
            return RolloutPage(rows=found, after=None, looked_through=looked)
        moment, rollout, count = last
        # Both bounds are on the index by time, which is then the only one that fits.
        fitting = select(RolloutRow).where(start, by_key >= (moment, rollout), accepted).order_by(*order)
        found += session.scalars(fitting.limit(limit + 1 - len(found)))
        looked += count
        if len(found) > limit:
            return RolloutPage(rows=found[:limit], after=_key(found[limit - 1]), looked_through=looked)
        if count < WINDOW:
            return RolloutPage(rows=found, after=None, looked_through=looked)
        if time.monotonic() > deadline:
            return RolloutPage(rows=found, after=f"{moment.isoformat()}~{rollout}", looked_through=looked)
        start = by_key < (moment, rollout)


class _TookTooLong(Exception):
    pass


@contextmanager
def _patient(session: Session, limit_sec: float = PATIENCE_SEC) -> Iterator[None]:
    """The statements inside end after `limit_sec`, by _TookTooLong."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        session.execute(text(f"SET LOCAL statement_timeout = {int(1000 * limit_sec)}"))
        try:
            yield
        except DBAPIError as error:
            if "statement timeout" in str(error.orig):
                raise _TookTooLong from error
            raise
        session.execute(text("SET LOCAL statement_timeout = 0"))
        return
    driver: Any = connection.connection.driver_connection
    deadline = time.monotonic() + limit_sec
    driver.set_progress_handler(lambda: time.monotonic() > deadline, _CHECK_EVERY)
    try:
        yield
    except DBAPIError as error:
        if "interrupted" in str(error.orig):
            raise _TookTooLong from error
        raise
    finally:
        driver.set_progress_handler(None, 0)


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
