"""A place to call tools in: a real sandbox with a few files, and a task that allows everything."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.tools import Place
from environments import Backend, SandboxSpec, running
from tasks.task import Provenance, Task


def task_of(spec: SandboxSpec, **fields: object) -> Task:
    given: dict[str, object] = {"instruction": "Do it.", **fields}
    provenance = Provenance(source="tests", source_hash="0")
    return Task.model_validate(
        {"id": "t", "folder": Path("/"), "provenance": provenance, "agent_spec": spec, "verifier_spec": spec,
         "verifier": "none", **given}
    )  # fmt: skip


@pytest.fixture
async def place(bubblewrap: Backend) -> AsyncIterator[Place]:
    spec = SandboxSpec()
    async with running(bubblewrap, spec) as sandbox:
        place = Place(sandbox, bubblewrap, task_of(spec))
        yield place
        await place.close()
