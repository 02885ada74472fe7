"""A file of SWE-bench instances as a suite: each instance on its repository, validated by running both sides."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from environments.errors import EnvironmentFault
from environments.sandbox import Backend
from tasks import _swebench_others as others
from tasks._read_folder import ensure_test_bytecode, read_recipe
from tasks._sdists import ensure_environment
from tasks._swebench_own import folder_of
from tasks.candidate import Rejection
from tasks.contamination import Contamination, marked
from tasks.decisions import Validated
from tasks.errors import BadTaskFolder, TaskFault, VerifierFault
from tasks.folder import RepositoryTask, read_task
from tasks.repository import Repository, prepare_repository
from tasks.revalidate import why_invalid
from tasks.source import Source, fetch_source
from tasks.suite import MANIFEST, SuiteWriter
from tasks.swebench import SIDECAR, Instance


class ImportResult(BaseModel):
    """What became of the instances: ids of those that are tasks; instance id -> why of the others."""

    model_config = ConfigDict(frozen=True)

    suite: str
    suite_hash: str
    instances: int
    accepted: tuple[str, ...]
    refused: dict[str, str]

    def reasons(self) -> Counter[str]:
        return Counter(reason.partition(": ")[0] for reason in self.refused.values())


async def import_instances(
    instances: Sequence[Instance],
    backend: Backend,
    *,
    repositories: Mapping[str, str],
    out: Path,
    cache: Path,
    jobs: int,
    allow_leaks: bool = False,
    contamination: Contamination | None = None,
    on_progress: Callable[[int], None] = lambda done: None,
) -> ImportResult:
    """Write a suite of the instances that hold. `repositories`: `repo` -> a git URL, folder or other source.

    Those of one repository state share its preparation. Raises BadTaskFolder if `out` holds a suite already, and
    EnvironmentFault where no sandbox can be started.
    """
    if (out / MANIFEST).is_file():
        raise BadTaskFolder(f"{out}: holds a suite already; give another --out")
    writer = SuiteWriter(out)
    work = _Import(writer, backend, cache, jobs, allow_leaks, contamination)
    by_source: dict[str, list[Instance]] = defaultdict(list)
    for instance in instances:
        spec = source_spec(instance, repositories)
        if isinstance(spec, Rejection):
            work.refuse(spec)
        else:
            by_source[spec].append(instance)
    for spec, group in by_source.items():
        try:
            source = fetch_source(spec, cache=cache)
            await work.take(group, source)
        except TaskFault as fault:
            for instance in group:
                work.refuse(others.refused(instance, "repository cannot be used", str(fault)))
        on_progress(len(work.accepted) + len(work.refused))
    manifest = writer.finish({"request": {"instances": [each.instance_id for each in instances]}})
    return ImportResult(
        suite=str(out),
        suite_hash=manifest.hash,
        instances=len(instances),
        accepted=tuple(each.instance_id for each in instances if each.instance_id in work.accepted),
        refused=work.refused,
    )


def source_spec(instance: Instance, repositories: Mapping[str, str]) -> str | Rejection:
    """Where the instance's repository is, in the state of its base commit."""
    given = repositories.get(instance.repo)
    if instance.gristmill is not None:
        return given or instance.gristmill.source
    if given is None:
        return others.refused(
            instance, "no repository", f"give --repository {instance.repo}=git+URL (or a folder with its history)"
        )
    if given.startswith("pypi:"):
        return others.refused(
            instance, "no history", f"{given} has no commit {instance.base_commit}; give a git source"
        )
    place = given.removeprefix("git+") if given.startswith("git+") else str(Path(given).expanduser().resolve())
    return f"git+{place}@{instance.base_commit}"


class _Import:
    """Writes the tasks of one group after another."""

    def __init__(
        self,
        writer: SuiteWriter,
        backend: Backend,
        cache: Path,
        jobs: int,
        allow_leaks: bool,
        contamination: Contamination | None,
    ) -> None:
        self.accepted: set[str] = set()
        self.refused: dict[str, str] = {}
        self._writer = writer
        self._backend = backend
        self._cache = cache
        self._jobs = jobs
        self._allow_leaks = allow_leaks
        self._contamination = contamination
        self._preparing = asyncio.Lock()

    def refuse(self, rejection: Rejection) -> None:
        self._writer.reject(rejection)
        self.refused[rejection.candidate_id] = ": ".join(filter(None, (rejection.reason, rejection.detail)))

    async def take(self, group: Sequence[Instance], source: Source) -> None:
        """All of one source. Raises TaskFault where the repository cannot be prepared."""
        ours = [each for each in group if each.gristmill is not None]
        slots = asyncio.Semaphore(self._jobs)
        await asyncio.gather(*(self._take_ours(each, source, slots) for each in ours))
        theirs = [each for each in group if each.gristmill is None]
        if not theirs:
            return
        repository = await prepare_repository(source, self._backend, cache=self._cache)
        found = await asyncio.gather(*(self._decided(each, repository, slots) for each in theirs))
        for instance, result in zip(theirs, found, strict=True):
            task = (
                result
                if isinstance(result, Rejection)
                else others.task_of(instance, result, repository, allow_leaks=self._allow_leaks)
            )
            if isinstance(task, Rejection):
                self.refuse(task.model_copy(update={"candidate_id": instance.instance_id}))
            else:
                self._write(instance, task, repository)

    async def _decided(
        self, instance: Instance, repository: Repository, slots: asyncio.Semaphore
    ) -> Validated | Rejection:
        candidate = others.candidate_of(instance, repository.source)
        if isinstance(candidate, Rejection):
            return candidate
        async with slots:
            try:
                return await others.both_sides(candidate, repository, self._backend)
            except (VerifierFault, EnvironmentFault) as fault:
                return others.refused(instance, "could not be run", str(fault))

    def _write(self, instance: Instance, task: RepositoryTask, repository: Repository) -> None:
        if task.id in self._writer.task_ids:
            self.refuse(others.refused(instance, "duplicate", f"there is a task {task.id} already"))
            return
        if self._contamination is not None:
            hits = self._contamination.check(task.id, task.provenance, task.instruction, task.reference)
            task = task.model_copy(update={"provenance": marked(task.provenance, hits)})
        row = json.dumps(instance.row, indent=1) + "\n"
        self._writer.add(task, repository, {SIDECAR: row.encode()})
        self.accepted.add(instance.instance_id)

    async def _take_ours(self, instance: Instance, source: Source, slots: asyncio.Semaphore) -> None:
        """A task of ours is written as it was, and stays if it holds here too."""
        task_id = others.task_id(instance)
        async with slots:
            try:
                self._writer.add_folder(task_id, *folder_of(instance, source, self._writer.shared))
                reason = await self._why_not(self._writer.folder / "tasks" / task_id)
            except (TaskFault, EnvironmentFault) as fault:
                reason = str(fault)
        if not reason:
            self.accepted.add(instance.instance_id)
            return
        if task_id in self._writer.task_ids:
            self._writer.remove(task_id)
        self.refuse(others.refused(instance, "does not hold here", reason))

    async def _why_not(self, folder: Path) -> str:
        """Raises TaskFault and EnvironmentFault."""
        recipe = read_recipe(folder)
        if recipe is None:
            return "it has no recipe of an environment"
        async with (
            self._preparing
        ):  # both hold a file lock while they wait, which stops the whole process a second time
            await ensure_environment(recipe, self._backend, self._cache)
            await ensure_test_bytecode(folder, self._cache, self._backend)
        task = read_task(folder, cache=self._cache)
        return await why_invalid(task, task.reference, self._backend)
