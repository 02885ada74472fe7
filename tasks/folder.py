"""Task folders in Harbor's format: ours are written whole, those of others are read as they are.

    ID/task.toml  instruction.md  environment/  tests/  solution/

What the format has no field for lies under `[metadata.gristmill]`. Fields that we do not know are kept
in `Task.config` and written back unchanged. The layout of ours is in docs/tasks.md.
"""

import os
import shutil
from collections.abc import Collection, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import BaseModel, ConfigDict, Field

from environments.diff import Diff
from environments.spec import Limits
from tasks._archive import pack
from tasks._read_folder import read_folder
from tasks._scratch import scratch_in
from tasks._standalone import SOLVE_SH, environment_files, test_files
from tasks.errors import BadTaskFolder
from tasks.paths import is_protected
from tasks.repository import Repository
from tasks.source import Source
from tasks.task import Provenance, Task
from tasks.verifiers.data import PytestData

__all__ = ["RepositoryTask", "SharedFiles", "folder_hash", "read_task", "write_repository_task", "write_task"]

SCHEMA_VERSION = "1.0"
SCRIPTS = ("tests/test.sh", "solution/solve.sh")
_WHAT = {
    "repository": "A bug in",
    "history": "A change of",
    "refactor": "A refactoring of",
    "synthesis": "A function of",
    "documentation": "Code and documentation of",
    "tests": "Tests for",
}


class RepositoryTask(BaseModel):
    """A validated task on a prepared repository, ready to be written."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    instruction: str
    family: str = "repository"
    provenance: Provenance
    files: dict[str, bytes] = Field(description="what differs from the clean source, as the agent gets it")
    absent: tuple[str, ...] = Field((), description="files of the clean source that the agent does not get")
    hidden: dict[str, bytes] = Field(
        default_factory=dict, description="files that only the verifier has, over the source's own tests"
    )
    reference: Diff = Field(description="from the agent's files to the solved state")
    verifier_data: PytestData
    agent_timeout_sec: float = 900.0
    verifier_timeout_sec: float = 600.0
    limits: Limits = Limits()


class SharedFiles:
    """Writes files; a content that a suite has already is linked, so that thousands of tasks share it."""

    def __init__(self) -> None:
        self._places: dict[str, Path] = {}
        self._packed: dict[tuple[object, ...], bytes] = {}

    def write(self, path: Path, content: bytes) -> None:
        """Write or link; only contents above 4 kB are shared, since editors write through a link."""
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = sha256(content).hexdigest()
        known = self._places.get(digest)
        if len(content) > 4096 and known is not None and known.is_file():
            os.link(known, path)
            return
        path.write_bytes(content)

    def settle(self, folder: Path) -> None:
        """Remember the large files of a finished task folder."""
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix in (".gz", ".json") and path.stat().st_size > 4096:
                self._places.setdefault(sha256(path.read_bytes()).hexdigest(), path)

    def packed(self, folders: tuple[Path, ...], keep: frozenset[str] | None = None) -> bytes:
        """`pack`, once for the same folders."""
        key = (folders, keep)
        if key not in self._packed:
            self._packed[key] = pack(folders, keep)
        return self._packed[key]


def read_task(folder: Path, *, cache: Path) -> Task:
    """A task folder, ours or another's. Its environment need not be made yet. Raises BadTaskFolder."""
    return read_folder(folder.resolve(), cache.resolve())


def write_repository_task(
    task: RepositoryTask,
    repository: Repository,
    folder: Path,
    shared: SharedFiles | None = None,
    *,
    beside: Mapping[str, bytes] | None = None,
) -> None:
    """Write one task folder, in one step: it is there whole or not at all. An existing one is replaced.

    `beside`: more files of the folder. The same arguments give the same bytes.
    """
    shared = shared or SharedFiles()
    contents = {**_contents(task, repository, shared), **(beside or {})}
    write_folder(contents, SCRIPTS, folder, shared)


def write_folder(contents: Mapping[str, bytes], executable: Collection[str], folder: Path, shared: SharedFiles) -> None:
    """Write a task folder of these files, in one step; an existing one is replaced."""
    with scratch_in(folder.parent) as scratch:
        new = scratch / folder.name
        for path, content in contents.items():
            shared.write(new / path, content)
        for script in executable:
            (new / script).chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        new.rename(folder)
        shared.settle(folder)


