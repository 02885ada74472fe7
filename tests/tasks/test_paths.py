"""What an agent sees, and what its diff may change, path by path."""

import pytest

from tasks.paths import hidden_paths, is_junk, is_protected, is_test_code, shadowed_name

TREE = (
    "README.md",
    "pyproject.toml",
    "setup.cfg",
    "tox.ini",
    ".github/workflows/ci.yml",
    ".gitlab-ci.yml",
    "docs/conf.py",
    "requirements/test.txt",
    "src/pkg/__init__.py",
    "src/pkg/core.py",
    "src/pkg/test/client.py",
    "src/pkg/testing/__init__.py",
    "src/pkg/testing/test_self.py",
    "src/pkg/api/testing/__init__.py",
    "src/pkg/api/testing/tests/test_api.py",
    "src/pkg/core_test.py",
    "src/pkg/contest.py",
    "src/pkg/tests/data/a.json",
    "test/data/b.json",
    "test/unit/test_d.py",
    "test/test_b.py",
    "testing/test_c.py",
    "testing/helper.py",
    "tests/conftest.py",
    "tests/test_a.py",
    "tests/files/c.txt",
    "conftest.py",
)


def test_what_agents_never_see() -> None:
    assert set(TREE) - hidden_paths(TREE) == {
        "README.md",
        "pyproject.toml",
        "setup.cfg",
        "docs/conf.py",
        "requirements/test.txt",
        "src/pkg/__init__.py",
        "src/pkg/api/testing/__init__.py",
        "src/pkg/core.py",
        "src/pkg/contest.py",
        "src/pkg/test/client.py",
    }


@pytest.mark.parametrize(
    "path",
    [
        "tests/test_a.py",
        "tests/new.py",
        "src/pkg/tests/x.json",
        "conftest.py",
        "src/conftest.py",
        "pytest.ini",
        "tox.ini",
        "pyproject.toml",
        "setup.py",
        "setup.cfg",
        "requirements.txt",
        "requirements/dev.txt",
        ".github/workflows/ci.yml",
        "sitecustomize.py",
        "src/usercustomize.py",
        "x.pth",
        "src/evil.egg-info/entry_points.txt",
        "pkg/__pycache__/core.cpython-311.pyc",
        "build/lib/pkg/core.py",
        ".git/hooks/post-checkout",
    ],
)
def test_what_no_diff_may_change(path: str) -> None:
    assert is_protected(path)


@pytest.mark.parametrize("path", ["src/pkg/core.py", "pkg/contest.py", "pkg/latest.py", "pkg/build/x.py", "docs/a.txt"])
def test_what_a_diff_may_change(path: str) -> None:
    assert not is_protected(path)


@pytest.mark.parametrize(
    "path", [".git/HEAD", "a/__pycache__/b.pyc", "PKG-INFO", "x.egg-info/SOURCES.txt", "dist/a.whl"]
)
def test_rubbish_is_no_part_of_a_snapshot(path: str) -> None:
    assert is_junk(path)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("json.py", "json"),
        ("src/json/__init__.py", "json"),
        ("pytest.py", "pytest"),
        ("src/pytest.cpython-311-x86_64-linux-gnu.so", "pytest"),
        ("src/pkg/json.py", None),
        ("src/new_module.py", None),
    ],
)
def test_modules_that_hide_others(path: str, name: str | None) -> None:
    assert shadowed_name(path, ("src", ""), {"pytest"}) == name


def test_data_of_tests_may_be_rewritten_by_tests() -> None:
    assert is_test_code("tests/conftest.py") and is_test_code("pytest.ini")
    assert not is_test_code("tests/examples/example.toml")
