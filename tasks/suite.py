"""A suite: a named, versioned set of tasks: `suite.json` and `tasks/ID/` folders."""

import json
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from environments.errors import EnvironmentBuildFailed
from environments.sandbox import Backend
from tasks._read_folder import ensure_test_bytecode, read_recipe
from tasks._scratch import scratch_in, sweep, write_at_once
from tasks._sdists import ensure_environment
from tasks.errors import BadTaskFolder, TaskFault
from tasks.folder import RepositoryTask, SharedFiles, folder_hash, read_task, write_folder, write_repository_task
from tasks.repository import Repository
from tasks.task import Task

MANIFEST = "suite.json"
REJECTIONS = "rejections.jsonl"


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
    cache: Path
    folders: dict[str, Path] = Field(description="task id -> its folder")

    def task_ids(self) -> list[str]:
        return list(self.folders)

    def task(self, task_id: str) -> Task:
        """Raises BadTaskFolder."""
        if task_id not in self.folders:
            raise BadTaskFolder(f"{self.folder}: the suite has no task {task_id!r}")
        return read_task(self.folders[task_id], cache=self.cache)

    def tasks(self) -> Iterator[Task]:
        return (self.task(task_id) for task_id in self.folders)


def open_suite(folder: Path, *, cache: Path) -> Suite:
    """Open a folder with `suite.json`, or any folder of Harbor task folders (or one such folder) without.

    Environments that a task names and that are not in the cache are made ready by `prepare_suite`.
    Raises BadTaskFolder.
    """
    folder = folder.resolve()
    if not folder.is_dir():
        raise BadTaskFolder(
            f"{folder}: there is no such folder; a suite is a folder with {MANIFEST} or of task folders"
        )
    if (folder / MANIFEST).is_file():
        manifest = _read_manifest(folder / MANIFEST)
        folders = {task_id: folder / "tasks" / task_id for task_id in manifest.tasks}
        for task_id, place in folders.items():
            if not place.is_dir():
                raise BadTaskFolder(f"{folder / MANIFEST}: tasks: {task_id!r} has no folder {place}")
    else:
        folders = _find_folders(folder)
        hashes = {task_id: folder_hash(place) for task_id, place in folders.items()}
        manifest = Manifest(name=folder.name, hash=_hash(hashes), tasks=hashes)
    return Suite(folder=folder, manifest=manifest, cache=cache.resolve(), folders=folders)


async def prepare_suite(suite: Suite, backend: Backend, *, cache: Path) -> None:
    """Make the Python environments that the suite's tasks name and the cache lacks; each once.

    Raises BadTaskFolder, and TaskFault where an environment cannot be made here.
    """
    recipes = {recipe.id: recipe for place in suite.folders.values() if (recipe := read_recipe(place)) is not None}
    for recipe in recipes.values():
        try:
            await ensure_environment(recipe, backend, cache.resolve())
        except EnvironmentBuildFailed as fault:
            raise TaskFault(f"{suite.folder}: the environment {recipe.id} cannot be made: {fault}") from fault
    for place in {_archives(place): place for place in suite.folders.values()}.values():
        await ensure_test_bytecode(place, cache.resolve(), backend)


def _archives(place: Path) -> tuple[object, ...]:
    """The same for tasks that share their environment's and tests' files, as those of one suite do by links."""
    names = ("environment/recipe.json", "environment/source.tar.gz", "tests/protected.tar.gz")
    files = [place / name for name in names]
    if not all(file.is_file() for file in files):
        return (place,)
    recipe, *archives = files
    return (recipe.read_bytes(), *((file.stat().st_dev, file.stat().st_ino) for file in archives))


