"""Reading a task folder: one of ours becomes layers and a mounted environment, another's an image or its files."""

import json
import re
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from environments.diff import Diff, parse_diff
from environments.errors import BadDiff
from environments.sandbox import Backend
from environments.spec import Limits, SandboxSpec, Service
from tasks._archive import archive_layer, files_layer, git_layer
from tasks._bytecode import bytecode_layer, ensure_bytecode
from tasks._patch import old_paths
from tasks._task_toml import TaskToml, read_task_toml
from tasks.errors import BadTaskFolder
from tasks.recipe import Recipe, recipe_id
from tasks.repository import environment_spec, with_room_for_reports
from tasks.task import Provenance, Task
from tasks.verifiers.data import GradedData, PytestData

_FOREIGN_WORKDIR = "/app"
Model = TypeVar("Model", bound=BaseModel)


class _Ours(BaseModel):
    """`[metadata.gristmill]`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    format: int = 1
    status: str = "unvalidated"
    family: str = "repository"
    verifier: str = "pytest"
    recipe: str = ""
    tools: tuple[str, ...] = ()
    provenance: Provenance | None = None


def read_folder(folder: Path, cache: Path) -> Task:
    """Raises BadTaskFolder, naming file and field."""
    if not folder.is_dir():
        raise BadTaskFolder(f"{folder}: there is no such folder")
    toml, document = read_task_toml(folder / "task.toml")
    ours = _ours(folder, toml)
    common: dict[str, Any] = {
        "id": folder.name,
        "folder": folder,
        "instruction": _instruction(folder, toml),
        "agent_timeout_sec": toml.agent.timeout_sec,
        "verifier_timeout_sec": toml.verifier.timeout_sec,
        "config": document,
    }
    if ours is not None and ours.verifier == "graded":
        return _graded_task(folder, cache, toml, ours, common)
    if ours is not None and (folder / "environment" / "recipe.json").is_file():
        return _repository_task(folder, cache, toml, ours, common)
    return _foreign_task(folder, toml, ours, common)


def read_recipe(folder: Path) -> Recipe | None:
    """The recipe of a task folder's environment, None where it has an image of its own. Raises BadTaskFolder."""
    file = folder / "environment" / "recipe.json"
    if not file.is_file():
        return None
    recipe = _model(file, Recipe)
    if recipe.id != recipe_id(recipe):
        raise BadTaskFolder(f"{file}: id: is not the id of what the file says; it should be {recipe_id(recipe)!r}")
    return recipe


async def ensure_test_bytecode(folder: Path, cache: Path, backend: Backend) -> None:
    """Make the bytecode of the tests of a task folder of ours, whose environment is there, once for all alike."""
    recipe = read_recipe(folder)
    if recipe is None or not (folder / "environment" / "source.tar.gz").is_file():
        return
    code = archive_layer(_existing(folder / "environment" / "source.tar.gz"), cache)
    protected = archive_layer(_existing(folder / "tests" / "protected.tar.gz"), cache)
    spec = environment_spec(recipe, cache, (code, protected), with_room_for_reports(Limits()))
    await ensure_bytecode(spec, protected, backend, cache)


# ---------------------------------------------------------------- ours


