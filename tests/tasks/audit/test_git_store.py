"""Git objects are read without git: loose, packed, as deltas, dangling."""

import os
import subprocess
from pathlib import Path

import pytest

from tasks.audit._inside.git_store import GitStore, is_git_folder

LINES = [
    f"line {number} of a file that is long enough for git to store its versions as deltas\n" for number in range(99)
]


def git(folder: Path, *arguments: str) -> str:
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    identity = ["-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(folder: Path, text: str) -> str:
    (folder / "code.py").write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one step")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Three commits on main, one on a branch, one that a reset left behind."""
    git(tmp_path, "init", "-q")
    for number in range(3):
        commit(tmp_path, "".join(LINES[: 90 + number]))
    git(tmp_path, "checkout", "-q", "-b", "side")
    commit(tmp_path, "".join(LINES) + "on a branch\n")
    git(tmp_path, "checkout", "-q", "main")
    commit(tmp_path, "".join(LINES) + "left behind\n")
    git(tmp_path, "reset", "-q", "--hard", "HEAD~1")
    (tmp_path / ".git/ORIG_HEAD").unlink()
    return tmp_path


def where(repository: Path) -> dict[str, str]:
    """Last line of each blob -> where it hangs."""
    store = GitStore(str(repository / ".git"))
    assert store.is_whole
    found = {}
    for sha, place, data in store.blobs():
        if store.objects[sha][0] == "blob":
            found[data.decode().splitlines()[-1]] = place
    return found


@pytest.mark.parametrize("packing", ["loose", "packed", "ref-deltas"])
def test_every_object_is_found_and_where_it_hangs(repository: Path, packing: str) -> None:
    if packing == "packed":
        git(repository, "-c", "gc.reflogExpire=never", "repack", "-a", "-d", "-q", "--keep-unreachable")
        assert not list((repository / ".git/objects").glob("??"))
    if packing == "ref-deltas":
        git(repository, "-c", "repack.useDeltaBaseOffset=false", "repack", "-a", "-d", "-q", "--keep-unreachable")
    found = where(repository)
    assert found[LINES[91].strip()] == "in the commit that is checked out: code.py"
    assert found[LINES[90].strip()].startswith("code.py in commit ") and found[LINES[90].strip()].endswith(
        "of refs/heads/main"
    )
    assert found["on a branch"].endswith("of refs/heads/side")
    assert found["left behind"] == "reached by no ref"


def test_contents_are_those_that_git_shows(repository: Path) -> None:
    git(repository, "repack", "-a", "-d", "-q")
    store = GitStore(str(repository / ".git"))
    for sha, (kind, data) in store.objects.items():
        assert git(repository, "cat-file", "-t", sha) == kind
        assert int(git(repository, "cat-file", "-s", sha)) == len(data)


def test_a_broken_pack_is_said_and_not_raised(repository: Path) -> None:
    git(repository, "repack", "-a", "-d", "-q")
    pack = next((repository / ".git/objects/pack").glob("*.pack"))
    data = pack.read_bytes()
    pack.chmod(0o644)
    pack.write_bytes(data[: len(data) // 2])
    assert not GitStore(str(repository / ".git")).is_whole


def test_bare_repositories_count_too(repository: Path, tmp_path: Path) -> None:
    assert is_git_folder(str(repository / ".git"))
    assert not is_git_folder(str(repository))
