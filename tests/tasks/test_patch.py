"""Patches of others: every kind of change git can write comes out byte for byte, and what does not apply says so."""

import subprocess
from pathlib import Path

import pytest

from environments.errors import BadDiff
from tasks._patch import apply_patch, old_paths
from tests.tasks.git_repository import GitRepository, git

BEFORE: dict[str, str | bytes] = {
    "crlf.py": "a\r\nb\r\nc\r\n",
    "no_end.txt": "one\ntwo",
    "moved.py": "".join(f"line {n}\n" for n in range(20)),
    "only_moved.py": "".join(f"same {n}\n" for n in range(20)),
    "gone.py": "x = 1\n",
    "pic.bin": bytes(range(256)),
    'odd "name"\tü.py': "y = 1\n",
    "with space.py": "z = 1\n",
}
AFTER: dict[str, str | bytes | None] = {
    "crlf.py": "a\r\nB\r\nc\r\n",
    "no_end.txt": "one\nTWO",
    "moved.py": None,
    "new/place.py": "".join(f"line {n}\n" for n in range(20)).replace("line 7", "LINE 7"),
    "only_moved.py": None,
    "elsewhere.py": BEFORE["only_moved.py"],
    "gone.py": None,
    "pic.bin": bytes(reversed(range(256))),
    'odd "name"\tü.py': "y = 2\n",
    "with space.py": "z = 2\n",
    "fresh.py": "f = 1\n",
    "empty.py": "",
}


@pytest.fixture
def patch(tmp_path: Path) -> str:
    """As `git diff` writes it, with renames found."""
    made = GitRepository(tmp_path / "r")
    made.commit("before", BEFORE)
    made.commit("after", AFTER)
    done = subprocess.run(
        ["git", "diff", "--binary", "-M", "HEAD~1", "HEAD"], cwd=made.folder, capture_output=True, check=True
    )
    return done.stdout.decode()


def in_bytes(files: dict[str, str | bytes] | dict[str, str | bytes | None]) -> dict[str, bytes | None]:
    return {path: data.encode() if isinstance(data, str) else data for path, data in files.items()}


def test_all_kinds_of_changes(patch: str) -> None:
    assert "rename from only_moved.py" in patch and "GIT binary patch" in patch and "\\ No newline" in patch
    before = in_bytes(BEFORE)
    diff = apply_patch(patch, before.get)
    assert {change.path: change.after for change in diff.changes} == in_bytes(AFTER)
    assert {change.path: change.before for change in diff.changes} == {path: before.get(path) for path in AFTER}
    assert apply_patch(diff.text(), before.get) == diff, "our own text of it says the same"


def test_paths_that_a_patch_starts_from(patch: str) -> None:
    assert old_paths(patch) - {"empty.py"} == set(BEFORE)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-not there\n+x\n", "does not apply"),
        ("diff --git a/b.py b/b.py\n--- a/b.py\n+++ b/b.py\n@@ -1 +1 @@\n-a\n+x\n", "b.py"),
        ("--- a.py\n+++ a.py\n@@ -1 +1 @@\n-a\n+x\n", "not in git's format"),
        ("diff --git a/a.bin b/a.bin\nindex 1..2 100644\nBinary files a/a.bin and b/a.bin differ\n", "binary patch"),
        ("diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a\n+\ud800\n", "UTF-8"),
        ("diff --git a/../x b/../x\nnew file mode 100644\n--- /dev/null\n+++ b/../x\n@@ -0,0 +1 @@\n+x\n", "x"),
    ],
)
def test_what_does_not_apply_says_so(text: str, told: str) -> None:
    with pytest.raises(BadDiff, match=told):
        apply_patch(text, {"a.py": b"a\n", "a.bin": b"\0"}.get)


def test_modes_alone_are_a_change(tmp_path: Path) -> None:
    made = GitRepository(tmp_path / "r")
    made.commit("one", {"run.py": "x\n"})
    (made.folder / "run.py").chmod(0o755)
    text = git(made.folder, "diff") + "\n"
    (change,) = apply_patch(text, {"run.py": b"x\n"}.get).changes
    assert (change.mode, change.before, change.after) == (0o100755, b"x\n", b"x\n")
