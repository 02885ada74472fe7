"""What one running dashboard keeps between requests."""

from fastapi import Request

from dashboard.prefect_runs import Prefect
from dashboard.suites import Suites
from dashboard.totals import Totals


def totals(request: Request) -> Totals:
    found: Totals = request.app.state.totals
    return found


def prefect(request: Request) -> Prefect:
    found: Prefect = request.app.state.prefect
    return found


def suites(request: Request) -> Suites:
    found: Suites = request.app.state.suites
    return found
