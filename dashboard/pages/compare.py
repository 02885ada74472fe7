"""Two rollouts side by side."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response

from dashboard import access
from dashboard.aligning import aligned, first_difference
from dashboard.difflines import files_of
from dashboard.pages.rollout import row_of, views
from dashboard.rendering import page
from dashboard.viewing import Views
from trajectories.store import Store

ROWS = 100  # of a page

router = APIRouter()


@router.get("/compare")
def compare(
    request: Request,
    store: Annotated[Store, Depends(access.store)],
    kept: Annotated[Views, Depends(views)],
    left: str,
    right: str,
    start: int = 0,
) -> Response:
    """`start`: number of the first row. Raises NotInStore, CorruptBlob."""
    one, other = kept.of(store, row_of(store, left)), kept.of(store, row_of(store, right))
    pairs = aligned(one.steps, other.steps)
    part = pairs[max(0, start) : max(0, start) + ROWS]
    if start and not part:
        raise HTTPException(404, "There are no steps so far behind.")
    rows = [
        (
            pair,
            one.step(pair.left) if pair.left is not None else None,
            other.step(pair.right) if pair.right is not None else None,
        )
        for pair in part
    ]
    context: dict[str, Any] = {
        "rows": rows,
        "start": max(0, start),
        "next_start": start + ROWS if start + ROWS < len(pairs) else None,
        "left": one.rollout,
        "right": other.rollout,
    }
    if request.headers.get("hx-request"):
        return page(request, "compare_rows.html", **context)
    return page(
        request,
        "compare.html",
        **context,
        is_same_task=one.rollout.key.task_id == other.rollout.key.task_id
        and one.rollout.key.suite_hash == other.rollout.key.suite_hash,
        same=sum(pair.kind == "same" for pair in pairs),
        total=len(pairs),
        difference=first_difference(pairs),
        left_files=files_of(one.rollout.diff),
        right_files=files_of(other.rollout.diff),
        row_size=ROWS,
    )
