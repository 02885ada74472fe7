"""Distributions that exist only as sdists: built to wheels in a sandbox, where their code may run.

The build requirements are wheels, fetched beforehand, so the sandbox needs no network.
"""

import asyncio
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from environments.errors import EnvironmentBuildFailed
from environments.sandbox import Backend, running
from environments.spec import Limits, SandboxSpec
from tasks._environment import (
    WORKDIR,
    Interpreter,
    build_environment,
    download_wheels,
    environment_folder,
    environment_mounts,
    environment_variables,
    find_interpreter,
)
from tasks._fetch import download_sdist, unpack
from tasks._scratch import scratch_in, write_at_once
from tasks.errors import BadSource
from tasks.recipe import Recipe, recipe_id

_BUILD_TIMEOUT_SEC = 600.0
_MAX_BYTES = 200_000_000
_MOST_BUILDS = 10
_OUT = ".wheel-built-here"


async def ensure_environment(recipe: Recipe, backend: Backend, cache: Path) -> None:
    """Make the environment of a recipe unless it is there. Raises EnvironmentBuildFailed."""
    if environment_folder(recipe.id, cache).is_dir():
        return
    with scratch_in(cache / "tmp") as folder:
        await obtain_wheels(recipe.requirements, find_interpreter(recipe.python), folder, backend, cache)
        await asyncio.to_thread(build_environment, recipe, cache, folder)


async def obtain_wheels(
    requirements: Sequence[str], interpreter: Interpreter, folder: Path, backend: Backend, cache: Path
) -> list[str]:
    """`download_wheels`, with wheels built here for what has none. Raises EnvironmentBuildFailed."""
    built: set[str] = set()
    while True:
        try:
            return await asyncio.to_thread(download_wheels, requirements, interpreter, folder, also=cache / "wheels")
        except EnvironmentBuildFailed as fault:
            missing = unobtainable(str(fault))
            if missing is None or missing.name in built or len(built) >= _MOST_BUILDS:
                raise
            built.add(missing.name)
            try:
                await _build_wheel(missing, interpreter, backend, cache)
            except (EnvironmentBuildFailed, BadSource) as cause:
                raise EnvironmentBuildFailed(f"{fault} (no wheel could be built here either: {cause})") from fault


def unobtainable(reason: str) -> Requirement | None:
    """What pip found nowhere as a wheel, by what it said."""
    found = re.search(r"satisfies the requirement (\S+)", reason) or re.search(
        r"No matching distribution found for (\S+)", reason
    )
    if found is None:
        return None
    try:
        return Requirement(found.group(1))
    except InvalidRequirement:
        return None


async def _build_wheel(requirement: Requirement, interpreter: Interpreter, backend: Backend, cache: Path) -> None:
    """Build one sdist and keep its wheel in CACHE/wheels. Raises EnvironmentBuildFailed, BadSource."""
    with scratch_in(cache / "tmp") as folder:
        archive = await asyncio.to_thread(download_sdist, requirement.name, str(requirement.specifier), folder)
        await asyncio.to_thread(unpack, archive, folder / "tree", max_bytes=_MAX_BYTES)
        roots = [path for path in (folder / "tree").iterdir() if path.is_dir()]
        if len(roots) != 1:
            raise BadSource(f"{archive.name} does not hold exactly one folder")
        needs = [*_build_requirements(roots[0]), "pip"]
        pinned = await asyncio.to_thread(download_wheels, needs, interpreter, folder / "wheels")
        recipe = _builder(interpreter, pinned)
        await asyncio.to_thread(build_environment, recipe, cache, folder / "wheels")
        spec = SandboxSpec(
            layers=(roots[0],),
            mounts=environment_mounts(recipe, cache),
            workdir=WORKDIR,
            env=environment_variables(),
            limits=Limits(),
        )
        name, content = await _run_build(requirement, spec, backend)
    place = cache / "wheels" / name
    write_at_once(place, content)


async def _run_build(requirement: Requirement, spec: SandboxSpec, backend: Backend) -> tuple[str, bytes]:
    command = [
        "python",
        "-m",
        "pip",
        "--no-cache-dir",
        "--disable-pip-version-check",
        "wheel",
        "--no-deps",
        "--no-index",
    ]
    async with running(backend, spec) as sandbox:
        done = await sandbox.run(
            [*command, "--no-build-isolation", "--wheel-dir", _OUT, "."], timeout_sec=_BUILD_TIMEOUT_SEC
        )
        if done.exit_code != 0:
            raise EnvironmentBuildFailed(f"building {requirement.name} failed: {(done.stderr or done.stdout)[-1000:]}")
        name = (await sandbox.run(["ls", _OUT], timeout_sec=10)).stdout.strip()
        if not re.fullmatch(r"[\w.+!-]+\.whl", name) or not _is_of(name, requirement):
            raise EnvironmentBuildFailed(f"building {requirement.name} gave {name or 'nothing'!r}, not one wheel of it")
        return name, await sandbox.read_file(f"{_OUT}/{name}", max_bytes=_MAX_BYTES)


def _is_of(wheel: str, requirement: Requirement) -> bool:
    return canonicalize_name(wheel.split("-")[0]) == canonicalize_name(requirement.name)


def _build_requirements(tree: Path) -> list[str]:
    """`[build-system] requires`; setuptools of a time that still reads old setup.py files where none is stated."""
    file = tree / "pyproject.toml"
    try:
        system = tomllib.loads(file.read_text()).get("build-system", {}) if file.is_file() else {}
    except tomllib.TOMLDecodeError as error:
        raise BadSource(f"its pyproject.toml cannot be read: {error}") from error
    return [str(line) for line in system.get("requires", [])] or ["setuptools<81", "wheel"]


def _builder(interpreter: Interpreter, pinned: Sequence[str]) -> Recipe:
    recipe = Recipe(id="", python=interpreter.minor, requirements=tuple(sorted(pinned)), import_paths=())
    return recipe.model_copy(update={"id": recipe_id(recipe)})