def _contents(task: RepositoryTask, repository: Repository, shared: SharedFiles) -> dict[str, bytes]:
    left_out = {"stable_tests", "stops_early", *(() if task.verifier_data.run_first else ("run_first",))}
    data = task.verifier_data.model_dump(mode="json", exclude=left_out, exclude_none=True)
    files = {
        "task.toml": _task_toml(task, repository).encode(),
        "instruction.md": (task.instruction.rstrip() + "\n").encode(),
        **source_archives(repository.source, task.absent, shared),
        "solution/solve.sh": SOLVE_SH.encode(),
        "solution/reference.patch": task.reference.text().encode(),
    }
    files |= {f"environment/files/{path}": content for path, content in task.files.items()}
    files |= {f"tests/files/{path}": content for path, content in task.hidden.items()}
    files |= {f"environment/{path}": content for path, content in environment_files(repository.recipe).items()}
    files |= {f"tests/{path}": content for path, content in test_files(data, task.verifier_data.stable_tests).items()}
    return files


def source_archives(source: Source, absent: Collection[str], shared: SharedFiles) -> dict[str, bytes]:
    """The two archives of a task folder that hold the clean source: what the agent gets of it, and what is put back."""
    visible = frozenset(path.relative_to(source.code).as_posix() for path in source.code.rglob("*") if path.is_file())
    hidden = {path.relative_to(source.protected).as_posix() for path in source.protected.rglob("*")}
    protected = frozenset(path for path in visible if is_protected(path)) | hidden
    return {
        "environment/source.tar.gz": shared.packed((source.code,), visible - set(absent) if absent else None),
        "tests/protected.tar.gz": shared.packed((source.code, source.protected), protected),
    }


def _task_toml(task: RepositoryTask, repository: Repository) -> str:
    document = tomlkit.document()
    document["schema_version"] = SCHEMA_VERSION
    what = _WHAT.get(task.family, f"{task.family}:")
    document["task"] = _table(
        name=f"gristmill/{task.id}",
        description=f"{what} {repository.source.name} {repository.source.version}".strip(),
        keywords=["python", _category(task), repository.source.name],
    )
    gristmill = _table(
        format=1,
        status="validated",
        family=task.family,
        verifier="pytest",
        recipe=repository.recipe.id,
        absent=list(task.absent) or None,
        provenance=task.provenance.model_dump(mode="json"),
    )
    document["metadata"] = _table(category=_category(task), gristmill=gristmill)
    document["agent"] = _table(timeout_sec=task.agent_timeout_sec)
    document["verifier"] = _table(timeout_sec=task.verifier_timeout_sec)
    document["environment"] = _table(
        build_timeout_sec=600.0,
        cpus=task.limits.cpus,
        memory_mb=task.limits.memory_mb,
        storage_mb=task.limits.disk_mb,
        workdir="/workspace",
        allow_internet=False,
    )
    return tomlkit.dumps(document)


def _category(task: RepositoryTask) -> str:
    return "debugging" if task.family == "repository" else task.family


def _table(**fields: Any) -> Any:
    table = tomlkit.table()
    for key, value in fields.items():
        if value is None:  # TOML has no word for it
            continue
        table[key] = _table(**value) if isinstance(value, dict) else value
    return table


def write_task(task: Task, folder: Path) -> None:
    """Write a task that was read, with its changed instruction, limits and status; all else as it was.

    The text of `task.toml` keeps its comments, order and unknown fields. Raises BadTaskFolder.
    """
    if not (task.folder / "task.toml").is_file():
        raise BadTaskFolder(f"{task.folder}: task {task.id} was not read from a folder with a task.toml")
    document = tomlkit.parse((task.folder / "task.toml").read_bytes().decode())  # bytes: line ends stay
    _set(document, ("agent", "timeout_sec"), task.agent_timeout_sec, default=900.0)
    _set(document, ("verifier", "timeout_sec"), task.verifier_timeout_sec, default=600.0)
    _set(document, ("metadata", "gristmill", "status"), task.status, default="unvalidated")
    with scratch_in(folder.parent) as scratch:
        new = scratch / folder.name
        shutil.copytree(task.folder, new, symlinks=True)
        (new / "task.toml").write_bytes(tomlkit.dumps(document).encode())
        if (new / "instruction.md").read_text(encoding="utf-8").strip() != task.instruction.strip():
            (new / "instruction.md").write_text(task.instruction.rstrip() + "\n", encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        new.rename(folder)


def _set(document: Any, path: tuple[str, ...], value: object, *, default: object) -> None:
    """Set a field unless it says that already, or is absent and the value is its default."""
    table = document
    for name in path[:-1]:
        if name not in table:
            if value == default:
                return
            table[name] = tomlkit.table()
        table = table[name]
    if table.get(path[-1], default) != value:
        table[path[-1]] = value


def folder_hash(folder: Path) -> str:
    """sha256 over the paths, modes and contents of a task folder."""
    digest = sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            digest.update(f"{path.relative_to(folder).as_posix()}\0link\0{path.readlink()}\n".encode())
        elif path.is_file():
            mode = "x" if os.access(path, os.X_OK) else "-"
            content = sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(folder).as_posix()}\0{mode}\0{content}\n".encode())
    return digest.hexdigest()
