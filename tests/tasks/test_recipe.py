"""The ladder: a repository's own words about its tests' dependencies, each spelled as people spell them."""

import asyncio
import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from environments import Backend, EnvironmentBuildFailed
from tasks._declared import Declared, clean_requirements, read_requirements
from tasks._environment import build_environment, choose_interpreter, environment_folder, interpreters
from tasks._sdists import ensure_environment
from tasks.errors import BadSource
from tasks.recipe import import_paths, ladder, make_recipe, missing_distributions
from tasks.repository import prepare_repository
from tasks.source import fetch_source


def declared(tmp_path: Path, **files: str) -> Declared:
    folder = tmp_path / "repository"
    for path, text in {"pkg__init__py": "", **files}.items():
        name = {"pkg__init__py": "pkg/__init__.py"}.get(path, path)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return Declared(fetch_source(str(folder), cache=tmp_path / "cache"))


def rungs(found: Declared) -> dict[str, set[str]]:
    return {rung.name: set(rung.requirements) - {"pytest", "coverage"} for rung in ladder(found)}


def test_extras_and_groups(tmp_path: Path) -> None:
    text = """
[project]
name = "pkg"
version = "3"
dependencies = ["attrs>=22"]
[project.optional-dependencies]
test = ["hypothesis", "pkg[fast]"]
fast = ["orjson"]
docs = ["sphinx"]
[dependency-groups]
tests = ["pytest-mock", {include-group = "more"}]
more = ["freezegun"]
dev = ["ruff", "mypy", {include-group = "tests"}, "pyyaml"]
"""
    assert rungs(declared(tmp_path, **{"pyproject.toml": text})) == {
        "extras and groups for tests: test, tests": {"attrs>=22", "hypothesis", "orjson", "pytest-mock", "freezegun"},
        "extras and groups for tests and development: test, tests, dev": {
            "attrs>=22",
            "hypothesis",
            "orjson",
            "pytest-mock",
            "freezegun",
            "pyyaml",
        },
        "pytest alone": {"attrs>=22"},
    }


def test_poetry(tmp_path: Path) -> None:
    text = """
[tool.poetry]
name = "pkg"
version = "0.3.1"
[tool.poetry.dependencies]
python = "^3.9"
requests = "^2.3"
tiny = "~0.4"
rich = {version = "^0.3.2", extras = ["all"], markers = "os_name == 'posix'"}
maybe = {version = "*", optional = true}
[tool.poetry.group.test.dependencies]
pytest-mock = "*"
[tool.poetry.scripts]
run = "pkg:main"
"""
    found = declared(tmp_path, **{"pyproject.toml": text})
    assert found.runtime() == [
        "requests>=2.3,<3",
        "tiny>=0.4,<0.5",
        "rich[all]>=0.3.2,<0.4; os_name == 'posix'",
    ]
    assert found.requires_python == ">=3.9,<4"
    assert found.entry_points() == {"console_scripts": {"run": "pkg:main"}}
    assert "pytest-mock" in rungs(found)["extras and groups for tests: test"]


def test_setup_cfg(tmp_path: Path) -> None:
    text = """
[metadata]
name = pkg
[options]
install_requires =
    attrs
    # a comment
    six >= 1
[options.extras_require]
testing = pytest-mock
[options.entry_points]
console_scripts =
    run = pkg.cli:main
"""
    found = declared(tmp_path, **{"setup.cfg": text})
    assert found.runtime() == ["attrs", "six >= 1"]
    assert rungs(found)["extras and groups for tests: testing"] == {"attrs", "six>=1", "pytest-mock"}
    assert found.entry_points() == {"console_scripts": {"run": "pkg.cli:main"}}


def test_setup_py_is_read_and_never_run(tmp_path: Path) -> None:
    text = "raise SystemExit\nfrom setuptools import setup\nsetup(install_requires=['six', 'attrs'])\n"
    assert declared(tmp_path, **{"setup.py": text}).runtime() == ["six", "attrs"]


