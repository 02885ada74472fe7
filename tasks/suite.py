"""A suite: a named, versioned set of tasks: `suite.json` and `tasks/ID/` folders."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tasks.task import Task


class Manifest(BaseModel):
    """`suite.json`. `hash` is over the task folders' contents; the same seed gives the same bytes."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str
    version: str = "1"
    hash: str
    tasks: dict[str, str] = Field(description="task id -> sha256 of its folder")
    provenance: dict[str, object] = Field(default_factory=dict)


class Suite(BaseModel):
    """An opened suite. Tasks are read when asked for."""

    model_config = ConfigDict(frozen=True)

    folder: Path
    manifest: Manifest

    def task_ids(self) -> list[str]:
        raise NotImplementedError

    def task(self, task_id: str) -> Task:
        """Raises BadTaskFolder."""
        raise NotImplementedError

    def tasks(self) -> Iterator[Task]:
        raise NotImplementedError


def open_suite(folder: Path, *, cache: Path) -> Suite:
    """Open a folder with `suite.json`, or any folder of Harbor task folders (or one such folder) without.

    Environments that a task names and that are not in the cache are made ready by `prepare_suite`.
    Raises BadTaskFolder.
    """
    raise NotImplementedError
