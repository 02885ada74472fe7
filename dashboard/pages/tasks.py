"""Tasks in pages by key, and one task in full: instruction, reference, tests, provenance, difficulty, rollouts."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from dashboard import state
from dashboard.access import store as of_request
from dashboard.diffs import coloured
from dashboard.rendering import page
from tasks.task import Task
from trajectories.browsing import findings_of, of_task, task_page, task_rates, task_row
from trajectories.counting import task_families
from trajectories.errors import NotInStore
from trajectories.store import Store

MENU = ("Tasks", "/tasks")
MOST_SHOWN = 200_000  # characters of a diff or an instruction on the page
MOST_ROLLOUTS = 50

router = APIRouter()
OfStore = Annotated[Store, Depends(of_request)]


@router.get("/tasks")
def tasks(
    request: Request, store: OfStore, suite: str = "", family: str = "", prefix: str = "", after: str = ""
) -> Response:
    """Next pages start after the last task of this one."""
    shown = task_page(store, suite_hash=suite, family=family, prefix=prefix, after=after)
    known = store.suites()
    return page(
        request,
        "tasks.html",
        tasks=list(zip(shown.rows, shown.rates, shown.findings, strict=True)),
        asked={"suite": suite, "family": family, "prefix": prefix},
        following={"suite": suite, "family": family, "prefix": prefix, "after": shown.after or ""},
        after=shown.after,
        is_first=not after,
        suites=known,
        names={row.hash: f"{row.name} {row.version}" for row in known},
        families=task_families(store),
    )


@router.get("/task")
def task_by_query(request: Request, store: OfStore, suite: str, id: str) -> Response:
    """For ids with slashes."""
    return task(request, store, suite, id)


@router.get("/tasks/{suite_hash}/{task_id:path}")
def task(request: Request, store: OfStore, suite_hash: str, task_id: str) -> Response:
    """Raises NotInStore. What the suite's folder holds is shown where the dashboard knows the folder."""
    row = task_row(store, suite_hash, task_id)
    rollouts = of_task(store, suite_hash, task_id, MOST_ROLLOUTS)
    if row is None and not rollouts:
        raise NotInStore(f"no task {task_id!r} of suite {suite_hash!r} in the store")
    found, missing = state.suites(request).task(suite_hash, task_id)
    suite = next((each for each in store.suites() if each.hash == suite_hash), None)
    return page(
        request,
        "task.html",
        suite_hash=suite_hash,
        task_id=task_id,
        row=row,
        suite=suite,
        missing=missing,
        folder=_of_folder(found) if found is not None else None,
        provenance=_provenance(row.provenance) if row is not None else [],
        findings=findings_of(store, suite_hash, task_id),
        rates=task_rates(store, suite_hash, task_id),
        rollouts=rollouts,
        most=MOST_ROLLOUTS,
    )


def _of_folder(task: Task) -> dict[str, Any]:
    failing = [str(test) for test in task.verifier_data.get("fail_to_pass", ())]
    is_withheld = task.verifier_data.get("is_withheld", False)
    shown = set() if is_withheld else set(task.verifier_data.get("shown", ())) or set(failing)
    reference = task.reference.text() if task.reference is not None else ""
    script = task.solve_script.decode(errors="replace") if task.solve_script else ""
    return {
        "instruction": task.instruction[:MOST_SHOWN],
        "files": coloured(reference[:MOST_SHOWN]),
        "is_cut": len(reference) > MOST_SHOWN,
        "script": script[:MOST_SHOWN],
        "failing": [(test, test in shown) for test in failing],
        "kept": len(task.verifier_data.get("pass_to_pass", ())),
        "verifier": task.verifier,
        "status": task.status,
        "grading": _readable(task.verifier_data) if task.verifier != "pytest" else "",
    }


def _provenance(provenance: dict[str, Any]) -> list[tuple[str, str]]:
    details = provenance.get("details", {})
    flat = {**provenance, **(details if isinstance(details, dict) else {})}
    return [(name, _readable(value)) for name, value in flat.items() if name != "details" and value not in ("", None)]


def _readable(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1, default=str)[:20_000]
