"""Pass rates of agents x models x families, with intervals, with and without infrastructure errors, and over time."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from dashboard import state
from dashboard.access import store as of_request
from dashboard.rendering import page
from trajectories.counting import DayTotal, Rate, Total
from trajectories.store import Store

MENU = ("Pass rates", "/matrix")
MOST_LINES = 8  # of the chart; more cannot be told apart

router = APIRouter()
Row = tuple[str, str]  # agent, model


@dataclass(frozen=True)
class Cell:
    """A rate, and the filter of the rollouts behind it."""

    rate: Rate
    where: Mapping[str, Any]

    @property
    def tone(self) -> int:
        """0 to 10, for the colour."""
        return round(10 * (self.rate.share or 0.0))


@router.get("/matrix")
def matrix(
    request: Request,
    store: Annotated[Store, Depends(of_request)],
    suite: str = "",
    family: str = "",
    oracle: bool = False,
) -> Response:
    """oracle: with agents that were given the reference."""
    counted = state.totals(request).now()
    chosen = [
        total
        for total in counted.totals
        if (not suite or total.suite_hash == suite) and (oracle or not total.is_privileged)
    ]
    rows, families = cells(chosen, suite=suite, oracle=oracle)
    known = store.suites()
    return page(
        request,
        "matrix.html",
        rows=rows,
        families=families,
        counted=counted,
        suites=known,
        suite=suite,
        family=family,
        oracle=oracle,
        chart=json.dumps(over_time(counted.days, family)),
    )


def cells(
    totals: Sequence[Total], *, suite: str = "", oracle: bool = False
) -> tuple[list[tuple[Row, list[Cell]]], list[str]]:
    """Rows by agent and model, a cell for each family and one for all of them; and the families."""
    rates: dict[tuple[str, str, str], Rate] = defaultdict(Rate)
    for total in totals:
        rates[total.agent, total.model, total.family] += total.rate
    families = sorted({family for _, _, family in rates})
    fixed: dict[str, Any] = ({"suite": suite} if suite else {}) | ({} if oracle else {"privileged": False})
    rows = []
    for agent, model in sorted({(agent, model) for agent, model, _ in rates}):
        of_row = {"agent": agent, "model": model, **fixed}
        each = [rates.get((agent, model, family), Rate()) for family in families]
        line = [Cell(sum(each, Rate()), of_row)]
        line += [Cell(rate, {**of_row, "family": family}) for rate, family in zip(each, families, strict=True)]
        rows.append(((agent, model), line))
    return rows, families


def over_time(days: Sequence[DayTotal], family: str) -> dict[str, Any]:
    """Share solved by day for each agent and model, for dashboard.js; days without a known outcome are gaps."""
    rates: dict[Row, dict[str, Rate]] = defaultdict(lambda: defaultdict(Rate))
    for total in days:
        if not family or total.family == family:
            rates[total.agent, total.model][total.day] += total.rate
    largest = sorted(rates, key=lambda row: -sum(rate.n for rate in rates[row].values()))[:MOST_LINES]
    dates = sorted({day for row in largest for day in rates[row]})
    return {
        "kind": "lines",
        "x": [int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) for day in dates],
        "series": [
            {
                "name": " · ".join(filter(None, row)),
                "y": [None if (share := rates[row].get(day, Rate()).share) is None else 100 * share for day in dates],
                "n": [rates[row].get(day, Rate()).n for day in dates],
            }
            for row in sorted(largest)
        ],
    }
