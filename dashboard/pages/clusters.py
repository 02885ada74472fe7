"""Failing rollouts, grouped by what went wrong."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from dashboard import access
from dashboard.rendering import page
from trajectories.clusters import Signature, failure_clusters
from trajectories.store import Store

MENU = ("Failures", "/failures")
MOST = 2_000  # rollouts that are read
KEPT = 50_000  # signatures that are remembered
SHOWN = 100  # clusters

router = APIRouter()


def known(request: Request) -> dict[str, Signature]:
    """What went wrong in rollouts that were read before, by their body."""
    if not hasattr(request.app.state, "signatures"):
        request.app.state.signatures = {}
    found: dict[str, Signature] = request.app.state.signatures
    if len(found) > KEPT:
        found.clear()
    return found


@router.get("/failures")
def failures(
    request: Request,
    store: Annotated[Store, Depends(access.store)],
    signatures: Annotated[dict[str, Signature], Depends(known)],
    where: str = "",
) -> Response:
    """Raises BadFilter, CorruptBlob."""
    found = failure_clusters(store, where, most=MOST, known=signatures)
    return page(request, "clusters.html", found=found, clusters=found.clusters[:SHOWN], where=where)
