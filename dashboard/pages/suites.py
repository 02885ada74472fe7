"""The suites that the store knows."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from dashboard import state
from dashboard.access import store as of_request
from dashboard.rendering import page
from trajectories.counting import Rate, count_findings
from trajectories.store import Store

MENU = ("Suites", "/suites")

router = APIRouter()


@router.get("/suites")
def suites(request: Request, store: Annotated[Store, Depends(of_request)]) -> Response:
    rates: dict[str, Rate] = {}
    counted = state.totals(request).now()
    for total in counted.totals:
        if not total.is_privileged:
            rates[total.suite_hash] = rates.get(total.suite_hash, Rate()) + total.rate
    known = state.suites(request)
    found = count_findings(store)
    rows = [
        (row, rates.get(row.hash, Rate()), found.get(row.hash, 0), known.find(row.hash) is not None)
        for row in store.suites()
    ]
    return page(request, "suites.html", rows=rows, counted=counted)
