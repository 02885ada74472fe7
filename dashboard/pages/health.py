"""`/health`: whether the store answers, for what watches the process. Open: it tells nothing else."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response

from dashboard.access import store as of_request
from trajectories.errors import StoreFault
from trajectories.store import Store

router = APIRouter()


@router.get("/health")
def health(store: Annotated[Store, Depends(of_request)]) -> Response:
    try:
        store.knows_suite("")
    except StoreFault as fault:
        return JSONResponse({"status": "store unavailable", "detail": str(fault)}, 503)
    return JSONResponse({"status": "ok"})
