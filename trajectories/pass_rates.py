"""How often tasks were solved, by suite, agent, model, family and backend."""

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select
from sqlmodel import Session, col

from trajectories.interval import wilson
from trajectories.tables import RolloutRow


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


def pass_rates(session: Session, suite_hash: str | None = None) -> list[PassRate]:
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
