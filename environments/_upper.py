"""What an overlay's upper folder says was changed, in the number of changes and not of files.

The upper folder was written by untrusted code: everything is opened relative to a descriptor of its
folder, links are never followed, and only regular files are read.
Format: https://docs.kernel.org/filesystems/overlayfs.html (whiteouts and opaque directories).
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from environments._snapshot import EMPTY, Budget, Content, Level, change_of, git_mode, is_left_out, is_utf8
from environments.diff import SYMLINK, Diff, FileChange
from environments.errors import BadDiff

_OPAQUE = ("trusted.overlay.opaque", "user.overlay.opaque")


def upper_diff(upper_fd: int, layers: Sequence[Path]) -> Diff:
    """The Diff between the stacked `layers` and them with the upper folder on top. Raises BadDiff."""
    return Diff(changes=tuple(_folder(upper_fd, "", Level.root(layers), Budget())))


def _folder(fd: int, prefix: str, lower: Level, budget: Budget, *, is_hidden: bool = False) -> Iterator[FileChange]:
    """`is_hidden`: a folder above is opaque, so that nothing of the layers shows through here either."""
    names = sorted(os.listdir(fd))
    is_hidden = is_hidden or _is_opaque(fd)
    if is_hidden:
        yield from _all_but(names, prefix, lower)
    for name in names:
        path = prefix + name
        if is_left_out(name):
            continue
        if not is_utf8(name):
            raise BadDiff(f"the file name {os.fsencode(path)!r} is not UTF-8; a diff can not hold it")
        try:
            status = os.stat(name, dir_fd=fd, follow_symlinks=False)
        except FileNotFoundError:
            continue
        below, before = lower.folder(name), lower.file(name)
        if stat.S_ISDIR(status.st_mode):
            if before is not None:
                yield change_of(path, before, None)
            with_fd = _open(name, os.O_RDONLY | os.O_DIRECTORY, fd)
            try:
                yield from _folder(with_fd, path + "/", below or EMPTY, budget, is_hidden=is_hidden)
            finally:
                os.close(with_fd)
            continue
        if below is not None:  # a folder became a file or was removed
            yield from (change_of(gone, content, None) for gone, content in below.walk(path + "/"))
        after = _content(name, status, fd, path, budget)
        if before != after:
            yield change_of(path, before, after)


def _all_but(kept: Sequence[str], prefix: str, lower: Level) -> Iterator[FileChange]:
    """An opaque folder hides what lies below it: all of that is gone, but for the names it has again."""
    for name in lower.names():
        if name in kept or is_left_out(name):
            continue
        if (below := lower.folder(name)) is not None:
            yield from (change_of(gone, content, None) for gone, content in below.walk(f"{prefix}{name}/"))
        elif (content := lower.file(name)) is not None:
            yield change_of(prefix + name, content, None)


def _content(name: str, status: os.stat_result, fd: int, path: str, budget: Budget) -> Content | None:
    """None for a whiteout, and for what is no file (a pipe, a socket, a device)."""
    if stat.S_ISLNK(status.st_mode):
        target = os.fsencode(os.readlink(name, dir_fd=fd))
        budget.spend(path, len(target))
        return Content((SYMLINK, target))
    if not stat.S_ISREG(status.st_mode):
        return None
    budget.spend(path, status.st_size)
    with open(_open(name, os.O_RDONLY | os.O_NONBLOCK, fd), "rb") as file:
        return Content((git_mode(status.st_mode), file.read(status.st_size)))


def _open(name: str, flags: int, fd: int) -> int:
    flags |= os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(name, flags, dir_fd=fd)
    except PermissionError:
        # Ours, but made unreadable from inside: its owner may give the permission back.
        handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
        try:
            os.chmod(f"/proc/self/fd/{handle}", stat.S_IRWXU)  # noqa: PTH101
        finally:
            os.close(handle)
        return os.open(name, flags, dir_fd=fd)


def _is_opaque(fd: int) -> bool:
    for name in _OPAQUE:
        try:
            if os.getxattr(fd, name) == b"y":
                return True
        except OSError as error:
            if error.errno not in (errno.ENODATA, errno.ENOTSUP, errno.EPERM):
                raise
    return False