def test_tox_nox_and_requirements_files(tmp_path: Path) -> None:
    found = declared(
        tmp_path,
        **{
            "tox.ini": "[testenv]\ndeps =\n  pytest-mock\n  py39: mock\n  -r x.txt\n[testenv:docs]\ndeps = sphinx\n",
            "noxfile.py": "def tests(session):\n    session.install('-e', '.', 'freezegun')\n",
            "requirements-test.txt": "-r base.txt\nresponses==0.25.0  # a comment\n--hash=x\n",
            "base.txt": "six; python_version > '3'\n",
        },
    )
    assert rungs(found) == {
        "tox.ini and noxfile.py": {"pytest-mock", "mock", "freezegun"},
        "requirements file requirements-test.txt": {'six; python_version > "3"', "responses==0.25.0"},
        "pytest alone": set(),
    }


def test_requirements_files_may_include_each_other(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("-r b.txt\none\n")
    (tmp_path / "b.txt").write_text("two>=1\n-e .\n")
    assert read_requirements(tmp_path / "a.txt") == ["two>=1", "one"]


def test_what_cannot_be_installed_is_left_out() -> None:
    lines = ["pkg[extra]", "x @ https://host/x.whl", "not a requirement", "ruff", "six", "six"]
    assert clean_requirements(lines, own_name="Pkg", drop_tools=True) == ["six"]


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ("E   ModuleNotFoundError: No module named 'yaml'", ["pyyaml"]),
        ("E   ModuleNotFoundError: No module named 'hypothesis.strategies'", ["hypothesis"]),
        (
            "error: unrecognized arguments: --benchmark-disable --asyncio-mode=auto",
            ["pytest-asyncio", "pytest-benchmark"],
        ),
        ("E       fixture 'mocker' not found", ["pytest-mock"]),
        ("async def functions are not natively supported.", ["pytest-asyncio"]),
        ("E   ModuleNotFoundError: No module named 'six'", []),
        ("all is well", []),
    ],
)
def test_what_a_failed_run_missed(said: str, missing: list[str]) -> None:
    assert missing_distributions(said, tried=["six>=1", "pytest"]) == missing


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, ("",)),
        ({"src/one/__init__.py": ""}, ("src", "")),
        ({"src/__init__.py": ""}, ("",)),
    ],
)
def test_import_paths(tmp_path: Path, files: dict[str, str], expected: tuple[str, ...]) -> None:
    assert import_paths(declared(tmp_path, **files).source) == expected


def test_a_source_for_a_python_that_is_not_here_says_so(tmp_path: Path) -> None:
    found = declared(tmp_path, **{"pyproject.toml": '[project]\nname = "pkg"\nrequires-python = ">=4"\n'})
    with pytest.raises(BadSource, match=r"needs Python >=4, and this machine has 3\."):
        choose_interpreter(found)


def test_the_newest_python_that_the_source_names_is_taken(tmp_path: Path) -> None:
    others = [each for each in interpreters() if each.minor != interpreters()[0].minor]
    if not others:
        pytest.skip("only one Python on this machine")
    text = f'[project]\nname = "pkg"\nclassifiers = ["Programming Language :: Python :: {others[0].minor}"]\n'
    assert choose_interpreter(declared(tmp_path, **{"pyproject.toml": text})) == others[0]


def test_an_environment_is_made_once_and_holds_commands_but_no_source(tmp_path: Path) -> None:
    text = '[project]\nname = "pkg"\nversion = "7"\n[project.scripts]\nrun-pkg = "pkg:main"\n'
    found = declared(tmp_path, **{"pyproject.toml": text})
    recipe = make_recipe(found, interpreters()[0].minor, ["iniconfig==2.0.0"])
    build_environment(recipe, tmp_path / "cache")
    venv = environment_folder(recipe.id, tmp_path / "cache") / "venv"
    made = venv.stat().st_mtime_ns
    build_environment(recipe, tmp_path / "cache")
    assert venv.stat().st_mtime_ns == made
    packages = next(venv.glob("lib/python3*/site-packages"))
    assert {path.name for path in packages.iterdir()} == {
        "iniconfig",
        "iniconfig-2.0.0.dist-info",
        "pkg-7.dist-info",
        "_source_under_test.pth",
    }
    assert (packages / "_source_under_test.pth").read_text() == "/workspace\n"
    assert list((packages / "iniconfig").glob("__pycache__/*.pyc")), "compiled ahead"
    assert (venv / "bin/run-pkg").read_text().startswith("#!/opt/gristmill/venv/bin/python\n")


