"""An instance is a task where its reference passes, nothing and every decoy fail, and the answer lies nowhere open.

All by the real verifier, in real sandboxes, on the task as it is read back from its folder.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from environments.diff import Diff
from environments.sandbox import Backend, running
from tasks._environment import interpreters
from tasks._scratch import scratch_in
from tasks._sdists import ensure_environment, obtain_wheels
from tasks.audit.needles import squeeze, tells_something
from tasks.errors import VerifierFault
from tasks.folder import SharedFiles, read_task, write_folder
from tasks.recipe import Recipe, recipe_id
from tasks.task import Task
from tasks.templates.drawing import draw
from tasks.templates.folder import SCRIPTS, folder_contents, reference_diff
from tasks.templates.instance import Instance
from tasks.templates.template import Template
from tasks.verdict import Verdict
from tasks.verifiers import get_verifier


@dataclass(frozen=True)
class Refused:
    """Why an instance is no task; `reason` is short and countable."""

    reason: str
    detail: str = ""


async def validate_draw(
    phrasings: Sequence[Instance], backend: Backend, *, cache: Path, scratch: Path, recipe: Recipe | None = None
) -> list[dict[str, bytes] | None] | Refused:
    """The files of the task folders of one draw's phrasings, or why it is no task.

    Phrasings differ in nothing that is run: the first is validated for all. `scratch`: a folder for half-made things;
    `recipe`: of the packages (`recipe_of`). Raises VerifierFault where the verifier itself fails, EnvironmentFault.
    """
    first = phrasings[0]
    with scratch_in(scratch) as place:
        task = await asyncio.to_thread(written, first, recipe, place / first.id, cache)
        reference, why = await _reference(first, task, backend)
        if not reference.changes:
            return Refused("the reference changes nothing", why)
        for instance in phrasings:
            if leak := told(instance, reference):
                return Refused("the answer lies open", leak)
        if refused := await _judged(first, task, reference, backend):
            return refused
    return [folder_contents(instance, reference, recipe) for instance in phrasings]


async def validate_instance(
    instance: Instance, backend: Backend, *, cache: Path, scratch: Path, recipe: Recipe | None = None
) -> dict[str, bytes] | Refused:
    """`validate_draw` of one instance."""
    found = await validate_draw([instance], backend, cache=cache, scratch=scratch, recipe=recipe)
    if isinstance(found, Refused):
        return found
    assert found[0] is not None
    return found[0]


def written(instance: Instance, recipe: Recipe | None, folder: Path, cache: Path) -> Task:
    """The instance as a task without a reference, by way of a folder that is not there yet."""
    write_folder(folder_contents(instance, None, recipe), SCRIPTS, folder, SharedFiles())
    return read_task(folder, cache=cache)


async def _reference(instance: Instance, task: Task, backend: Backend) -> tuple[Diff, str]:
    """What the solution changes; a script's end of output where there is one."""
    if instance.reference is not None:
        return reference_diff(instance, instance.reference), ""
    async with running(backend, task.agent_spec) as sandbox:
        done = await sandbox.run(["bash", "-c", instance.reference_script], timeout_sec=task.agent_timeout_sec)
        said = f"the script ended with exit code {done.exit_code}: {(done.stderr or done.stdout).strip()[-500:]}"
        if done.exit_code != 0:
            return Diff(), said
        return await sandbox.diff(), said


async def _judged(instance: Instance, task: Task, reference: Diff, backend: Backend) -> Refused | None:
    nothing = await _verdict(task, Diff(), backend)
    if nothing.is_solved:
        return Refused("doing nothing passes")
    verdict = await _verdict(task, reference, backend)
    if not verdict.is_solved:
        return Refused("the reference fails", _why(verdict))
    for number, files in enumerate(instance.decoys):
        decoy = reference_diff(instance, files)
        if (await _verdict(task, decoy, backend)).is_solved:
            return Refused("a decoy passes", f"decoy {number}: {', '.join(files)}")
    return None


async def _verdict(task: Task, diff: Diff, backend: Backend) -> Verdict:
    verdict = await get_verifier(task.verifier).verify(task, diff, backend)
    if verdict.error:
        raise VerifierFault(f"{task.id}: the verifier failed: {verdict.error}")
    return verdict


def _why(verdict: Verdict) -> str:
    failed = [f"{check.name}: {check.detail}" for check in verdict.checks if not check.passed]
    dropped = f"; changes that did not count: {', '.join(verdict.dropped_paths[:5])}" if verdict.dropped_paths else ""
    return f"reward {verdict.reward:g}; {'; '.join(failed[:5])}{dropped}; {verdict.evidence[-300:]}"


def told(instance: Instance, reference: Diff) -> str:
    """Where the answer stands that an agent need only copy; empty where it stands nowhere.

    Answers of a word or a number cannot be looked for: they stand in the data by their nature.
    """
    open_texts: Mapping[str, bytes] = {**instance.files, "the instruction": instance.instruction.encode()}
    squeezed = {path: squeeze(content.decode(errors="replace")) for path, content in open_texts.items()}
    answers = {change.path: change.after for change in reference.changes if change.after}
    kept = {path: content for path, content in instance.hidden.items() if instance.files.get(path) != content}
    for path, content in (*answers.items(), *kept.items()):
        text = content.decode(errors="replace")
        if not tells_something(text):
            continue
        for place, given in squeezed.items():
            if squeeze(text) in given:
                return f"{place} holds all of {path}"
    return ""


# ---------------------------------------------------------------- packages


async def recipe_of(packages: tuple[str, ...], backend: Backend, cache: Path) -> Recipe | None:
    """The recipe of these packages with all that they need, its environment made. None without packages.

    Raises EnvironmentBuildFailed.
    """
    if not packages:
        return None
    python = interpreters()[0]
    with scratch_in(cache / "tmp") as folder:
        pinned = await obtain_wheels(packages, python, folder, backend, cache)
    recipe = Recipe(id="", python=python.minor, requirements=tuple(sorted(pinned)), import_paths=())
    recipe = recipe.model_copy(update={"id": recipe_id(recipe)})
    await ensure_environment(recipe, backend, cache)
    return recipe


async def try_template(
    template: Template, backend: Backend, *, n: int, cache: Path, seed: int = 0, phrasing: str = ""
) -> list[tuple[Instance, dict[str, bytes] | Refused]]:
    """The first `n` draws with their folders' files, or why they are none; for those who write templates.

    Raises BadTemplate.
    """
    recipe = await recipe_of(tuple(template.source.environment.packages), backend, cache)
    found = []
    for index in range(n):
        for instance in draw(template, seed, index, phrasing=phrasing):
            decided = await validate_instance(instance, backend, cache=cache, scratch=cache / "tmp", recipe=recipe)
            found.append((instance, decided))
    return found
