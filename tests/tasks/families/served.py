"""What the tests of served families share: instances, a sandbox like the agent's, and the real verdict on an answer."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

from environments import Backend, Sandbox, SandboxSpec, Service, running
from tasks.folder import SharedFiles, read_task, write_folder
from tasks.templates.drawing import build, draw
from tasks.templates.folder import SCRIPTS, folder_contents, reference_diff
from tasks.templates.instance import Instance
from tasks.templates.loading import load_template
from tasks.templates.template import Template
from tasks.verdict import Verdict
from tasks.verifiers import get_verifier

FAMILIES = Path(__file__).parents[3] / "tasks" / "families"


def template_of(family: str) -> Template:
    return load_template(FAMILIES / family / f"{family}.yaml")


def instance_of(template: Template, world: Any, **levels: int) -> Instance:
    """The instance of a world that was made by hand."""
    return build(template, {**levels, "world": world})


def drawn(template: Template, count: int, seed: int = 0) -> list[Instance]:
    return [draw(template, seed, index)[0] for index in range(count)]


@asynccontextmanager
async def agents_sandbox(instance: Instance, backend: Backend, folder: Path) -> AsyncIterator[Sandbox]:
    """With the files and the services that the agent gets."""
    files = folder / "files"
    for path, content in instance.files.items():
        (files / path).parent.mkdir(parents=True, exist_ok=True)
        (files / path).write_bytes(content)
    files.mkdir(parents=True, exist_ok=True)
    services = []
    for each in instance.services:
        (folder / f"{each.name}.py").write_bytes(each.program)
        (folder / f"{each.name}.data").write_bytes(each.data)
        program, data = folder / f"{each.name}.py", folder / f"{each.name}.data"
        services.append(Service(name=each.name, program=program, data=data, port=each.port, ready=each.ready))
    async with running(backend, SandboxSpec(layers=(files,), services=tuple(services))) as sandbox:
        yield sandbox


async def verdict_on(instance: Instance, answer: Mapping[str, Any], backend: Backend, folder: Path) -> Verdict:
    """By the real verifier, in a fresh sandbox, on the task as read from its folder."""
    place = folder / f"task{len(list(folder.iterdir()))}"
    write_folder(folder_contents(instance, None), SCRIPTS, place, SharedFiles())
    task = read_task(place, cache=folder / "cache")
    files = {path: content.encode() if isinstance(content, str) else json.dumps(content).encode()
             for path, content in answer.items()}  # fmt: skip
    verdict = await get_verifier(task.verifier).verify(task, reference_diff(instance, files), backend)
    assert verdict.error is None, verdict.error
    return verdict


async def check_is_a_task(instance: Instance, backend: Backend, folder: Path) -> None:
    """Reference passes; nothing and every decoy fail."""
    assert instance.reference is not None
    answer = {path: content.decode() for path, content in instance.reference.items()}
    assert (await verdict_on(instance, answer, backend, folder)).reward == 1
    assert (await verdict_on(instance, {}, backend, folder)).reward < 1
    for decoy in instance.decoys:
        wrong = {path: content.decode() for path, content in decoy.items()}
        assert wrong != answer
        assert (await verdict_on(instance, wrong, backend, folder)).reward < 1, wrong


def seeded(*parts: object) -> Random:
    return Random(" ".join(map(str, parts)))
