"""Several tasks in one folder: their files together, their outputs told apart."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from environments.spec import Limits
from tasks.extension.piece import Piece, Refused, Surroundings, Work


def merged_files(pieces: Sequence[Piece]) -> dict[str, bytes]:
    """The given files of all. Raises Refused where one name means two contents."""
    files: dict[str, bytes] = {}
    for piece in pieces:
        for path, content in piece.files.items():
            if files.setdefault(path, content) != content:
                raise Refused("files of the same name differ", path)
    return dict(sorted(files.items()))


def merged_surroundings(pieces: Sequence[Piece]) -> Surroundings:
    """Services and packages of all, limits that are enough for all. Raises Refused where two do not go together."""
    arounds = [piece.around for piece in pieces]
    services = {service.name: service for around in arounds for service in around.services}
    for around in arounds:
        for service in around.services:
            if services[service.name] != service:
                raise Refused("two services have the same name", service.name)
    ports = Counter(service.port for service in services.values())
    if twice := [port for port, times in ports.items() if times > 1]:
        raise Refused("two services have the same port", str(twice[0]))
    recipes = {around.recipe.id: around.recipe for around in arounds if around.recipe is not None}
    if len(recipes) > 1:
        raise Refused("the packages differ", ", ".join(sorted(recipes)))
    limits = {
        field: max(getattr(around.limits, field) for around in arounds)
        for field in type(arounds[0].limits).model_fields
    }
    # no names of tools means all of them
    tools = set() if any(not around.tools for around in arounds) else {tool for each in arounds for tool in each.tools}
    return Surroundings(
        services=tuple(services[name] for name in sorted(services)),
        recipe=next(iter(recipes.values()), None),
        limits=Limits(**limits),
        agent_timeout_sec=sum(around.agent_timeout_sec for around in arounds),
        verifier_timeout_sec=sum(around.verifier_timeout_sec for around in arounds),
        tools=tuple(sorted(tools)),
        family=arounds[0].family if len({around.family for around in arounds}) == 1 else "extension",
        license=" AND ".join(sorted({around.license for around in arounds if around.license})),
    )


def apart(works: Sequence[Work], outputs: Sequence[str]) -> tuple[list[Work], list[str]]:
    """Works whose answers go to different files: `answer.txt` of the second becomes `answer_2.txt`.

    `outputs`: each work's own answer file; the new ones are returned beside the works. Raises Refused.
    """
    used = Counter(path for work in works for path in work.reference)
    numbers = range(1, len(works) + 1)
    clashing = {path for path, times in used.items() if times > 1 or any(_numbered(path, at) in used for at in numbers)}
    found, paths = [], []
    for at, (work, output) in enumerate(zip(works, outputs, strict=True), start=1):
        names = {path: _numbered(path, at) for path in work.reference if path in clashing}
        found.append(_renamed(work, names) if names else work)
        paths.append(names.get(output, output))
    taken = Counter(path for work in found for path in work.reference)
    if twice := [path for path, times in taken.items() if times > 1]:
        raise Refused("two parts write the same file", twice[0])
    hidden: dict[str, bytes] = {}
    for work in found:
        for path, content in work.hidden.items():
            if hidden.setdefault(path, content) != content:
                raise Refused("hidden files of the same name differ", path)
    return found, paths


def _numbered(path: str, at: int) -> str:
    whole = PurePosixPath(path)
    return whole.with_name(f"{whole.stem}_{at}{whole.suffix}").as_posix()


def _renamed(work: Work, names: dict[str, str]) -> Work:
    """The same work on other files: in its text, its grader's data and its reference."""
    instruction = work.instruction
    for old, new in names.items():
        instruction, times = re.subn(rf"(?<![\w/.]){re.escape(old)}(?![\w/])", new, instruction)
        if not times:
            raise Refused("the instruction does not name its output file", old)
    accepts = tuple(names.get(path, path) for path in work.accepts)
    return replace(
        work,
        instruction=instruction,
        data=_renamed_in(work.data, names),
        accepts=accepts,
        reference={names.get(path, path): content for path, content in work.reference.items()},
    )


def _renamed_in(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed_in(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed_in(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value
