"""Python environments: made once for a recipe, without running any of their code, mounted read-only everywhere.

A wheel is data: it is downloaded by pip and unpacked by `installer`; nothing of it runs on this machine.
The environment lives at CACHE/environments/ID/venv and is shown at one fixed path in every sandbox, so
that its scripts' first lines and its `.pth` file hold in all of them. It has no copy of the repository's
own code: a `.pth` file names the folder where the sandbox has it, and a dist-info says its version.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.scripts import Script
from installer.sources import WheelFile
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename
from pydantic import BaseModel, ConfigDict

from environments.errors import EnvironmentBuildFailed
from environments.spec import Mount
from tasks._declared import Declared
from tasks._scratch import scratch_in
from tasks._tree import locked, publish
from tasks.errors import BadSource
from tasks.recipe import Recipe
from tasks.testrun import VENV

WORKDIR = "/workspace"
_OLDEST_PYTHON = (3, 9)  # what pytest and pip of today still run on
_PIP_TIMEOUT_SEC = 900
_COMPILE_TIMEOUT_SEC = 600


class Interpreter(BaseModel):
    """A Python on this machine, outside any virtual environment."""

    model_config = ConfigDict(frozen=True)

    version: str
    executable: Path
    prefix: Path

    @property
    def minor(self) -> str:
        return ".".join(self.version.split(".")[:2])


# ---------------------------------------------------------------- interpreters


@lru_cache(maxsize=1)
def interpreters() -> tuple[Interpreter, ...]:
    """Pythons that can be used, the one that runs this program first, then the newest."""
    names = [f"python3.{minor}" for minor in range(30, 8, -1)] + ["python3"]
    folders = [Path(folder) for folder in os.get_exec_path()]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    places = [folder / name for folder in folders for name in names]
    places += [folder / "bin" / "python3" for folder in sorted(pyenv.glob("3.*"), reverse=True)]
    found: dict[str, Interpreter] = {}
    for place in (Path(sys.executable), *places):
        if place.is_file() and ".pyenv/shims" not in str(place):
            interpreter = _probe(place)
            if interpreter is not None:
                found.setdefault(interpreter.minor, interpreter)
    first = found.pop(f"{sys.version_info[0]}.{sys.version_info[1]}")
    return (first, *sorted(found.values(), key=lambda each: -int(each.minor.split(".")[1])))


def choose_interpreter(declared: Declared) -> Interpreter:
    """The running Python if the source supports it, else the newest that it supports. Raises BadSource."""
    try:
        wanted = SpecifierSet(declared.requires_python)
    except InvalidSpecifier:
        wanted = SpecifierSet("")
    able = [each for each in interpreters() if wanted.contains(each.version, prereleases=True)]
    if not able:
        here = ", ".join(each.version for each in interpreters())
        raise BadSource(
            f"{declared.source.spec} needs Python {declared.requires_python}, and this machine has {here}; "
            "install one that fits, e.g. by pyenv, and put it on PATH"
        )
    named = declared.classified_pythons
    return next((each for each in able if each.minor in named), able[0])


def find_interpreter(minor: str) -> Interpreter:
    """The Python of this minor version. Raises EnvironmentBuildFailed."""
    for each in interpreters():
        if each.minor == minor:
            return each
    raise EnvironmentBuildFailed(
        f"Python {minor} is not on this machine; install it, e.g. by pyenv, and put it on PATH"
    )


def _probe(executable: Path) -> Interpreter | None:
    code = "import sys, json; print(json.dumps([list(sys.version_info[:3]), sys.base_prefix]))"
    try:
        done = subprocess.run(
            [executable, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    version, prefix = json.loads(done.stdout)
    base = Path(prefix) / "bin" / f"python{version[0]}.{version[1]}"
    if tuple(version[:2]) < _OLDEST_PYTHON or not base.is_file():
        return None
    return Interpreter(version=".".join(map(str, version)), executable=base, prefix=Path(prefix).resolve())


# ---------------------------------------------------------------- wheels


def download_wheels(
    requirements: Sequence[str], interpreter: Interpreter, folder: Path, *, also: Path | None = None
) -> list[str]:
    """Resolve and download wheels into `folder`; gives what is pinned by it, name==version.

    `also`: a folder of wheels that were built here. Raises EnvironmentBuildFailed with pip's reason, e.g.
    where a distribution has no wheel.
    """
    links = ["--find-links", str(also)] if also is not None and also.is_dir() else []
    options = ["download", "--quiet", "--only-binary", ":all:", "--progress-bar", "off", "--dest", str(folder), *links]
    ours = [sys.executable, "-m", "pip"]
    if interpreter != interpreters()[0]:
        ours += ["--python", str(interpreter.executable)]
    done = _pip([*ours, *options, "--", *requirements])
    if done.returncode != 0 and "does not support python" in done.stderr:
        # an interpreter that is older than our pip works with has a pip of its time
        done = _pip([str(interpreter.executable), "-m", "pip", *options, "--", *requirements])
    if done.returncode != 0:
        raise EnvironmentBuildFailed(f"pip found no set of wheels: {_pip_reason(done.stderr)}")
    wheels = (parse_wheel_filename(file.name) for file in folder.glob("*.whl"))
    return sorted(f"{name}=={version}" for name, version, *_ in wheels)


def _pip(command: list[str]) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=_PIP_TIMEOUT_SEC, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentBuildFailed(f"pip took more than {_PIP_TIMEOUT_SEC} s to fetch wheels") from error


def _pip_reason(stderr: str) -> str:
    errors = [line.removeprefix("ERROR: ") for line in stderr.splitlines() if line.startswith("ERROR")]
    return " ".join(errors)[-600:] or stderr.strip()[-600:] or "no message"


# ---------------------------------------------------------------- environments


def environment_folder(recipe_id: str, cache: Path) -> Path:
    return cache / "environments" / recipe_id


def build_environment(recipe: Recipe, cache: Path, wheels: Path | None = None) -> None:
    """Make the environment of a recipe unless it is there; two processes make it once.

    `wheels`: folder with the wheels of exactly the recipe's requirements, where they are here already.
    Raises EnvironmentBuildFailed.
    """
    place = environment_folder(recipe.id, cache)
    if place.is_dir():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with (
        locked(place.parent / f".{recipe.id}.lock"),
        scratch_in(place.parent) as scratch,
    ):
        if place.is_dir():
            return
        interpreter = find_interpreter(recipe.python)
        if wheels is None:
            wheels = scratch / "wheels"
            download_wheels(recipe.requirements, interpreter, wheels)
        new = scratch / "environment"
        _make_venv(new / "venv", interpreter)
        for wheel in sorted(wheels.glob("*.whl")):
            if canonicalize_name(parse_wheel_filename(wheel.name)[0]) != canonicalize_name(recipe.name or "-"):
                _install_wheel(wheel, new / "venv", interpreter)
        if recipe.name:
            _install_own(recipe, new / "venv", interpreter)
        _compile(new / "venv", interpreter)
        (new / "recipe.json").write_text(recipe.model_dump_json(indent=2) + "\n")
        publish(new, place)


def environment_mounts(recipe: Recipe, cache: Path) -> tuple[Mount, ...]:
    """What a sandbox must be shown to have the environment of a recipe, once `build_environment` has made it.

    Raises EnvironmentBuildFailed where this machine has no such Python.
    """
    venv = Mount(source=environment_folder(recipe.id, cache) / "venv", target=VENV)
    prefix = find_interpreter(recipe.python).prefix
    # A root file system has its own /usr, with the same Python where it was made from this machine.
    return (venv,) if prefix == Path("/usr") else (venv, Mount(source=prefix, target=str(prefix)))


def environment_variables() -> dict[str, str]:
    """Of every sandbox with an environment. No bytecode: what was made from clean code would be a trace of it."""
    return {
        "PATH": f"{VENV}/bin:/usr/local/bin:/usr/bin:/bin",
        "VIRTUAL_ENV": VENV,
        "PYTHONDONTWRITEBYTECODE": "1",
        # the agent's repository belongs to whoever made its layer, not to the sandbox's user
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }


def _make_venv(venv: Path, interpreter: Interpreter) -> None:
    (venv / "bin").mkdir(parents=True)
    _site_packages(venv, interpreter).mkdir(parents=True)
    (venv / "lib64").symlink_to("lib")
    (venv / "bin" / "python").symlink_to(interpreter.executable)
    for name in ("python3", f"python{interpreter.minor}"):
        (venv / "bin" / name).symlink_to("python")
    home = f"home = {interpreter.executable.parent}\n"
    (venv / "pyvenv.cfg").write_text(f"{home}include-system-site-packages = false\nversion = {interpreter.version}\n")


def _site_packages(venv: Path, interpreter: Interpreter) -> Path:
    return venv / "lib" / f"python{interpreter.minor}" / "site-packages"


def _install_wheel(wheel: Path, venv: Path, interpreter: Interpreter) -> None:
    packages = str(_site_packages(venv, interpreter))
    scheme = {
        "purelib": packages,
        "platlib": packages,
        "scripts": str(venv / "bin"),
        "data": str(venv),
        "headers": str(venv / "include"),
    }
    destination = SchemeDictionaryDestination(scheme, f"{VENV}/bin/python", "posix", overwrite_existing=True)
    try:
        with WheelFile.open(wheel) as source:
            install(source, destination, additional_metadata={"INSTALLER": b"gristmill"})
    except (ValueError, OSError, KeyError) as error:
        raise EnvironmentBuildFailed(f"{wheel.name} cannot be unpacked: {error}") from error


def _install_own(recipe: Recipe, venv: Path, interpreter: Interpreter) -> None:
    """The repository's own distribution: where its code will be, its version, its commands; none of its code."""
    packages = _site_packages(venv, interpreter)
    paths = [f"{WORKDIR}/{path}".rstrip("/") for path in recipe.import_paths]
    (packages / "_source_under_test.pth").write_text("".join(f"{path}\n" for path in paths))
    escaped = re.sub(r"[-_.]+", "_", recipe.name).lower()
    info = packages / f"{escaped}-{recipe.version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {recipe.name}\nVersion: {recipe.version}\n")
    (info / "INSTALLER").write_text("gristmill\n")
    if recipe.entry_points:
        sections = (
            f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in sorted(entries.items()))
            for group, entries in sorted(recipe.entry_points.items())
        )
        (info / "entry_points.txt").write_text("\n".join(sections))
    for group, section in (("console_scripts", "console"), ("gui_scripts", "gui")):
        for name, target in recipe.entry_points.get(group, {}).items():
            module, _, attribute = target.split("[")[0].strip().partition(":")
            script = Script(name, module, attribute, section)  # type: ignore[arg-type]
            _, content = script.generate(f"{VENV}/bin/python", "posix")
            (venv / "bin" / name).write_bytes(content)
            (venv / "bin" / name).chmod(0o755)
    files = [path for path in info.rglob("*") if path.is_file()]
    (info / "RECORD").write_text("".join(f"{path.relative_to(packages)},,\n" for path in [*files, info / "RECORD"]))


def _compile(venv: Path, interpreter: Interpreter) -> None:
    """Bytecode of the distributions, valid whatever the files' times become in an image. Runs none of them."""
    packages = _site_packages(venv, interpreter)
    command = [str(interpreter.executable), "-I", "-S", "-m", "compileall", "-q", "-q", "-s", str(venv), "-p", VENV]
    command += ["--invalidation-mode", "unchecked-hash", str(packages)]
    try:
        # A few files of test suites and templates are no valid Python; compileall says so by its exit code.
        subprocess.run(command, capture_output=True, timeout=_COMPILE_TIMEOUT_SEC, check=False)
    except subprocess.TimeoutExpired as error:
        raise EnvironmentBuildFailed(f"compiling the environment took more than {_COMPILE_TIMEOUT_SEC} s") from error