class SuiteWriter:
    """Writes a suite task by task; a half-written one is gone on with. The manifest comes last.

    Until `finish`, the folder has no manifest: what is there after a kill is a set of whole task folders.
    """

    def __init__(self, folder: Path, *, name: str = "", version: str = "1") -> None:
        self.folder = folder.resolve()
        self.name = name or self.folder.name
        self.version = version
        self._shared = SharedFiles()
        (self.folder / "tasks").mkdir(parents=True, exist_ok=True)
        sweep(self.folder)
        sweep(self.folder / "tasks")
        self._known = {path.name for path in (self.folder / "tasks").iterdir() if (path / "task.toml").is_file()}
        for task_id in sorted(self._known)[:1]:
            self._shared.settle(self.folder / "tasks" / task_id)

    @property
    def task_ids(self) -> frozenset[str]:
        """Of the tasks that are written already."""
        return frozenset(self._known)

    @property
    def shared(self) -> SharedFiles:
        """What the suite's tasks have in common, for those who make the files of a task themselves."""
        return self._shared

    def add(self, task: RepositoryTask, repository: Repository, beside: Mapping[str, bytes] | None = None) -> None:
        """Write one task, with more files in its folder; the same task again gives the same bytes."""
        self._reopen()
        write_repository_task(task, repository, self.folder / "tasks" / task.id, self._shared, beside=beside)
        self._known.add(task.id)

    def add_folder(self, task_id: str, contents: Mapping[str, bytes], executable: Collection[str]) -> None:
        """Write the files of a task folder as they are."""
        self._reopen()
        write_folder(contents, executable, self.folder / "tasks" / task_id, self._shared)
        self._known.add(task_id)

    def remove(self, task_id: str) -> None:
        """Take a task out again, e.g. one that a shorter run of the same seed does not have."""
        self._reopen()
        shutil.rmtree(self.folder / "tasks" / task_id)
        self._known.discard(task_id)

    def reject(self, rejection: BaseModel) -> None:
        """Keep why a candidate is no task."""
        with (self.folder / REJECTIONS).open("a", encoding="utf-8") as file:
            file.write(rejection.model_dump_json() + "\n")

    def rejections(self) -> list[dict[str, object]]:
        """All that are kept, each once, sorted; a line cut short by a kill is left out."""
        file = self.folder / REJECTIONS
        lines = set(file.read_text(encoding="utf-8").splitlines()) if file.is_file() else set()
        found = []
        for line in sorted(lines):
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found

    def finish(self, provenance: Mapping[str, object] | None = None) -> Manifest:
        """Write `suite.json`, in one step, over the tasks that are there now."""
        rejections = self.rejections()
        text = "".join(json.dumps(each, separators=(",", ":")) + "\n" for each in rejections)
        write_at_once(self.folder / REJECTIONS, text.encode())
        hashes = {task_id: folder_hash(self.folder / "tasks" / task_id) for task_id in sorted(self._known)}
        manifest = Manifest(
            name=self.name,
            version=self.version,
            hash=_hash(hashes),
            tasks=hashes,
            provenance=dict(provenance or {}),
        )
        write_at_once(self.folder / MANIFEST, (manifest.model_dump_json(indent=2) + "\n").encode())
        return manifest

    def _reopen(self) -> None:
        """A manifest says that a suite is whole; while it is written it is not."""
        (self.folder / MANIFEST).unlink(missing_ok=True)


def write_subset(suite: Suite, task_ids: Sequence[str], out: Path) -> Manifest:
    """Write some tasks of a suite, byte for byte, as a suite of their own. Raises BadTaskFolder if `out` holds one."""
    if out.exists() and any(out.iterdir()):
        raise BadTaskFolder(f"{out}: is not empty; give another --out")
    with scratch_in(out.resolve().parent) as scratch:
        new = scratch / out.name
        (new / "tasks").mkdir(parents=True)
        for task_id in task_ids:
            shutil.copytree(suite.folders[task_id], new / "tasks" / task_id, symlinks=True)
        hashes = {task_id: folder_hash(new / "tasks" / task_id) for task_id in sorted(task_ids)}
        manifest = Manifest(
            name=out.name,
            version=suite.manifest.version,
            hash=_hash(hashes),
            tasks=hashes,
            provenance={"subset_of": suite.manifest.hash, "whole": suite.manifest.provenance},
        )
        (new / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")
        if out.exists():
            out.rmdir()
        new.rename(out)
    return manifest


def keep_beside(suite: Suite, name: str, content: bytes) -> Path | None:
    """Keep a file of this name with the suite (its hash is over the tasks alone); None if the folder is read-only."""
    try:
        write_at_once(suite.folder / name, content)
    except OSError:
        return None
    return suite.folder / name


def _find_folders(folder: Path) -> dict[str, Path]:
    if (folder / "task.toml").is_file():
        return {folder.name: folder}
    for parent in (folder / "tasks", folder):
        found = {file.parent.name: file.parent for file in sorted(parent.glob("*/task.toml"))}
        if found:
            return found
    raise BadTaskFolder(f"{folder}: holds neither {MANIFEST} nor task folders (a folder with a task.toml)")


def _read_manifest(file: Path) -> Manifest:
    try:
        return Manifest.model_validate_json(file.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        if isinstance(error, ValidationError):
            lines = (f"{file}: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            raise BadTaskFolder("\n".join(lines)) from error
        raise BadTaskFolder(f"{file}: is not UTF-8 text") from error


def _hash(hashes: Mapping[str, str]) -> str:
    return sha256("".join(f"{task_id}\0{digest}\n" for task_id, digest in sorted(hashes.items())).encode()).hexdigest()
