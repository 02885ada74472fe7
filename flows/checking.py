"""Every task of a suite again, in this process. Plain code without Prefect."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from flows.place import Place
from flows.progress import Tally
from tasks.revalidate import TaskCheck, validate_suite
from tasks.suite import open_suite, prepare_suite

Showing = Callable[[Tally], AbstractContextManager[None]]


def check_here(suite: Path, place: Place, *, showing: Showing = lambda tally: nullcontext()) -> list[TaskCheck]:
    """Results in the suite's order; `showing` tells somebody how far it is, while it works.

    Raises BadTaskFolder, BackendUnavailable, TaskFault.
    """
    opened = open_suite(suite, cache=place.cache)
    backend = place.open_backend()
    tally = Tally("validate", total=len(opened.task_ids()))

    async def check() -> list[TaskCheck]:
        await backend.sweep()
        await prepare_suite(opened, backend, cache=place.cache)
        return await validate_suite(opened, backend, jobs=place.jobs, on_progress=lambda result: add_to(tally, result))

    with showing(tally):
        return asyncio.run(check())


def add_to(tally: Tally, check: TaskCheck) -> None:
    tally.add("valid" if check.is_valid else "invalid")