def test_a_distribution_that_is_nowhere_is_told(tmp_path: Path) -> None:
    recipe = make_recipe(declared(tmp_path), interpreters()[0].minor, ["iniconfig==0.0.0.1"])
    with pytest.raises(EnvironmentBuildFailed, match=r"No matching distribution found for iniconfig==0\.0\.0\.1"):
        build_environment(recipe, tmp_path / "cache")


def test_a_missing_module_is_found_by_running_the_tests(tmp_path: Path, bubblewrap: Backend) -> None:
    folder = tmp_path / "repository"
    (folder / "tests").mkdir(parents=True)
    (folder / "mod.py").write_text("def double(x):\n    return 2 * x\n")
    (folder / "tests/test_mod.py").write_text(
        "import iniconfig, six\nfrom mod import double\n\ndef test_double():\n    assert double(2) == 4\n"
    )
    source = fetch_source(str(folder), cache=tmp_path / "cache")
    repository = asyncio.run(prepare_repository(source, bubblewrap, cache=tmp_path / "cache"))
    assert repository.stable_tests == ("tests/test_mod.py::test_double",)
    assert [rung.rung for rung in repository.recipe.ladder] == ["pytest alone", "pytest alone, with six"]
    assert "No module named 'six'" in repository.recipe.ladder[0].reason


async def test_a_dependency_without_a_wheel_is_built_in_a_sandbox(
    tmp_path: Path, bubblewrap: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its build writes where it ran: not on this machine."""
    trace = tmp_path / "trace"
    setup = (
        "import pathlib, setuptools\n"
        f"try:\n    pathlib.Path({str(trace)!r}).write_text('ran')\nexcept OSError:\n    pass\n"
        "setuptools.setup(name='onlysource', version='1.5', py_modules=['onlysource'])\n"
    )
    with tarfile.open(tmp_path / "onlysource-1.5.tar.gz", "w:gz") as tar:
        for name, text in (("setup.py", setup), ("onlysource.py", "x = 1\n"), ("PKG-INFO", "Name: onlysource\n")):
            info = tarfile.TarInfo(f"onlysource-1.5/{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    cache = tmp_path / "cache"
    recipe = make_recipe(declared(tmp_path), interpreters()[0].minor, ["onlysource==1.5"])
    await ensure_environment(recipe, bubblewrap, cache)
    assert list(environment_folder(recipe.id, cache).glob("venv/lib/python3*/site-packages/onlysource.py"))
    assert not trace.exists()


def test_a_source_without_tests_says_what_to_do(tmp_path: Path, bubblewrap: Backend) -> None:
    (tmp_path / "mod.py").write_text("x = 1\n")
    source = fetch_source(str(tmp_path), cache=tmp_path / "cache")
    with pytest.raises(BadSource, match="holds no test files"):
        asyncio.run(prepare_repository(source, bubblewrap, cache=tmp_path / "cache"))


def test_two_processes_make_an_environment_once(tmp_path: Path) -> None:
    recipe = make_recipe(declared(tmp_path), interpreters()[0].minor, ["iniconfig==2.0.0"])
    code = (
        "import sys; from pathlib import Path; from tasks.recipe import Recipe; "
        "from tasks._environment import build_environment; "
        "build_environment(Recipe.model_validate_json(sys.argv[1]), Path(sys.argv[2]))"
    )

    command = [sys.executable, "-c", code, recipe.model_dump_json(), str(tmp_path / "cache")]
    root = Path(__file__).parents[2]
    running = [subprocess.Popen(command, cwd=root) for _ in range(2)]
    assert [each.wait(timeout=120) for each in running] == [0, 0]
    folder = environment_folder(recipe.id, tmp_path / "cache")
    assert [path.name for path in folder.parent.iterdir() if not path.name.endswith(".lock")] == [recipe.id]
