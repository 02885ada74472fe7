"""A Diff as text and back: nothing is lost, nothing gets out."""

import string
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from environments import BadDiff, Diff, FileChange, _git, parse_diff

LINES = st.lists(st.text(alphabet=string.ascii_letters + " +-@\\\t\rßé€", max_size=8), max_size=12)
TEXT = st.builds(lambda lines, end: ("\n".join(lines) + end).encode(), LINES, st.sampled_from(["", "\n"]))
CONTENTS = st.one_of(TEXT, st.binary(max_size=300), st.just(b""), st.just(b"\xff\n"), st.just(b"no end of line"))
NAME = st.text(alphabet=string.ascii_letters + " .-_\"'\\äß日\t", min_size=1, max_size=8).filter(
    lambda name: name not in (".", "..") and name.lower() != ".git"
)
FILE = st.tuples(st.sampled_from([0o100644, 0o100755]), CONTENTS)
LINK = st.tuples(st.just(0o120000), st.sampled_from([b"target", b"../up", b"/etc/passwd", "zoë".encode()]))


@st.composite
def changes(draw: st.DrawFn) -> FileChange:
    path = "/".join(draw(st.lists(NAME, min_size=1, max_size=2)))
    old = draw(st.one_of(st.none(), FILE, FILE, LINK))
    new = draw(
        st.one_of(FILE, FILE, LINK)
        if old is None
        else st.one_of(st.none(), FILE, FILE, LINK).filter(lambda n: n != old)
    )
    mode = new[0] if new else old[0] if old else 0
    return FileChange(
        path=path,
        before=old[1] if old else None,
        after=new[1] if new else None,
        mode=mode,
        before_mode=old[0] if old and old[0] != mode else None,
    )


def is_possible(diff: list[FileChange]) -> bool:
    """No file is a folder of another one, before or after."""
    for side in ("before", "after"):
        paths = {change.path for change in diff if getattr(change, side) is not None}
        if any(other.startswith(path + "/") for path in paths for other in paths):
            return False
    return True


@given(st.lists(st.tuples(st.booleans(), FILE), min_size=1, max_size=4))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_whole_files_are_written_as_git_writes_them(files: list[tuple[bool, tuple[int, bytes]]]) -> None:
    made = []
    for number, (is_new, (mode, data)) in enumerate(files):
        before, after = (None, data) if is_new else (data, None)
        made.append(FileChange(path=f"folder-{number}/a.txt", before=before, after=after, mode=mode))
    readable = [change for change in made if _git._is_text(change.before or change.after)]
    assert "".join(map(_git._whole, readable)) == _git._rendered(readable, "* -text")


DIFFS = st.lists(changes(), max_size=5, unique_by=lambda change: change.path).filter(is_possible)


@given(DIFFS)
@example([FileChange(path="A", before=None, after=b""), FileChange(path=" /A", before=None, after=b"")])
@settings(max_examples=30, deadline=None, derandomize=True)
def test_text_and_back(made: list[FileChange]) -> None:
    diff = Diff(changes=tuple(made))
    before = {change.path: change.before for change in diff.changes if change.before is not None}
    text = diff.text()
    assert parse_diff(text, before) == diff
    assert Diff(changes=tuple(reversed(diff.changes))).text() == text


def test_the_text_is_gits() -> None:
    diff = Diff(changes=(FileChange(path="a.py", before=b"x\ny\n", after=b"x\nz\n"),))
    assert diff.text() == (
        "diff --git a/a.py b/a.py\nindex b77b4eb..206b378 100644\n--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n x\n-y\n+z\n"
    )
    assert Diff().text() == "" and parse_diff("", {}) == Diff() and parse_diff("\n", {}) == Diff()


def test_git_itself_applies_it(tmp_path: Path) -> None:
    diff = Diff(
        changes=(
            FileChange(path="new/file", before=None, after=b"1\n"),
            FileChange(path="gone", before=b"x", after=None),
            FileChange(path="bin", before=b"\x00", after=b"\x00\xff"),
            FileChange(path="tool", before=b"#!", after=b"#!", mode=0o100755),
        )
    )
    for path, data in {"gone": b"x", "bin": b"\x00", "tool": b"#!"}.items():
        (tmp_path / path).write_bytes(data)
    subprocess.run(["git", "apply", "-"], input=diff.text().encode(), cwd=tmp_path, check=True)
    assert (tmp_path / "new/file").read_bytes() == b"1\n" and (tmp_path / "bin").read_bytes() == b"\x00\xff"
    assert not (tmp_path / "gone").exists() and (tmp_path / "tool").stat().st_mode & 0o111


def test_a_plain_unified_diff_is_understood() -> None:
    text = "--- a/m.py\n+++ b/m.py\n@@ -1 +1 @@\n-a = 1\n+a = 2\n"
    assert parse_diff(text, {"m.py": b"a = 1\n"}).changes[0].after == b"a = 2\n"


def test_a_rename_is_a_removal_and_an_addition() -> None:
    text = "diff --git a/old b/new\nsimilarity index 100%\nrename from old\nrename to new\n"
    assert parse_diff(text, {"old": b"x"}).paths == ("new", "old")


def test_a_hunk_that_does_not_apply_is_told() -> None:
    text = "--- a/m.py\n+++ b/m.py\n@@ -1 +1 @@\n-a = 1\n+a = 2\n"
    with pytest.raises(BadDiff, match=r"m\.py"):
        parse_diff(text, {"m.py": b"something else\n"})
    with pytest.raises(BadDiff):
        parse_diff(text, {})
    with pytest.raises(BadDiff):
        parse_diff("this is no diff", {})


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../up", "a/../../up", ".git/hooks/pre-commit", "sub/.GIT/config", "a//b", ""]
)
def test_paths_that_leave_the_folder_are_refused(path: str) -> None:
    with pytest.raises(ValidationError):
        Diff(changes=(FileChange(path=path, before=None, after=b""),))
    with pytest.raises(BadDiff):
        parse_diff(
            f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n", {}
        )


def test_a_path_through_a_link_is_refused() -> None:
    text = (
        "diff --git a/link b/link\nnew file mode 120000\n--- /dev/null\n+++ b/link\n@@ -0,0 +1 @@\n+/etc\n"
        "\\ No newline at end of file\n"
        "diff --git a/link/passwd b/link/passwd\nnew file mode 100644\n--- /dev/null\n+++ b/link/passwd\n@@ -0,0 +1 @@\n+x\n"  # noqa: E501
    )
    with pytest.raises(BadDiff):
        parse_diff(text, {})


def test_the_users_git_settings_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".gitconfig").write_text("[diff]\n\tnoprefix = true\n\tcontext = 0\n[core]\n\tautocrlf = true\n")
    diff = Diff(changes=(FileChange(path="a", before=b"1\r\n2\r\n", after=b"1\r\n3\r\n"),))
    text = diff.text()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    assert diff.text() == text
    assert parse_diff(text, {"a": b"1\r\n2\r\n"}) == diff


def test_filtering_keeps_the_order() -> None:
    diff = Diff(changes=tuple(FileChange(path=path, before=None, after=b"") for path in ("c", "a", "tests/t")))
    assert diff.filtered(lambda path: not path.startswith("tests/")).paths == ("a", "c")
    with pytest.raises(ValidationError, match="twice"):
        Diff(changes=(diff.changes[0], diff.changes[0]))
