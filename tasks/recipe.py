"""A recipe: how to make the environment in which a repository's tests run; and the ladder that finds one.

FIELD.md's lesson: with one recipe for all, one repository in five builds. So each source's own
declarations are tried in turn, and each rung that failed keeps its reason.
"""

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tasks._declared import TEST_NAMES, Declared, clean_requirements, read_requirements
from tasks.source import Source

# pytest runs the tests, coverage maps lines to tests; every environment has them.
ALWAYS = ("pytest", "coverage")

# Modules whose distribution has another name.
_DISTRIBUTIONS = {
    "yaml": "pyyaml",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "git": "gitpython",
    "jose": "python-jose",
    "jwt": "pyjwt",
    "mock": "mock",
    "OpenSSL": "pyopenssl",
    "PIL": "pillow",
    "pkg_resources": "setuptools<81",
    "psycopg2": "psycopg2-binary",
    "ruamel": "ruamel.yaml",
    "serial": "pyserial",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "zmq": "pyzmq",
    "google.protobuf": "protobuf",
    "typing_extensions": "typing-extensions",
    "pytest_asyncio": "pytest-asyncio",
}
# Options and settings of pytest that come with a plugin.
_OPTIONS = {
    "--asyncio": "pytest-asyncio",
    "--benchmark": "pytest-benchmark",
    "--timeout": "pytest-timeout",
    "--mypy": "pytest-mypy",
    "--black": "pytest-black",
    "--flake8": "pytest-flake8",
    "--doctest-plus": "pytest-doctestplus",
    "--doctest-rst": "pytest-doctestplus",
    "--mpl": "pytest-mpl",
    "--django": "pytest-django",
    "--ds": "pytest-django",
    "--snapshot": "syrupy",
    "--hypothesis": "hypothesis",
    "--forked": "pytest-forked",
    "--disable-socket": "pytest-socket",
    "--strict-data-files": "pytest-datafiles",
}
_FIXTURES = {
    "mocker": "pytest-mock",
    "benchmark": "pytest-benchmark",
    "httpserver": "pytest-httpserver",
    "freezer": "pytest-freezer",
    "requests_mock": "requests-mock",
    "httpx_mock": "pytest-httpx",
    "snapshot": "syrupy",
    "data_regression": "pytest-regressions",
    "file_regression": "pytest-regressions",
    "subtests": "pytest-subtests",
    "faker": "faker",
    "fs": "pyfakefs",
    "datadir": "pytest-datadir",
    "aiohttp_client": "pytest-aiohttp",
    "anyio_backend": "anyio",
    "script_runner": "pytest-console-scripts",
}


class RungResult(BaseModel):
    """One rung of the ladder that finds a repository's test dependencies, and why it failed (or '')."""

    model_config = ConfigDict(frozen=True)

    rung: str
    reason: str = ""


class Recipe(BaseModel):
    """How to make the environment again, here or elsewhere: content-addressed by `id`."""

    model_config = ConfigDict(frozen=True)

    id: str
    python: str = Field(description="major.minor of the interpreter")
    requirements: tuple[str, ...] = Field(description="every distribution pinned, name==version, sorted")
    import_paths: tuple[str, ...] = Field(description="relative to workdir, put on sys.path, e.g. ('src',) or ('',)")
    name: str = Field("", description="the repository's own distribution")
    version: str = ""
    entry_points: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="its own: group -> name -> object"
    )
    ladder: tuple[RungResult, ...] = ()


class Rung(BaseModel):
    """A set of requirements worth trying."""

    model_config = ConfigDict(frozen=True)

    name: str
    requirements: tuple[str, ...]


def make_recipe(declared: Declared, python: str, pinned: Sequence[str], ladder: Sequence[RungResult] = ()) -> Recipe:
    """The recipe of these pinned distributions; its id names all that the environment is made of."""
    fields = {
        "python": python,
        "requirements": tuple(sorted(pinned)),
        "import_paths": import_paths(declared.source),
        "name": declared.name,
        "version": declared.version,
        "entry_points": declared.entry_points(),
    }
    return Recipe(id=recipe_id(Recipe(id="", **fields)), **fields, ladder=tuple(ladder))


def recipe_id(recipe: Recipe) -> str:
    """16 hex digits over all fields but the ladder."""
    return sha256(recipe.model_dump_json(exclude={"id", "ladder"}).encode()).hexdigest()[:16]


def ladder(declared: Declared) -> Iterator[Rung]:
    """The rungs, best first; those that ask for the same are left out."""
    own, runtime = declared.name, declared.runtime()
    extras, groups = declared.extras(), declared.groups()
    seen = set()
    for name, lines in _rungs(declared, extras, groups):
        wanted = clean_requirements([*runtime, *lines, *ALWAYS], own_name=own, drop_tools=True)
        if (key := frozenset(wanted)) not in seen:
            seen.add(key)
            yield Rung(name=name, requirements=tuple(wanted))


def _rungs(
    declared: Declared, extras: dict[str, list[str]], groups: dict[str, list[str]]
) -> Iterator[tuple[str, list[str]]]:
    tests = [name for name in TEST_NAMES if name in extras or name in groups]
    named = [name for name in tests if "test" in name]
    others = [name for name in (*extras, *groups) if "test" in name and name not in TEST_NAMES]
    for kind, names in (("tests", [*named, *others]), ("tests and development", tests)):
        lines = [line for name in names for line in (*extras.get(name, []), *groups.get(name, []))]
        if lines:
            yield f"extras and groups for {kind}: {', '.join(names)}", lines
    if runners := declared.test_runners():
        yield "tox.ini and noxfile.py", runners
    for file in declared.requirements_files():
        yield f"requirements file {file.name}", read_requirements(file)
    yield "pytest alone", []


def missing_distributions(output: str, *, tried: Sequence[str]) -> list[str]:
    """Distributions that would bring what a failed run missed: modules, options, fixtures."""
    modules = re.findall(r"(?:ModuleNotFoundError|ImportError): No module named '?([\w.]+)'?", output)
    found = [_DISTRIBUTIONS.get(name) or _DISTRIBUTIONS.get(top := name.split(".")[0]) or top for name in modules]
    for line in re.findall(r"unrecognized arguments: (.*)", output):
        found += [name for option, name in _OPTIONS.items() if option in line]
    for fixture in re.findall(r"fixture '(\w+)' not found", output):
        found += [_FIXTURES[fixture]] if fixture in _FIXTURES else []
    if "async def functions are not natively supported" in output:
        found.append("pytest-asyncio")
    known = {re.split(r"[\[<>=!~; ]", name.lower())[0].replace("_", "-") for name in tried}
    return [name for name in dict.fromkeys(found) if name.lower().replace("_", "-") not in known]


def import_paths(source: Source) -> tuple[str, ...]:
    """Folders that belong on sys.path: `src` or `lib` where packages lie in it, else the root."""
    for folder in ("src", "lib", "python"):
        if _holds_modules(source.code / folder):
            return (folder, "") if _holds_packages(source.code) else (folder,)
    return ("",)


def _holds_modules(folder: Path) -> bool:
    return folder.is_dir() and not (folder / "__init__.py").is_file() and (
        _holds_packages(folder) or any(folder.glob("*.py"))
    )  # fmt: skip


def _holds_packages(folder: Path) -> bool:
    ignored = {"docs", "doc", "examples", "benchmarks", "scripts", "tools"}
    return any(file.parent.name not in ignored for file in folder.glob("*/__init__.py"))
