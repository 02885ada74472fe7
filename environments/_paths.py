"""Files of a folder that untrusted code writes to, without following any link out of it (or at all)."""

import contextlib
import ctypes
import errno
import os
import stat
import struct

_SYS_OPENAT2 = 437  # the same on every architecture
_RESOLVE_NO_MAGICLINKS, _RESOLVE_NO_SYMLINKS, _RESOLVE_BENEATH, _RESOLVE_IN_ROOT = 0x02, 0x04, 0x08, 0x10
_libc = ctypes.CDLL(None, use_errno=True)


class HasLink(Exception):
    """The path leads over a symbolic link: only code inside the sandbox may follow it."""


def open_beneath(folder_fd: int, path: str, flags: int, mode: int = 0) -> int:
    """openat2(2) below `folder_fd`: the kernel itself refuses links and `..`, so there is no gap to race.

    Raises HasLink, or OSError as open(2) does.
    """
    try:
        return _openat2(folder_fd, path, flags, mode, _RESOLVE_NO_SYMLINKS | _RESOLVE_BENEATH)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EXDEV):
            raise HasLink(path) from error
        raise


def open_in_root(folder_fd: int, path: str, flags: int) -> int:
    """openat2(2) with `folder_fd` as the root: links are followed, and none leads out of it. Raises OSError."""
    return _openat2(folder_fd, path, flags, 0, _RESOLVE_IN_ROOT)


def _openat2(folder_fd: int, path: str, flags: int, mode: int, resolve: int) -> int:
    how = struct.pack("QQQ", flags | os.O_CLOEXEC, mode, resolve | _RESOLVE_NO_MAGICLINKS)
    fd: int = _libc.syscall(_SYS_OPENAT2, folder_fd, os.fsencode(path), how, len(how))
    if fd < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), path)
    return fd


def read_beneath(folder_fd: int, path: str, max_bytes: int) -> bytes:
    """The first `max_bytes` of a regular file. Raises HasLink, FileNotFoundError, IsADirectoryError."""
    # Non-blocking: a pipe with no writer must not hold us up.
    fd = open_beneath(folder_fd, path, os.O_RDONLY | os.O_NONBLOCK)
    with open(fd, "rb") as file:
        mode = os.fstat(fd).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(mode):
            raise FileNotFoundError(errno.ENOENT, "not a regular file", path)
        return file.read(max_bytes)


def write_beneath(folder_fd: int, path: str, data: bytes, mode: int) -> None:
    """Replace or make a file, and the folders above it. A link in its own place is replaced, not followed.

    Raises HasLink (a folder above it is a link), IsADirectoryError, NotADirectoryError.
    """
    parent, _, name = path.rpartition("/")
    folder = _make_folders(folder_fd, parent)
    try:
        try:
            if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
            os.unlink(name, dir_fd=folder)
        except FileNotFoundError:
            pass
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder)
        with open(fd, "wb") as file:
            file.write(data)
            os.fchmod(fd, mode)
    finally:
        os.close(folder)


def _make_folders(folder_fd: int, path: str) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY
    try:
        return open_beneath(folder_fd, path or ".", flags)
    except FileNotFoundError:
        pass
    at = open_beneath(folder_fd, ".", flags)
    for part in path.split("/"):
        with contextlib.suppress(FileExistsError):
            os.mkdir(part, 0o755, dir_fd=at)
        try:
            below = open_beneath(at, part, flags)
        finally:
            os.close(at)
        at = below
    return at
