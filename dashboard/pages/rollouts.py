"""Rollouts, newest first, in pages by key, by the filter language of `--where`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from dashboard import state
from dashboard.access import store as of_request
from dashboard.rendering import page
from trajectories.browsing import RolloutPage, rollout_page
from trajectories.columns import COLUMNS
from trajectories.errors import BadFilter
from trajectories.store import Store

MENU = ("Rollouts", "/rollouts")
QUICK = (
    ("solved", "reward >= 1 and privileged = false"),
    ("not solved", "reward < 1 and unknown = false"),
    ("infrastructure", "unknown = true"),
    ("tried to cheat", "attempts > 0"),
    ("long", "steps > 100"),
)

router = APIRouter()


@router.get("/rollouts")
def rollouts(
    request: Request, store: Annotated[Store, Depends(of_request)], where: str = "", after: str = ""
) -> Response:
    fault = ""
    try:
        shown = rollout_page(store, where, after=after)
    except BadFilter as error:
        shown, fault = RolloutPage(rows=[], after=None), str(error)
    return page(
        request,
        "rollouts.html",
        status=400 if fault else 200,
        shown=shown,
        where=where,
        after=after,
        following={"where": where, "after": shown.after or ""},
        fault=fault,
        total=state.totals(request).now().rollouts,
        columns=sorted(COLUMNS),
        quick=QUICK,
    )
