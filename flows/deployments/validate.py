"""Every task of a suite again: what `gristmill validate` does, on a schedule."""

from pathlib import Path

from prefect.artifacts import create_table_artifact
from pydantic import BaseModel, ConfigDict

from flows.place import Place
from flows.validation import checks_of


class ValidateSummary(BaseModel):
    """How many tasks there are, and the ids of those that no longer hold."""

    model_config = ConfigDict(frozen=True)

    tasks: int
    invalid: tuple[str, ...]


def validate_all(suite: Path, place: Place) -> ValidateSummary:
    """Check, and keep a table of what no longer holds as an artifact of the run."""
    checks = checks_of(suite, place)
    invalid = [result for result in checks if not result.is_valid]
    create_table_artifact(
        key="not-valid",
        table=[{"task": result.task_id, "reason": result.reason} for result in invalid],
        description=f"Tasks of {suite.name} that no longer hold",
    )
    return ValidateSummary(tasks=len(checks), invalid=tuple(result.task_id for result in invalid))
