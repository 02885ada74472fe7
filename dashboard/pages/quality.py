"""How good the data is: yield, duplicates, contamination, flakiness, findings; and what was not measured."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from dashboard import access
from dashboard.generation import yields_of
from dashboard.rendering import page
from trajectories.data_quality import data_quality
from trajectories.marks import count_marks
from trajectories.store import Store

MENU = ("Data quality", "/quality")

router = APIRouter()


@router.get("/quality")
def quality(request: Request, store: Annotated[Store, Depends(access.store)]) -> Response:
    return page(
        request,
        "quality.html",
        known=data_quality(store),
        yields=list(yields_of(access.config(request).suites)),
        marked=count_marks(store),
    )