def _repository_task(folder: Path, cache: Path, toml: TaskToml, ours: _Ours, common: dict[str, Any]) -> Task:
    recipe = read_recipe(folder)
    assert recipe is not None
    data = _model(folder / "tests" / "tests.json", PytestData)
    stable = _json(folder / "tests" / "stable_tests.json") if (folder / "tests" / "stable_tests.json").is_file() else []
    files = _files_below(folder / "environment" / "files")
    code = archive_layer(_existing(folder / "environment" / "source.tar.gz"), cache)
    protected = archive_layer(_existing(folder / "tests" / "protected.tar.gz"), cache)
    changed = files_layer(files, cache)
    hidden = _files_below(folder / "tests" / "files")
    limits = _limits(toml)
    clean_spec = environment_spec(recipe, cache, (code, protected), with_room_for_reports(limits))
    layers = (code, protected, *bytecode_layer(clean_spec, cache), changed)
    if hidden:
        layers = (*layers, files_layer(hidden, cache, seconds=1))
    return Task(
        **common,
        family=ours.family,
        provenance=ours.provenance or _provenance(folder, toml),
        agent_spec=environment_spec(recipe, cache, (code, changed, git_layer((code, changed), cache)), limits),
        verifier_spec=clean_spec.model_copy(update={"layers": layers}),
        verifier=ours.verifier,
        verifier_data=data.model_copy(update={"stable_tests": tuple(stable)}).model_dump(exclude_none=True),
        reference=_reference(folder / "solution" / "reference.patch", code, files),
        tools=ours.tools,
        status="validated" if ours.status == "validated" else "unvalidated",
    )


def _graded_task(folder: Path, cache: Path, toml: TaskToml, ours: _Ours, common: dict[str, Any]) -> Task:
    """A task of a template: its own files, what its packages and services need, and a grader that decides."""
    recipe = read_recipe(folder)
    files = _files_below(folder / "environment" / "files")
    hidden = _files_below(folder / "tests" / "files")
    layers = (files_layer(files, cache),) if files else ()
    spec = SandboxSpec(layers=layers, limits=_limits(toml))
    if recipe is not None:
        spec = environment_spec(recipe, cache, layers, spec.limits)
    spec = spec.model_copy(update={"services": _services(folder / "environment")})
    grading = _model(folder / "tests" / "grading.json", GradedData)
    over = (files_layer(hidden, cache, seconds=1),) if hidden else ()
    return Task(
        **common,
        family=ours.family,
        provenance=ours.provenance or _provenance(folder, toml),
        agent_spec=spec,
        verifier_spec=spec.model_copy(update={"layers": (*layers, *over)}),
        verifier=ours.verifier,
        verifier_data=grading.model_dump(mode="json"),
        reference=_reference(folder / "solution" / "reference.patch", None, files),
        tools=ours.tools,
        status="validated" if ours.status == "validated" else "unvalidated",
    )


def _services(environment: Path) -> tuple[Service, ...]:
    file = environment / "services.json"
    listed = _json(file) if file.is_file() else []
    found = []
    for each in listed:
        program = _existing(environment / "services" / f"{each.get('name')}.py")
        try:
            found.append(Service(**each, program=program, data=program.with_suffix(".data")))
        except ValidationError as error:
            raise BadTaskFolder(_explained(file, error)) from error
    return tuple(found)


def _reference(file: Path, code: Path | None, files: dict[str, bytes]) -> Diff | None:
    if not file.is_file():
        return None
    try:
        text = file.read_bytes().decode()  # bytes: line ends are part of a patch
    except UnicodeDecodeError as error:
        raise BadTaskFolder(
            f"{file}: is not UTF-8 text ({error}); write other files as git's binary patches"
        ) from error
    before = {}  # of the files that it touches alone: git takes in each one
    for path in old_paths(text):
        if path in files:
            before[path] = files[path]
        elif code is not None and (code / path).is_file():
            before[path] = (code / path).read_bytes()
    try:
        return parse_diff(text, before)
    except BadDiff as error:
        raise BadTaskFolder(f"{file}: does not apply to the task's files: {error}") from error


def _ours(folder: Path, toml: TaskToml) -> _Ours | None:
    table = toml.metadata.get("gristmill")
    if table is None:
        return None
    try:
        return _Ours.model_validate(table)
    except ValidationError as error:
        raise BadTaskFolder(_explained(folder / "task.toml", error, "metadata.gristmill.")) from error


# ---------------------------------------------------------------- others'


