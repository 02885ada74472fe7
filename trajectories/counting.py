"""Counts of rollouts: over everything, by day, by hour. `totals` and `totals_by_day` read every row."""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Select, func, select, text
from sqlalchemy.orm import aliased
from sqlmodel import col

from trajectories.interval import wilson
from trajectories.store import Store
from trajectories.tables import FindingRow, RolloutRow, TaskRow


class Rate(BaseModel):
    """Solved of those with a known outcome, a 95 % Wilson interval; `unknown`: lost to the infrastructure."""

    model_config = ConfigDict(frozen=True)

    n: int = 0
    solved: int = 0
    unknown: int = 0

    @property
    def share(self) -> float | None:
        """Of the known outcomes; None of none."""
        return self.solved / self.n if self.n else None

    @property
    def share_of_all(self) -> float | None:
        """As if what the infrastructure lost had failed."""
        return self.solved / (self.n + self.unknown) if self.n + self.unknown else None

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.solved, self.n)

    @property
    def interval_of_all(self) -> tuple[float, float]:
        return wilson(self.solved, self.n + self.unknown)

    def __add__(self, other: "Rate") -> "Rate":
        return Rate(n=self.n + other.n, solved=self.solved + other.solved, unknown=self.unknown + other.unknown)


class Total(BaseModel):
    """Rollouts of one suite, agent, model, family and ending."""

    model_config = ConfigDict(frozen=True)

    suite_hash: str
    agent: str
    model: str
    family: str
    ending: str
    is_privileged: bool
    rate: Rate
    cost_usd: float
    tokens: int


class DayTotal(BaseModel):
    """Rollouts that started on one day (UTC, `2026-01-31`)."""

    model_config = ConfigDict(frozen=True)

    day: str
    agent: str
    model: str
    family: str
    rate: Rate


class HourTotal(BaseModel):
    """Rollouts that started in one hour (UTC)."""

    model_config = ConfigDict(frozen=True)

    hour: datetime
    rate: Rate
    agent_sec: float
    tokens: int
    cost_usd: float


def totals(store: Store) -> list[Total]:
    """All rollouts, counted. Reads every row: ask rarely (the dashboard keeps the answer)."""
    groups = [
        col(column)
        for column in (
            RolloutRow.suite_hash,
            RolloutRow.agent,
            RolloutRow.model,
            RolloutRow.family,
            RolloutRow.ending,
            RolloutRow.is_privileged,
        )
    ]
    tokens = func.sum(col(RolloutRow.prompt_tokens) + col(RolloutRow.completion_tokens))
    query = select(*groups, *rate_columns(), func.sum(RolloutRow.cost_usd), tokens).group_by(*groups)
    with store.reading() as session:
        return [
            Total(
                suite_hash=suite,
                agent=agent,
                model=model,
                family=family,
                ending=ending,
                is_privileged=bool(privileged),
                rate=as_rate(n, solved, unknown),
                cost_usd=float(cost),
                tokens=int(spent),
            )
            for suite, agent, model, family, ending, privileged, n, solved, unknown, cost, spent in session.execute(
                query
            )
        ]


def totals_by_day(store: Store) -> list[DayTotal]:
    """By day, without rollouts that were given the reference; reads every row too."""
    groups = (_bucket(store, "day"), col(RolloutRow.agent), col(RolloutRow.model), col(RolloutRow.family))
    query = select(*groups, *rate_columns()).where(col(RolloutRow.is_privileged).is_(False)).group_by(*groups)
    with store.reading() as session:
        return [
            DayTotal(day=str(day)[:10], agent=agent, model=model, family=family, rate=as_rate(*rest))
            for day, agent, model, family, *rest in session.execute(query.order_by(*groups))
        ]


def totals_by_hour(store: Store, since: datetime) -> list[HourTotal]:
    """The hours since then in which rollouts started, oldest first."""
    hour = _bucket(store, "hour")
    query: Select[Any] = (
        select(
            hour,
            *rate_columns(),
            func.sum(RolloutRow.agent_sec),
            func.sum(col(RolloutRow.prompt_tokens) + col(RolloutRow.completion_tokens)),
            func.sum(RolloutRow.cost_usd),
        )
        .where(col(RolloutRow.started_at) >= since)
        .group_by(hour)
        .order_by(hour)
    )
    with store.reading() as session:
        return [
            HourTotal(
                hour=datetime.fromisoformat(str(at)).replace(tzinfo=UTC),
                rate=as_rate(n, solved, unknown),
                agent_sec=float(spent),
                tokens=int(tokens),
                cost_usd=float(cost),
            )
            for at, n, solved, unknown, spent, tokens, cost in session.execute(query)
        ]


def _bucket(store: Store, unit: str) -> Any:
    if store.engine.dialect.name == "postgresql":
        form = "YYYY-MM-DD" if unit == "day" else "YYYY-MM-DD HH24:00:00"
        return func.to_char(func.timezone("UTC", col(RolloutRow.started_at)), text(f"'{form}'"))
    # SQLite's texts begin with the date: cutting them is four times as fast as strftime.
    cut = func.substr(text("rollouts.started_at"), 1, 10 if unit == "day" else 13)
    return cut if unit == "day" else cut.op("||")(text("':00:00'"))


def started_within(store: Store, since: datetime) -> Rate:
    """Rollouts that started since then."""
    query = select(*rate_columns()).select_from(RolloutRow).where(col(RolloutRow.started_at) >= since)
    with store.reading() as session:
        return as_rate(*session.execute(query).one())


def count_findings(store: Store) -> dict[str, int]:
    """Findings of each suite."""
    with store.reading() as session:
        suite = col(FindingRow.suite_hash)
        rows = session.execute(select(suite, func.count()).group_by(suite))
        return {row[0]: row[1] for row in rows}


def task_families(store: Store) -> list[str]:
    """Families that have tasks, by jumping through their index: not by reading every task."""
    found: list[str] = []
    family = col(aliased(TaskRow).family)
    with store.reading() as session:
        while True:
            query = select(func.min(family))
            following = session.scalar(query.where(family > found[-1]) if found else query)
            if following is None:
                return found
            found.append(following)


def size_bytes(store: Store) -> int | None:
    """Of the database, without the bodies; None where it does not tell."""
    with store.reading() as session:
        if store.engine.dialect.name == "postgresql":
            return int(session.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
        query = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        return int(session.execute(text(query)).scalar_one())


def rate_columns() -> tuple[ColumnElement[int], ColumnElement[int], ColumnElement[int]]:
    known = col(RolloutRow.is_unknown).is_(False)
    return (
        func.count().filter(known),
        func.count().filter(known, col(RolloutRow.reward) >= 1.0),
        func.count().filter(~known),
    )


def as_rate(n: int, solved: int, unknown: int) -> Rate:
    return Rate(n=n, solved=solved, unknown=unknown)
