"""Rules about paths of a repository: what is rubbish, what an agent never sees, what its diff may not change.

Pure functions of POSIX paths relative to the repository; the rules are the same for every source.
"""

import sys
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

_JUNK_FOLDERS = frozenset(
    {".git", ".hg", ".svn", "__pycache__", "node_modules", "htmlcov", "site-packages"}
    | {".venv", ".tox", ".nox", ".eggs", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".gristmill"}
)
# Real packages may have a module folder of these names further down, so only the root counts.
_JUNK_ROOT_FOLDERS = frozenset({"build", "dist", "venv", "env"})
_JUNK_SUFFIXES = (".pyc", ".pyo", ".egg", ".whl", ".orig", ".rej")

_TEST_FOLDERS = frozenset({"tests"})
# A folder of one of these names is a test folder only where tests lie in it: `pkg/testing` is often real code.
_MAYBE_TEST_FOLDERS = frozenset({"test", "testing", "testsuite", "test_suite", "unittests", "spec", "specs", "t"})
_CI_FOLDERS = frozenset({".github", ".gitlab", ".circleci", ".travis", ".buildkite", ".azure-pipelines"})
_CI_FILES = frozenset(
    {".gitlab-ci.yml", ".travis.yml", "appveyor.yml", ".appveyor.yml", "azure-pipelines.yml", ".pre-commit-config.yaml"}
    | {"codecov.yml", ".codecov.yml", ".cirrus.yml", "Jenkinsfile"}
)
_TEST_CONFIG = frozenset(
    {"pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "tox.toml", "noxfile.py", ".coveragerc"}
)
_BUILD_CONFIG = frozenset(
    {"pyproject.toml", "setup.py", "setup.cfg", "MANIFEST.in", "Makefile", "meson.build", "CMakeLists.txt"}
    | {"hatch.toml", "pdm.lock", "poetry.lock", "uv.lock", "uv.toml", "Pipfile", "Pipfile.lock", "pixi.toml"}
)
_INTERPRETER_HOOKS = frozenset({"sitecustomize.py", "usercustomize.py", "pyvenv.cfg"})


def is_junk(path: str) -> bool:
    """Never part of a snapshot: version control, caches, environments, build output, package metadata."""
    parts = PurePosixPath(path).parts
    return (
        any(part in _JUNK_FOLDERS or part.endswith((".egg-info", ".dist-info")) for part in parts)
        or (len(parts) > 1 and parts[0] in _JUNK_ROOT_FOLDERS)
        or path == "PKG-INFO"
        or path.endswith(_JUNK_SUFFIXES)
        or parts[-1] == ".coverage"
    )


def is_test_file(path: str) -> bool:
    """A file that pytest or unittest would take for tests, or that steers them."""
    parts = PurePosixPath(path).parts
    name = parts[-1]
    return (
        name in ("conftest.py", "tests.py")
        or (name.startswith("test_") and name.endswith(".py"))
        or name.endswith("_test.py")
        or path == "test.py"
    )


def is_hidden(path: str) -> bool:
    """True for a path that is hidden by its own name, whatever else is in the repository."""
    parts = PurePosixPath(path).parts
    return (
        is_test_file(path)
        or any(part in _TEST_FOLDERS for part in parts[:-1])
        or (len(parts) > 1 and parts[0] in _CI_FOLDERS)
        or parts[-1] in _CI_FILES
        or parts[-1] in _TEST_CONFIG
    )


def hidden_paths(paths: Collection[str]) -> frozenset[str]:
    """The paths that an agent never sees: tests and their data, conftest, CI and test configuration."""
    found: set[str] = set()
    for path in filter(is_test_file, paths):
        parents = PurePosixPath(path).parents
        # directly above a test, or at the root: `pkg/testing/tests/test_x.py` makes no test folder of `pkg/testing`
        near = {str(parents[0]), str(parents[-2]) if len(parents) > 1 else ""}
        found |= {folder for folder in near if PurePosixPath(folder).name in _MAYBE_TEST_FOLDERS}
    return frozenset(path for path in paths if is_hidden(path) or _is_below(path, found))


def is_test_code(path: str) -> bool:
    """Of hidden paths, the code and configuration of tests: what no test run rewrites, unlike tests' data files."""
    return path.endswith(".py") or PurePosixPath(path).name in _TEST_CONFIG


def is_protected(path: str) -> bool:
    """True for a path that no agent's diff may change: everything hidden, and what steers build or interpreter."""
    parts = PurePosixPath(path).parts
    name = parts[-1]
    return (
        is_hidden(path)
        or is_junk(path)
        or name in _INTERPRETER_HOOKS
        or name.endswith(".pth")
        or (len(parts) == 1 and name in _BUILD_CONFIG)
        or (len(parts) <= 2 and name.endswith((".txt", ".in")) and "requirements" in path)
    )


def shadowed_name(path: str, import_paths: Iterable[str], installed: Collection[str]) -> str | None:
    """The module that a file at `path` would hide from imports: a standard or an installed one, else None.

    `import_paths` are the folders put on sys.path ('' is the root); `installed` top-level module names
    of the environment, without the repository's own.
    """
    for folder in import_paths:
        prefix = f"{folder}/" if folder else ""
        if not path.startswith(prefix):
            continue
        name = PurePosixPath(path[len(prefix) :]).parts[0].split(".")[0]
        if name in sys.stdlib_module_names or name in installed:
            return name
    return None


def _is_below(path: str, folders: Collection[str]) -> bool:
    return any(str(folder) in folders for folder in PurePosixPath(path).parents)
