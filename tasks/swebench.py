"""SWE-bench instances: a suite as JSONL in the data set's fields, and such a file as a suite, without loss.

An instance that one of our tasks was written as has a further field, `gristmill`, from which the task folder is made
again byte for byte. Of an instance of somebody else the task folder keeps the whole row, in `swebench.json`.
Fields after the data set's public description (Jimenez et al., 2024; princeton-nlp/SWE-bench).
"""

import base64
import json
import os
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from environments.diff import Diff, FileChange, check_path
from tasks._archive import archive_layer
from tasks._read_folder import read_recipe
from tasks._scratch import write_at_once
from tasks._standalone import environment_files, test_files
from tasks.errors import BadInstance
from tasks.folder import SCRIPTS
from tasks.recipe import Recipe
from tasks.suite import Suite
from tasks.task import Task
from tasks.verifiers.data import pytest_data

SIDECAR = "swebench.json"
FORMAT = 1
ARCHIVES = ("environment/source.tar.gz", "tests/protected.tar.gz")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_GITHUB = re.compile(r"github\.com[/:]([\w.-]+/[\w.-]+?)(?:\.git)?(?:@|/?$)")


class FolderInRow(BaseModel):
    """The field `gristmill`: what of a task folder the other fields do not say."""

    model_config = ConfigDict(frozen=True)

    format: int
    source: str = Field(description="as it was given: pypi:NAME==VERSION, git+URL@REV or a folder")
    source_hash: str
    absent: tuple[str, ...] = Field((), description="files of the source that the agent does not get")
    archives: dict[str, str] = Field(description="path -> sha256 of what is made from the source again")
    has_stable_tests: bool = Field(True, description="PASS_TO_PASS and `failing_at` give the stable tests")
    failing_at: tuple[int, ...] = Field((), description="of each FAIL_TO_PASS, its place in the stable tests, or -1")
    files: dict[str, str | dict[str, str]] = Field(description="path -> text, or {'base64': ...}")
    executable: tuple[str, ...] = ()

    @field_validator("format")
    @classmethod
    def _is_known(cls, value: int) -> int:
        if value != FORMAT:
            raise ValueError(f"this version reads {FORMAT}")
        return value

    @field_validator("files")
    @classmethod
    def _stay_inside(cls, value: dict[str, str | dict[str, str]]) -> dict[str, str | dict[str, str]]:
        for path in value:
            check_path(path)
        return value


class Instance(BaseModel):
    """One row. `row` holds all of it, as it was, fields that nobody knows included."""

    model_config = ConfigDict(frozen=True)

    instance_id: str = Field(min_length=1)
    repo: str = Field(min_length=1)
    base_commit: str = Field(min_length=1)
    patch: str
    problem_statement: str
    test_patch: str = ""
    version: str | None = None
    FAIL_TO_PASS: tuple[str, ...]
    PASS_TO_PASS: tuple[str, ...] = ()
    gristmill: FolderInRow | None = None
    row: dict[str, Any]

    @field_validator("FAIL_TO_PASS", "PASS_TO_PASS", mode="before")
    @classmethod
    def _is_a_list(cls, value: object) -> object:
        """The data set has a JSON list in a string, some of its descendants a list."""
        return json.loads(value) if isinstance(value, str) else value

    def stable_tests(self) -> tuple[str, ...]:
        """Of an instance that one of our tasks was written as. Raises ValueError where the fields contradict."""
        if self.gristmill is None or not self.gristmill.has_stable_tests:
            return ()
        tests = list(self.PASS_TO_PASS)
        for at, test in sorted(zip(self.gristmill.failing_at, self.FAIL_TO_PASS, strict=True)):
            if at >= 0:
                tests.insert(at, test)
        return tuple(tests)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Instance":
        """Raises ValidationError."""
        return cls.model_validate({**row, "row": dict(row)})


def read_instances(file: Path) -> list[Instance]:
    """A JSONL file (or one JSON list) of instances. Raises BadInstance with line and field."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInstance(f"{file}: cannot be read: {error}") from error
    found: list[Instance] = []
    lines: dict[str, int] = {}
    for line, data in _rows(file, text):
        try:
            instance = Instance.of(_object(data))
        except ValidationError as error:
            problems = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            raise BadInstance(f"{file}:{line}: " + "; ".join(problems)) from error
        except ValueError as error:
            raise BadInstance(f"{file}:{line}: {error}") from error
        if instance.instance_id in lines:
            raise BadInstance(
                f"{file}:{line}: instance_id: {instance.instance_id} stands in line {lines[instance.instance_id]} too"
            )
        lines[instance.instance_id] = line
        found.append(instance)
    return found


def write_instances(rows: list[dict[str, Any]], file: Path) -> None:
    """JSONL, in one step."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_at_once(file, "".join(json.dumps(row) + "\n" for row in rows).encode())


