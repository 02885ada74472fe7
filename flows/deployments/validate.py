"""Every task of a suite again, as one Prefect task run: what `gristmill validate` does, on a schedule."""

import asyncio
from pathlib import Path

import prefect
from prefect.artifacts import create_table_artifact
from pydantic import BaseModel, ConfigDict

from flows.place import Place
from flows.progress import Tally
from tasks.revalidate import TaskCheck, validate_suite
from tasks.suite import open_suite, prepare_suite


class ValidateSummary(BaseModel):
    """How many tasks there are, and the ids of those that no longer hold."""

    model_config = ConfigDict(frozen=True)

    tasks: int
    invalid: tuple[str, ...]


@prefect.task(name="validate", persist_result=True)
def check(suite: Path, place: Place) -> list[TaskCheck]:
    """Changes nothing, so a killed one is done again from its start."""
    backend = place.open_backend()
    opened = open_suite(suite, cache=place.cache)
    tally = Tally("validate", total=len(opened.task_ids()))
    asyncio.run(backend.sweep())
    asyncio.run(prepare_suite(opened, backend, cache=place.cache))
    return asyncio.run(
        validate_suite(
            opened,
            backend,
            jobs=place.jobs,
            on_progress=lambda result: tally.add("valid" if result.is_valid else "invalid"),
        )
    )


def validate_all(suite: Path, place: Place) -> ValidateSummary:
    """Check, and keep a table of what no longer holds as an artifact of the run."""
    checks = check(suite, place)
    invalid = [result for result in checks if not result.is_valid]
    create_table_artifact(
        key="not-valid",
        table=[{"task": result.task_id, "reason": result.reason} for result in invalid],
        description=f"Tasks of {suite.name} that no longer hold",
    )
    return ValidateSummary(tasks=len(checks), invalid=tuple(result.task_id for result in invalid))
