"""The first contents of a working directory: host folders stacked on each other, lowest first."""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from environments.diff import EXECUTABLE, REGULAR, SYMLINK, FileChange
from environments.errors import BadDiff

MAX_FILE_BYTES = 32 << 20
MAX_TOTAL_BYTES = 256 << 20
MAX_CHANGES = 20_000


class Content(tuple[int, bytes]):
    """(git mode, contents) of one file."""


class Level:
    """One folder of the stack: the host folders that together show it, topmost first.

    A file hides folders of the same name below it, and a link is never followed, as in an overlay.
    """

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = folders

    @classmethod
    def root(cls, layers: Sequence[Path]) -> "Level":
        return cls([os.fspath(layer) for layer in reversed(layers)])

    def folder(self, name: str) -> "Level | None":
        found: list[str] = []
        for folder in self._folders:
            path = os.path.join(folder, name)  # noqa: PTH118
            try:
                mode = os.lstat(path).st_mode
            except FileNotFoundError:
                continue
            if not stat.S_ISDIR(mode):
                break
            found.append(path)
        return Level(found) if found else None

    def path(self, name: str) -> str | None:
        """Where on this machine the regular file or link of that name is."""
        for folder in self._folders:
            path = os.path.join(folder, name)  # noqa: PTH118
            try:
                mode = os.lstat(path).st_mode
            except FileNotFoundError:
                continue
            return path if stat.S_ISREG(mode) or stat.S_ISLNK(mode) else None
        return None

    def mode(self) -> int:
        """The permissions of this folder."""
        return stat.S_IMODE(os.lstat(self._folders[0]).st_mode)

    def file(self, name: str) -> Content | None:
        """The regular file or link of that name, or None."""
        path = self.path(name)
        if path is None:
            return None
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            return Content((SYMLINK, os.fsencode(Path(path).readlink())))
        return Content((git_mode(status.st_mode), Path(path).read_bytes()))

    def is_folder(self, parts: Sequence[str]) -> bool:
        level: Level | None = self
        for name in parts:
            level = level.folder(name) if level is not None else None
        return level is not None

    def holds_link(self, parents: Sequence[str]) -> bool:
        """Whether one of the folders of a path, from here down, is not a plain folder."""
        level: Level | None = self
        for name in parents:
            if level is None:
                return False
            if level.path(name) is not None and level.folder(name) is None:
                return True
            level = level.folder(name)
        return False

    def names(self) -> list[str]:
        return sorted({name for folder in self._folders for name in os.listdir(folder)})  # noqa: PTH208

    def walk(self, prefix: str) -> Iterator[tuple[str, Content]]:
        """All files below, with their paths under `prefix`."""
        for name in self.names():
            if is_left_out(name):
                continue
            if (below := self.folder(name)) is not None:
                yield from below.walk(f"{prefix}{name}/")
            elif (content := self.file(name)) is not None:
                yield f"{prefix}{name}", content


EMPTY = Level([])


def git_mode(mode: int) -> int:
    return EXECUTABLE if mode & stat.S_IXUSR else REGULAR


def is_left_out(name: str) -> bool:
    """Git's own folder, and bytecode: made by running, never part of an answer."""
    return name.lower() == ".git" or name == "__pycache__" or name.endswith(".pyc")


class Budget:
    """What one diff may hold; an answer of gigabytes is refused, not read."""

    def __init__(self) -> None:
        self._bytes = 0
        self._files = 0

    def spend(self, path: str, size: int) -> None:
        self._bytes += size
        self._files += 1
        if size > MAX_FILE_BYTES:
            raise BadDiff(f"{path} has {size} bytes; a changed file may have at most {MAX_FILE_BYTES}")
        if self._bytes > MAX_TOTAL_BYTES or self._files > MAX_CHANGES:
            raise BadDiff(
                f"more than {MAX_TOTAL_BYTES} bytes or {MAX_CHANGES} files changed; "
                "have the agent clean up what it made outside the source"
            )


def change_of(path: str, before: Content | None, after: Content | None) -> FileChange:
    old_mode, new_mode = before and before[0], after and after[0]
    mode = new_mode or old_mode
    assert mode is not None
    return FileChange(
        path=path,
        before=before and before[1],
        after=after and after[1],
        mode=mode,
        before_mode=old_mode if old_mode and old_mode != mode else None,
    )


def is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
