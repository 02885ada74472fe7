"""A diff is data: the files that changed, with their contents before and after.

Text in git's format is one rendering of it, for people, references on disk and trajectories.
"""

from collections.abc import Callable, Mapping

from pydantic import BaseModel, ConfigDict


class FileChange(BaseModel):
    """One path (POSIX, relative to workdir). `before`/`after` is None where the file did not / does not exist.

    `mode` is the git mode after the change: 100644, 100755 or 120000 (a symbolic link; `after` is its target).
    """

    model_config = ConfigDict(frozen=True)

    path: str
    before: bytes | None
    after: bytes | None
    mode: int = 0o100644


class Diff(BaseModel):
    """Changes sorted by path; each path at most once, never absolute, never with `..`."""

    model_config = ConfigDict(frozen=True)

    changes: tuple[FileChange, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(change.path for change in self.changes)

    def filtered(self, keep: Callable[[str], bool]) -> "Diff":
        """Only the changes whose path `keep` accepts."""
        return Diff(changes=tuple(change for change in self.changes if keep(change.path)))

    def text(self) -> str:
        """Git's format (`diff --git a/x b/x`), binary files as git binary patches; empty for no change."""
        raise NotImplementedError


def parse_diff(text: str, before: Mapping[str, bytes]) -> Diff:
    """Apply a text in git's format to the files it touches (`before`: path to contents) and give the Diff.

    Raises BadDiff if a hunk does not apply or a path leaves the folder.
    """
    raise NotImplementedError
