"""One rollout: the trajectory viewer. Steps come in pages, which are loaded when they are looked at."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response

from dashboard import access
from dashboard.difflines import files_of
from dashboard.rendering import page
from dashboard.standalone import standalone
from dashboard.viewing import PAGE, View, Views
from trajectories.errors import NotInStore
from trajectories.marks import marks_of, standing
from trajectories.store import Store
from trajectories.tables import RolloutRow

MOST_PEERS = 30  # other rollouts of the task that can be chosen for a comparison

router = APIRouter()


def views(request: Request) -> Views:
    """The rollouts that were looked at last, kept with the application."""
    if not hasattr(request.app.state, "views"):
        request.app.state.views = Views()
    found: Views = request.app.state.views
    return found


def row_of(store: Store, rollout_id: str) -> RolloutRow:
    """Raises NotInStore."""
    quoted = rollout_id.replace("\0", "").replace("'", "''")
    for row in store.rollouts(f"id = '{quoted}'", limit=1):
        return row
    raise NotInStore(f"no rollout {rollout_id!r} in the store; `gristmill show rollouts` lists them")


def view_of(
    rollout_id: str, store: Annotated[Store, Depends(access.store)], kept: Annotated[Views, Depends(views)]
) -> View:
    """The rollout of the path. Raises NotInStore, CorruptBlob."""
    return kept.of(store, row_of(store, rollout_id))


Looked = Annotated[View, Depends(view_of)]


@router.get("/rollouts/{rollout_id}.html")
def as_file(view: Looked) -> Response:
    """One file to send to somebody; it is downloaded, so that its own policy holds and not this site's."""
    name = f"rollout-{view.rollout.key.id}.html"
    return Response(
        standalone(view.rollout),
        media_type="text/html",
        headers={"Content-Disposition": f"attachment; filename={name}"},
    )


@router.get("/rollouts/{rollout_id}.json")
def as_json(view: Looked) -> Response:
    """The rollout as it is stored, with its trajectory in ATIF."""
    name = f"rollout-{view.rollout.key.id}.json"
    text = view.rollout.model_dump_json(indent=1)
    return Response(
        text, media_type="application/json", headers={"Content-Disposition": f"attachment; filename={name}"}
    )


@router.get("/rollouts/{rollout_id}/steps")
def steps(request: Request, view: Looked, start: int = 0) -> Response:
    """A page of steps, for htmx."""
    part = view.page(start)
    if not part:
        raise HTTPException(404, "There are no steps so far behind.")
    return page(
        request, "rollout_page.html", steps=part, first=part[0].step_id, last=part[-1].step_id, full=_full(view)
    )


@router.get("/rollouts/{rollout_id}/full/{position}")
def whole_step(request: Request, view: Looked, position: int) -> Response:
    """One step with every text in full."""
    if not 0 <= position < len(view.steps):
        raise HTTPException(404, "There is no such step.")
    return page(request, "rollout_step.html", step=view.step(position, cut=None))


@router.get("/rollouts/{rollout_id}/search")
def search(request: Request, view: Looked, q: str = "") -> Response:
    """Where the trajectory says it; the same for htmx and for a browser without scripts."""
    hits, total = view.search(q)
    back = "" if request.headers.get("hx-request") else f"/rollouts/{view.rollout.key.id}"
    return page(request, "rollout_found.html", query=q, hits=hits, total=total, back=back)


@router.get("/rollouts/{rollout_id}")
def rollout(request: Request, view: Looked, store: Annotated[Store, Depends(access.store)]) -> Response:
    shown, key = view.rollout, view.rollout.key
    marks = marks_of(store, key.suite_hash, key.task_id, key.id)
    return page(
        request,
        "rollout.html",
        rollout=shown,
        bars=view.timeline(),
        pages=view.pages(),
        steps=view.page(0),
        full=_full(view),
        files=files_of(shown.diff),
        peers=peers_of(store, shown.key.suite_hash, shown.key.task_id, but=shown.key.id),
        marks=marks,
        label=standing(marks, "label"),
        task_mark=standing(marks, "task"),
        page_size=PAGE,
    )


def peers_of(store: Store, suite_hash: str, task_id: str, *, but: str) -> list[RolloutRow]:
    """Other rollouts of the task."""
    suite, task = (text.replace("\0", "").replace("'", "''") for text in (suite_hash, task_id))
    rows = store.rollouts(f"suite = '{suite}' and task = '{task}'", limit=MOST_PEERS + 1)
    return [row for row in rows if row.id != but][:MOST_PEERS]


def _full(view: View) -> str:
    return f"/rollouts/{view.rollout.key.id}/full"
