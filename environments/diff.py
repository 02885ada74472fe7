"""A diff is data: the files that changed, with their contents before and after.

Text in git's format is one rendering of it, for people, references on disk and trajectories.
"""

from collections.abc import Callable, Mapping

from pydantic import BaseModel, ConfigDict, model_validator

from environments.errors import BadDiff

REGULAR = 0o100644
EXECUTABLE = 0o100755
SYMLINK = 0o120000


class FileChange(BaseModel):
    """One path (POSIX, relative to workdir). `before`/`after` is None where the file did not / does not exist.

    `mode` is the git mode after the change (of a deleted file: the one it had): 100644, 100755 or
    120000 (a symbolic link; `after` is its target). `before_mode` is given only where it differs.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    before: bytes | None
    after: bytes | None
    mode: int = REGULAR
    before_mode: int | None = None

    @property
    def old_mode(self) -> int:
        return self.mode if self.before_mode is None else self.before_mode


class Diff(BaseModel):
    """Changes sorted by path; each path at most once, never absolute, never with `..`, never in `.git`."""

    model_config = ConfigDict(frozen=True)

    changes: tuple[FileChange, ...] = ()

    @model_validator(mode="after")
    def _is_in_order(self) -> "Diff":
        paths = [change.path for change in self.changes]
        for path in paths:
            check_path(path)
        if len(set(paths)) != len(paths):
            raise ValueError("a path occurs twice in one diff")
        if paths != sorted(paths):
            object.__setattr__(self, "changes", tuple(sorted(self.changes, key=lambda change: change.path)))
        return self

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(change.path for change in self.changes)

    def filtered(self, keep: Callable[[str], bool]) -> "Diff":
        """Only the changes whose path `keep` accepts."""
        return Diff(changes=tuple(change for change in self.changes if keep(change.path)))

    def text(self) -> str:
        """Git's format (`diff --git a/x b/x`), binary files as git binary patches; empty for no change.

        Line ends are kept as they are: write it to a file as bytes (UTF-8), never through newline
        translation. Files that are not UTF-8 are rendered as binary.
        """
        from environments._git import render

        return render(self.changes)


def parse_diff(text: str, before: Mapping[str, bytes]) -> Diff:
    """Apply a text in git's format to the files it touches (`before`: path to contents) and give the Diff.

    Raises BadDiff if a hunk does not apply or a path leaves the folder.
    """
    from environments._git import apply

    return Diff(changes=apply(text, before)) if text.strip() else Diff()


def check_path(path: str) -> None:
    """Raises BadDiff (a ValueError too) unless `path` is relative, normalised, inside, and not in `.git`."""
    parts = path.split("/")
    if not path or path.startswith("/") or "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise BadDiff(f"the path {path!r} is not a plain path inside the working directory")
    if any(part.lower() == ".git" for part in parts):
        raise BadDiff(f"the path {path!r} lies in a git folder; a diff holds only the files beside it")
