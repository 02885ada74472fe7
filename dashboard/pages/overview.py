"""What runs now, what came in lately, and how much of everything there is."""

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from dashboard.access import store as of_request
from dashboard.rendering import page
from dashboard.state import prefect, totals
from trajectories.browsing import newest
from trajectories.counting import HourTotal, Rate, totals_by_hour
from trajectories.store import Store

MENU = ("Overview", "/")
HOURS = 24

router = APIRouter()
OfStore = Annotated[Store, Depends(of_request)]


@router.get("/")
def overview(request: Request, store: OfStore) -> Response:
    return page(request, "overview.html", **_lately(request, store), runs=prefect(request).state())


@router.get("/parts/live")
def live(request: Request, store: OfStore) -> Response:
    """The page's part that changes; htmx asks for it every few seconds."""
    return page(request, "overview_live.html", **_lately(request, store), runs=prefect(request).state())


def _lately(request: Request, store: Store) -> dict[str, Any]:
    now = datetime.now(UTC)
    start = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    hours = totals_by_hour(store, start)
    counted = totals(request).now()
    last = [hour for hour in hours if hour.hour >= now - timedelta(hours=2)]
    first_sec = (now - max(min((hour.hour for hour in last), default=now), now - timedelta(hours=2))).total_seconds()
    count = sum(hour.rate.n + hour.rate.unknown for hour in last)
    return {
        "counted": counted,
        "endings": endings(counted.totals),
        "day": sum((hour.rate for hour in hours), Rate()),
        "per_hour": count / max(first_sec, 60) * 3600 if count else 0.0,
        "day_cost": sum(hour.cost_usd for hour in hours),
        "day_tokens": sum(hour.tokens for hour in hours),
        "chart": json.dumps(hour_chart(hours, start)),
        "newest": newest(store, 8),
        "suites": len(store.suites()),
        "now": now,
    }


def endings(totals: tuple[Any, ...]) -> list[tuple[str, int]]:
    """(ending, rollouts), the most frequent first."""
    counts: dict[str, int] = {}
    for each in totals:
        counts[each.ending] = counts.get(each.ending, 0) + each.rate.n + each.rate.unknown
    return sorted(counts.items(), key=lambda item: -item[1])


def hour_chart(hours: list[HourTotal], start: datetime) -> dict[str, Any]:
    """Rollouts of each of the last hours, by outcome, for dashboard.js."""
    by_hour = {hour.hour: hour.rate for hour in hours}
    times = [start + timedelta(hours=number) for number in range(HOURS)]
    rates = [by_hour.get(at, Rate()) for at in times]
    return {
        "kind": "bars",
        "x": [int(at.timestamp()) for at in times],
        "series": [
            {"name": "solved", "colour": "good", "y": [rate.solved for rate in rates]},
            {"name": "not solved", "colour": "bad", "y": [rate.n - rate.solved for rate in rates]},
            {"name": "infrastructure", "colour": "unknown", "y": [rate.unknown for rate in rates]},
        ],
    }