def export_suite(suite: Suite) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The rows of a suite's tasks; and of those that cannot be instances, why. Raises BadTaskFolder."""
    rows: list[dict[str, Any]] = []
    left_out: dict[str, str] = {}
    for task in suite.tasks():
        if (task.folder / SIDECAR).is_file():
            rows.append(_known_row(task))
        elif read_recipe(task.folder) is None or task.reference is None:
            left_out[task.id] = "no repository task: an instance needs a repository, tests and a reference"
        elif any(path.is_symlink() for path in task.folder.rglob("*")):
            left_out[task.id] = "its folder holds a link, which no row can hold"
        else:
            rows.append(_row_of(task, suite.cache))
    return rows, left_out


def _known_row(task: Task) -> dict[str, Any]:
    """The row that the task was made from, with the problem statement as it is now."""
    try:
        row: dict[str, Any] = json.loads((task.folder / SIDECAR).read_text(encoding="utf-8"))
        stated = str(row["problem_statement"])
    except (ValueError, KeyError) as error:
        raise BadInstance(f"{task.folder / SIDECAR}: is not the row of an instance: {error}") from error
    is_the_same = stated.split() == task.instruction.split()  # a file's line ends are read as \n
    return row if is_the_same else {**row, "problem_statement": task.instruction}


def _row_of(task: Task, cache: Path) -> dict[str, Any]:
    recipe = read_recipe(task.folder)
    assert recipe is not None and task.reference is not None
    data = pytest_data(task.verifier_data)
    provenance = task.provenance
    commit = provenance.revision if _COMMIT.fullmatch(provenance.revision) else provenance.source_hash
    github = _GITHUB.search(provenance.source)
    others = [test for test in data.stable_tests if test not in set(data.fail_to_pass)]
    return {
        "instance_id": task.id,
        "repo": github.group(1) if github else provenance.repository,
        "base_commit": commit,
        "patch": task.reference.text(),
        "test_patch": _test_patch(task, cache),
        "problem_statement": task.instruction,
        "hints_text": "",
        "created_at": str(provenance.details.get("date", "")),
        "version": recipe.version,
        "FAIL_TO_PASS": json.dumps(data.fail_to_pass),
        "PASS_TO_PASS": json.dumps(others or data.pass_to_pass),
        "environment_setup_commit": commit,
        "gristmill": _folder_in_row(task, recipe).model_dump(mode="json"),
    }


def _test_patch(task: Task, cache: Path) -> str:
    """From the tests of the source to those that decide."""
    clean = archive_layer(task.folder / "tests/protected.tar.gz", cache)
    changes = []
    for path, after in _files_below(task.folder / "tests/files"):
        before = (clean / path).read_bytes() if (clean / path).is_file() else None
        if before != after:
            changes.append(FileChange(path=path, before=before, after=after))
    return Diff(changes=tuple(changes)).text()


def _folder_in_row(task: Task, recipe: Recipe) -> FolderInRow:
    folder = task.folder
    data = pytest_data(task.verifier_data)
    places = {test: at for at, test in enumerate(data.stable_tests)}
    implied = {
        **implied_files(recipe, data.stable_tests),
        "instruction.md": f"{task.instruction}\n".encode(),
        "solution/reference.patch": task.reference.text().encode() if task.reference else b"",
    }
    files = {path: _as_json(content) for path, content in _files_below(folder)
             if path not in ARCHIVES and implied.get(path) != content}  # fmt: skip
    metadata = task.config.get("metadata", {}).get("gristmill", {})
    executable = [path for path, _ in _files_below(folder) if os.access(folder / path, os.X_OK)]
    return FolderInRow(
        format=FORMAT,
        source=task.provenance.source,
        source_hash=task.provenance.source_hash,
        absent=tuple(metadata.get("absent", ())),
        archives={path: sha256((folder / path).read_bytes()).hexdigest() for path in ARCHIVES},
        has_stable_tests=bool(data.stable_tests),
        failing_at=tuple(places.get(test, -1) for test in data.fail_to_pass),
        files=files,
        executable=() if tuple(executable) == tuple(sorted(SCRIPTS)) else tuple(executable),
    )


def implied_files(recipe: Recipe, stable: tuple[str, ...]) -> dict[str, bytes]:
    """The files of a task folder that follow from its recipe, which a row keeps, and its stable tests."""
    made = {f"environment/{path}": content for path, content in environment_files(recipe).items()
            if path != "recipe.json"}  # fmt: skip
    made |= {f"tests/{path}": content for path, content in test_files({}, stable).items() if path != "tests.json"}
    return made


def _files_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def _as_json(content: bytes) -> str | dict[str, str]:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


def from_json(content: str | Mapping[str, str]) -> bytes:
    """Raises ValueError and KeyError."""
    return content.encode() if isinstance(content, str) else base64.b64decode(content["base64"], validate=True)


def _rows(file: Path, text: str) -> Iterator[tuple[int, Any]]:
    if text.lstrip().startswith("["):
        try:
            yield from enumerate(json.loads(text), start=1)
        except ValueError as error:
            raise BadInstance(f"{file}: is not valid JSON: {error}") from error
        return
    yield from ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())


def _object(data: Any) -> dict[str, Any]:
    """Raises ValueError."""
    row = json.loads(data) if isinstance(data, str) else data
    if not isinstance(row, dict):
        raise ValueError("is no JSON object")
    return row
