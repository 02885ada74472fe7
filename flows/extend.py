"""The extend flow: a suite in, a suite of harder tasks out, with a table of levels and of reasons."""

import asyncio
from pathlib import Path
from typing import Literal

import prefect
from prefect.artifacts import create_table_artifact
from pydantic import Field

from flows.place import Place
from flows.progress import Tally
from flows.requests import Request
from tasks.extension import ExtendResult, extend
from tasks.suite import open_suite, prepare_suite


class ExtendRequest(Request):
    """Make `n` tasks of levels 2 … `levels` from the graded tasks of a suite."""

    suite: Path
    out: Path
    by: Literal["depth", "width", "chain"]
    levels: int = Field(2, ge=2, le=12)
    n: int = Field(20, gt=0)
    seed: int = 0


@prefect.task(name="extend tasks", persist_result=True)
def make(request: ExtendRequest, place: Place) -> ExtendResult:
    """Killed and started again it goes on where it was: decisions are journaled."""
    return asyncio.run(_make(request, place))


async def _make(request: ExtendRequest, place: Place) -> ExtendResult:
    backend = place.open_backend()
    await backend.sweep()
    suite = open_suite(request.suite, cache=place.cache)
    await prepare_suite(suite, backend, cache=place.cache)
    tally = Tally("extend", total=request.n)

    def on_progress(accepted: int) -> None:
        while tally.done < accepted:
            tally.add("task")

    return await extend(
        suite,
        backend,
        by=request.by,
        levels=request.levels,
        out=request.out,
        n=request.n,
        seed=request.seed,
        cache=place.cache,
        jobs=place.jobs,
        on_progress=on_progress,
    )


@prefect.flow(name="extend", flow_run_name="extend {request.suite}", persist_result=True)
def extend_flow(request: ExtendRequest, place: Place) -> ExtendResult:
    """Make the suite. Raises BadTaskFolder where there is nothing to extend."""
    result = make(request, place)
    create_table_artifact(
        key="levels",
        table=[{"level": level, "tasks": tasks} for level, tasks in result.levels.items()],
        description=f"Tasks a level, from {request.suite} by {request.by}",
    )
    return result