def _foreign_task(folder: Path, toml: TaskToml, ours: _Ours | None, common: dict[str, Any]) -> Task:
    environment = folder / "environment"
    if not (folder / "tests" / "test.sh").is_file() and (ours is None or ours.verifier == "script"):
        raise BadTaskFolder(f"{folder / 'tests' / 'test.sh'}: there is no such file; it decides the reward")
    image, context = toml.environment.docker_image, None
    if image is None and (environment / "Dockerfile").is_file():
        context = environment
    spec = SandboxSpec(
        layers=() if image or context or not environment.is_dir() else (environment,),
        env=toml.environment.env,
        network=toml.environment.network,
        limits=_limits(toml),
        image=image,
        build_context=context,
    )
    workdir = toml.environment.workdir or _workdir_of(environment / "Dockerfile")
    if workdir is None and not image and not context:
        workdir = _FOREIGN_WORKDIR
    if workdir is not None:  # else the image's own, which only its backend knows
        spec = spec.model_copy(update={"workdir": workdir})
    solve = folder / "solution" / "solve.sh"
    return Task(
        **common,
        family=ours.family if ours else str(toml.metadata.get("category", "foreign")),
        provenance=(ours.provenance if ours else None) or _provenance(folder, toml),
        agent_spec=spec,
        verifier_spec=spec,
        verifier=ours.verifier if ours else "script",
        verifier_data={"env": toml.verifier.env, **_plain_data(folder)},
        solve_script=solve.read_bytes() if solve.is_file() else None,
        tools=ours.tools if ours else (),
        status="validated" if ours and ours.status == "validated" else "unvalidated",
    )


def _workdir_of(dockerfile: Path) -> str | None:
    """The last absolute WORKDIR that a Dockerfile names."""
    if not dockerfile.is_file():
        return None
    text = dockerfile.read_text(errors="replace")
    found = re.findall(r"^\s*WORKDIR\s+\"?(/[^\s\"]*)", text, re.MULTILINE | re.IGNORECASE)
    return found[-1] if found else None


def _plain_data(folder: Path) -> dict[str, Any]:
    file = folder / "tests" / "verifier.json"
    if not file.is_file():
        return {}
    data = _json(file)
    if not isinstance(data, dict):
        raise BadTaskFolder(f"{file}: must hold one JSON object")
    return data


def _provenance(folder: Path, toml: TaskToml) -> Provenance:
    return Provenance(
        source=str(folder),
        source_hash="",
        license=str(toml.metadata.get("license", "")),
        repository=toml.task.name or folder.name,
    )


# ---------------------------------------------------------------- both


def _instruction(folder: Path, toml: TaskToml) -> str:
    file = folder / "instruction.md"
    if not file.is_file():
        if toml.steps:
            raise BadTaskFolder(f"{folder / 'task.toml'}: steps: tasks of several steps cannot be run; split them")
        raise BadTaskFolder(f"{file}: there is no such file; it tells the agent what to do")
    text = file.read_text(encoding="utf-8", errors="replace").strip()
    if not text:
        raise BadTaskFolder(f"{file}: is empty; it tells the agent what to do")
    return text


def _limits(toml: TaskToml) -> Limits:
    table = toml.environment
    given = {
        "cpus": table.cpus,
        "memory_mb": table.memory_mb or table.memory,
        "disk_mb": table.storage_mb or table.storage,
    }
    return Limits.model_validate({name: value for name, value in given.items() if value is not None})


def _existing(file: Path) -> Path:
    if not file.is_file():
        raise BadTaskFolder(f"{file}: there is no such file")
    return file


def _files_below(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _json(file: Path) -> Any:
    try:
        return json.loads(_existing(file).read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadTaskFolder(f"{file}: is not valid JSON: {error}") from error


def _model(file: Path, kind: type[Model]) -> Model:
    try:
        return kind.model_validate(_json(file))
    except ValidationError as error:
        raise BadTaskFolder(_explained(file, error)) from error


def _explained(file: Path, error: ValidationError, prefix: str = "") -> str:
    lines = (f"{file}: {prefix}{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
    return "\n".join(lines)
