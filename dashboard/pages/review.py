"""Human review: marks of tasks, labels and notes of rollouts; the history of them, and what waits for a label."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from dashboard import access
from dashboard.rendering import page
from trajectories.errors import BadMark
from trajectories.marks import (
    count_marks,
    label_rollout,
    mark_task,
    note_rollout,
    recent_marks,
    unlabelled,
    withdraw,
)
from trajectories.store import Store

MENU = ("Review", "/review")
MOST = 50  # marks of a page
WAITING = 20

router = APIRouter()

Opened = Annotated[Store, Depends(access.store)]
Who = Annotated[str, Depends(access.person)]


@router.get("/review")
def review(request: Request, store: Opened, where: str = "", before: int | None = None, after: str = "") -> Response:
    """`before`: id of a mark, for the older ones; `after`: id of a rollout, for the next that wait."""
    marks = recent_marks(store, before=before, limit=MOST)
    waiting = unlabelled(store, where, after=after, limit=WAITING)
    return page(
        request,
        "review.html",
        counts=count_marks(store),
        marks=marks,
        older=marks[-1].id if len(marks) == MOST else None,
        waiting=waiting,
        next_after=waiting[-1].id if len(waiting) == WAITING else "",
        where=where,
        after=after,
    )


@router.post("/review/rollouts/{rollout_id}", dependencies=[Depends(access.writable)])
def say_of_rollout(
    store: Opened,
    who: Who,
    rollout_id: str,
    label: Annotated[str, Form()] = "",
    other: Annotated[str, Form()] = "",
    note: Annotated[str, Form()] = "",
) -> Response:
    """A label with its note; without a label, a note alone."""
    try:
        if wanted := label or other:
            label_rollout(store, rollout_id, label=wanted, note=note, who=who)
        else:
            note_rollout(store, rollout_id, note=note, who=who)
    except BadMark as error:
        raise HTTPException(400, str(error)) from error
    return RedirectResponse(f"/rollouts/{quote(rollout_id, safe='')}", 303)


@router.post("/review/tasks", dependencies=[Depends(access.writable)])
def say_of_task(
    store: Opened,
    who: Who,
    suite: Annotated[str, Form()],
    task: Annotated[str, Form()],
    value: Annotated[str, Form()],
    reason: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "/review",
) -> Response:
    try:
        mark_task(store, suite, task, value=value, reason=reason, who=who)
    except BadMark as error:
        raise HTTPException(400, str(error)) from error
    return RedirectResponse(access.local(back), 303)


@router.post("/review/marks/{mark_id}/undo", dependencies=[Depends(access.writable)])
def undo(store: Opened, who: Who, mark_id: int, back: Annotated[str, Form()] = "/review") -> Response:
    """The mark stays in the history, withdrawn; the one before it holds again."""
    withdraw(store, mark_id, who=who)
    return RedirectResponse(access.local(back), 303)
