"""Pieces from task folders, and task folders from pieces."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tomlkit

from environments.spec import Limits
from tasks._read_folder import read_recipe
from tasks._task_toml import read_task_toml
from tasks.errors import BadTaskFolder
from tasks.extension.piece import Piece, Refused, Step, Surroundings, Typed, Work
from tasks.task import Provenance
from tasks.templates.instance import Instance, ServiceData

JOINT = "all"


def read_piece(folder: Path) -> Piece:
    """A task folder. Raises Refused where the task cannot be extended, with what it lacks, and BadTaskFolder.

    Reads the files alone and makes no Task of them, which asks git for the reference and takes fifty times longer.
    """
    toml, _ = read_task_toml(folder / "task.toml")
    ours = toml.metadata.get("gristmill") or {}
    if ours.get("verifier") != "graded":
        raise Refused("not a graded task")
    details = ours.get("provenance", {}).get("details") or {}
    inputs = {str(name): _typed(each) for name, each in (details.get("inputs") or {}).items()}
    given_output = details.get("output") or {}
    work = _work(folder)
    texts = details.get("parameters") or {}
    memory, disk = toml.environment.memory_mb, toml.environment.storage_mb
    given = {"cpus": toml.environment.cpus, "memory_mb": memory, "disk_mb": disk}
    return Piece(
        id=folder.name,
        works=(work,),
        files=_below(folder / "environment" / "files"),
        inputs={name: typed for name, typed in inputs.items() if typed.value},
        output=_typed(given_output) if given_output else None,
        output_path=str(given_output.get("path") or next(iter(work.reference))),
        question=str(texts.get("question") or ""),
        description=str(texts.get("description") or ""),
        steps=tuple(Step(**{**each, "documents": tuple(each["documents"])}) for each in details.get("steps") or ()),
        parents=tuple(details.get("parents") or ()),
        around=Surroundings(
            services=_services(folder / "environment"),
            recipe=read_recipe(folder),
            limits=Limits.model_validate({name: value for name, value in given.items() if value is not None}),
            agent_timeout_sec=toml.agent.timeout_sec,
            verifier_timeout_sec=toml.verifier.timeout_sec,
            tools=tuple(ours.get("tools") or ()),
            family=str(ours.get("family") or ""),
            license=str(toml.metadata.get("license") or ""),
        ),
    )


def _work(folder: Path) -> Work:
    """Raises Refused for a reference that removes files or is missing, BadTaskFolder for files that cannot be read."""
    reference = _below(folder / "solution" / "files")
    patch = folder / "solution" / "reference.patch"
    if not reference or not patch.is_file():
        raise Refused("no reference solution")
    if re.search(r"^deleted file mode", patch.read_text(errors="replace"), re.MULTILINE):
        raise Refused("its reference removes files")
    file = folder / "tests" / "grading.json"
    try:
        grading = json.loads(file.read_text(encoding="utf-8"))
        return Work(
            instruction=(folder / "instruction.md").read_text(encoding="utf-8").strip() + "\n",
            grader=str(grading["grader"]),
            data=dict(grading["data"]),
            accepts=tuple(grading.get("accepts") or ()),
            reference=reference,
            hidden=_below(folder / "tests" / "files"),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadTaskFolder(f"{file}: cannot be read: {type(error).__name__}: {error}") from error


def instance_of(piece: Piece) -> Instance:
    """What a piece's task folder is written from."""
    first, around = piece.works[0], piece.around
    data: Mapping[str, Any] = first.data
    if len(piece.works) > 1:
        word = "step" if piece.by == "chain" else "part"
        graders = [
            {"name": f"{word} {at}", "grader": work.grader, "data": work.data}
            for at, work in enumerate(piece.works, start=1)
        ]
        data = {"graders": graders, "in_order": piece.by == "chain"}
    return Instance(
        template=f"{piece.by}_{piece.level}",
        family=around.family,
        instruction=piece.instruction.strip(),
        grader=first.grader if len(piece.works) == 1 else JOINT,
        grading=data,
        files=piece.files,
        hidden={path: content for work in piece.works for path, content in work.hidden.items()},
        services=around.services,
        limits=around.limits,
        agent_timeout_sec=around.agent_timeout_sec,
        verifier_timeout_sec=around.verifier_timeout_sec,
        tools=around.tools,
        accepts=_accepts(piece),
        reference=piece.reference,
        decoys=piece.decoys,
        description=f"{piece.level} tasks in one, by {piece.by}.",
        license=around.license,
        tags=(piece.by, f"level-{piece.level}"),
    )


def with_provenance(contents: Mapping[str, bytes], provenance: Provenance) -> dict[str, bytes]:
    """The files of a task folder, saying where the task comes from."""
    document = tomlkit.parse(contents["task.toml"].decode())
    document["metadata"]["gristmill"]["provenance"] = provenance.model_dump(mode="json")
    return {**contents, "task.toml": tomlkit.dumps(document).encode()}


def details_of(piece: Piece) -> dict[str, Any]:
    """What is kept of an extended task: its level, what it was made of, and its own inputs and output."""
    found: dict[str, Any] = {
        "template": f"{piece.by}_{piece.level}",
        "by": piece.by,
        "level": piece.level,
        "parents": list(piece.parents),
        "steps": [_plain(step) for step in piece.steps],
        "inputs": {name: asdict(typed) for name, typed in piece.inputs.items()},
        "parameters": {"question": piece.question, "description": piece.description},
        "tags": [piece.by, f"level-{piece.level}"],
    }
    if piece.output is not None:
        found["output"] = {**asdict(piece.output), "path": piece.output_path}
    return found


def _plain(step: Step) -> dict[str, Any]:
    return {**asdict(step), "documents": list(step.documents)}


def _typed(value: Mapping[str, Any]) -> Typed:
    return Typed(str(value.get("type", "")), str(value.get("value", "")))


def _accepts(piece: Piece) -> tuple[str, ...]:
    """Nothing named by one part means everything but the given files, for all."""
    if any(not work.accepts for work in piece.works):
        return ()
    return tuple(dict.fromkeys(path for work in piece.works for path in work.accepts))


def _below(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file()) if folder.is_dir() else ()
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _services(environment: Path) -> tuple[ServiceData, ...]:
    file = environment / "services.json"
    listed = json.loads(file.read_text()) if file.is_file() else []
    return tuple(
        ServiceData(
            name=each["name"],
            program=(environment / "services" / f"{each['name']}.py").read_bytes(),
            data=(environment / "services" / f"{each['name']}.data").read_bytes(),
            port=each["port"],
            ready=each["ready"],
        )
        for each in listed
    )
