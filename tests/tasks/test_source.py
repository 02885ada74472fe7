"""Snapshots: the same tree has the same hash wherever it comes from, and nothing of it is run."""

import io
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from tasks._fetch import split_git_spec, unpack
from tasks.errors import BadSource
from tasks.source import Source, fetch_source


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, tiny_folder: Path) -> Path:
    """The tiny repository under git, with a tag, rubbish, and an ignored file."""
    folder = tmp_path / "repository"
    subprocess.run(["cp", "-r", tiny_folder, folder], check=True)
    (folder / ".gitignore").write_text("secret.env\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "one")
    git(folder, "tag", "v1.2.0")
    (folder / "secret.env").write_text("KEY=1\n")
    return folder


def paths(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_is_split_in_code_and_protected(tiny_source: Source) -> None:
    assert paths(tiny_source.protected) == {
        "tests/conftest.py",
        "tests/test_numbers.py",
        "tests/test_stack.py",
        "tests/test_text.py",
    }
    assert "tinylib/numbers.py" in paths(tiny_source.code) and "pyproject.toml" in paths(tiny_source.code)
    assert (tiny_source.name, tiny_source.license) == ("tinylib", "MIT")
    assert tiny_source.python_files() == [
        "tinylib/__init__.py",
        "tinylib/numbers.py",
        "tinylib/stack.py",
        "tinylib/text.py",
    ]


def test_git_and_folder_give_the_same_snapshot(repository: Path, tmp_path: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    by_folder = fetch_source(str(repository), cache=tmp_path / "cache")
    by_git = fetch_source(f"git+file://{repository}@v1.2.0", cache=tmp_path / "cache")
    assert by_folder.hash == by_git.hash and by_folder.code == by_git.code
    assert by_folder.revision == by_git.revision == head
    assert by_git.version == "1.2.0"
    assert "secret.env" not in paths(by_folder.code)


def test_changes_that_are_not_committed_count_and_are_told(repository: Path, tmp_path: Path) -> None:
    (repository / "tinylib" / "extra.py").write_text("x = 1\n")
    source = fetch_source(str(repository), cache=tmp_path / "cache")
    assert source.revision.endswith("-dirty")
    assert "tinylib/extra.py" in source.python_files()


def test_a_pinned_commit_is_found_without_its_origin(repository: Path, tmp_path: Path) -> None:
    spec = f"git+file://{repository}@{git(repository, 'rev-parse', 'HEAD')}"
    first = fetch_source(spec, cache=tmp_path / "cache")
    repository.rename(tmp_path / "elsewhere")
    assert fetch_source(spec, cache=tmp_path / "cache") == first


def test_rubbish_and_environments_are_left_out(tiny_folder: Path, tiny_source: Source, tmp_path: Path) -> None:
    folder = tmp_path / "tinylib"
    subprocess.run(["cp", "-r", tiny_folder, folder], check=True)
    for path in ("tinylib/__pycache__/a.pyc", "build/lib/b.py", "my-venv/pyvenv.cfg", "my-venv/c.py", "x.egg-info/d"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("x")
    assert fetch_source(str(folder), cache=tmp_path / "cache").hash == tiny_source.hash


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("pypi:sqlparse", "pypi:NAME==VERSION"),
        ("git+", "git+URL@REV"),
        ("git+https://host/x@", "git+URL@REV"),
        ("/no/such/folder", "existing folder"),
    ],
)
def test_bad_specs_say_how_to_write_them(spec: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(BadSource, match=re.escape(told)):
        fetch_source(spec, cache=tmp_path)


def test_an_unknown_revision_is_named(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="no revision 'v9'"):
        fetch_source(f"git+file://{repository}@v9", cache=tmp_path / "cache")
    with pytest.raises(BadSource, match="could not clone"):
        fetch_source(f"git+file://{tmp_path}/none@main", cache=tmp_path / "cache")


def test_a_link_out_of_the_tree_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "m.py").write_text("x = 1\n")
    (tmp_path / "a" / "passwd").symlink_to("/etc/passwd")
    with pytest.raises(BadSource, match="passwd is a link out of the repository"):
        fetch_source(str(tmp_path / "a"), cache=tmp_path / "cache")


def test_a_folder_without_python_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(BadSource, match="no Python file"):
        fetch_source(str(tmp_path / "a"), cache=tmp_path / "cache")


@pytest.mark.parametrize("name", ["../out.py", "/etc/out.py"])
def test_archives_cannot_write_elsewhere(name: str, tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.size = 1
        tar.addfile(info, io.BytesIO(b"x"))
    if name.startswith("/"):
        unpack(archive, tmp_path / "tree", max_bytes=100)
        assert (tmp_path / "tree/etc/out.py").is_file(), "an absolute path is taken as a relative one"
    else:
        with pytest.raises(BadSource, match="cannot be unpacked safely"):
            unpack(archive, tmp_path / "tree", max_bytes=100)
    assert not (tmp_path / "out.py").exists()


def test_archives_have_a_size_limit(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        info = tarfile.TarInfo("big")
        info.size = 10_000
        tar.addfile(info, io.BytesIO(bytes(10_000)))
    with pytest.raises(BadSource, match="unpacks to more than"):
        unpack(archive, tmp_path / "tree", max_bytes=5_000)


@pytest.mark.parametrize(
    ("spec", "url", "revision"),
    [
        ("git+https://host/a/b.git@v1", "https://host/a/b.git", "v1"),
        ("git+ssh://git@host/a/b@main", "ssh://git@host/a/b", "main"),
        ("git+ssh://git@host/a/b", "ssh://git@host/a/b", "HEAD"),
        ("git+https://host/a/b@feature/x", "https://host/a/b", "feature/x"),
    ],
)
def test_the_revision_of_a_git_source(spec: str, url: str, revision: str) -> None:
    assert split_git_spec(spec) == (url, revision)


@pytest.mark.slow
def test_an_sdist_is_fetched_by_pip_without_running_it(tmp_path: Path) -> None:
    source = fetch_source("pypi:sqlparse==0.6.1", cache=tmp_path)
    assert source.revision == "0.6.1" and source.license.startswith("BSD")
    assert {path.split("/")[0] for path in paths(source.protected)} == {"tests", ".github"}
    assert (source.code / "sqlparse/sql.py").is_file() and not (source.code / "PKG-INFO").exists()
    with pytest.raises(BadSource, match=r"no such sdist .*0\.5"):
        fetch_source("pypi:sqlparse==99.9", cache=tmp_path)
