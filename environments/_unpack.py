"""Tars of an image's files, unpacked into a folder of this machine: nothing of them can lead out of it.

The kernel itself resolves every parent folder as if the target were `/` (openat2(2), RESOLVE_IN_ROOT), so that neither
`..` nor an absolute link ends elsewhere; the last name is never followed. Left out are device nodes, setuid and setgid
bits, extended attributes (among them file capabilities): what lies in the folder must be harmless on this machine.
Whiteouts: OCI image specification, layer.md ("Whiteouts").
"""

import contextlib
import errno
import os
import shutil
import stat
import tarfile
from types import TracebackType
from typing import IO

from environments._paths import open_in_root
from environments.errors import EnvironmentBuildFailed

MOST_BYTES = 64 << 30
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"
_CHUNK = 1 << 20


class Unpacker:
    """Puts tars (the layers of an image, lowest first) on each other in one folder.

    A whiteout takes away what the tars before have brought. `most_bytes`: of all regular files together.
    """

    def __init__(self, folder: str, *, most_bytes: int = MOST_BYTES) -> None:
        self._root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._bytes_left = self._most_bytes = most_bytes
        self._modes: dict[str, tuple[int, float]] = {}  # of folders: set at the end, or a read-only one would not fill
        self._parent: tuple[str, int] | None = None
        self._is_privileged = os.geteuid() == 0

    def __enter__(self) -> "Unpacker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._forget_parent()
        try:
            if kind is None:
                self._set_modes()
        finally:
            os.close(self._root)

    @property
    def bytes_written(self) -> int:
        return self._most_bytes - self._bytes_left

    def add(self, file: IO[bytes], *, has_whiteouts: bool) -> None:
        """One tar, compressed or not, read as a stream. Raises EnvironmentBuildFailed for what is no such tar."""
        own: set[str] = set()  # what this tar brings: its whiteouts are about those before it
        try:
            with tarfile.open(fileobj=file, mode="r|*", errors="surrogateescape") as tar:
                for member in tar:
                    path = _path_of(member.name)
                    folder, _, name = path.rpartition("/")
                    if has_whiteouts and name.startswith(_WHITEOUT):
                        self._white_out(folder, name, own)
                    elif path and self._put(tar, member, path, folder, name):
                        own.add(path)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise EnvironmentBuildFailed(f"an image's files could not be unpacked: {error}") from error

    def _put(self, tar: tarfile.TarFile, member: tarfile.TarInfo, path: str, folder: str, name: str) -> bool:
        if member.ischr() or member.isblk():
            return False
        parent = self._open_parent(folder)
        if member.isdir():
            self._make_folder(parent, name)
            self._modes[path] = member.mode & 0o1777, member.mtime
        else:
            self._remove(parent, name, path)
            if member.issym():
                os.symlink(member.linkname, name, dir_fd=parent)
            elif member.islnk():
                self._link(member.linkname, parent, name)
                return True
            elif member.isfifo():
                os.mkfifo(name, member.mode & 0o777, dir_fd=parent)
            else:
                self._write(tar, member, parent, name)
        if self._is_privileged:
            os.chown(name, member.uid, member.gid, dir_fd=parent, follow_symlinks=False)
        return True

    def _write(self, tar: tarfile.TarFile, member: tarfile.TarInfo, parent: int, name: str) -> None:
        self._bytes_left -= member.size
        if self._bytes_left < 0:
            raise EnvironmentBuildFailed(f"the image has more than {self._most_bytes >> 30} GiB of files")
        source = tar.extractfile(member)
        if source is None:
            raise EnvironmentBuildFailed(f"the image's {member.name} is of a kind that can not be unpacked")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(name, flags, 0o600, dir_fd=parent), "wb") as file:
            shutil.copyfileobj(source, file, _CHUNK)
            file.flush()
            os.fchmod(file.fileno(), member.mode & 0o777)
            os.utime(file.fileno(), (member.mtime, member.mtime))

    def _link(self, target: str, parent: int, name: str) -> None:
        """A further name of a file that is there already; a link to a link is one as well, and is not followed."""
        folder, _, last = _path_of(target).rpartition("/")
        source = open_in_root(self._root, folder or ".", os.O_PATH | os.O_DIRECTORY)
        try:
            os.link(last, name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)
        except OSError as error:
            raise EnvironmentBuildFailed(f"the image's hard link to {target} can not be made: {error}") from error
        finally:
            os.close(source)

    def _white_out(self, folder: str, name: str, own: set[str]) -> None:
        try:
            parent = open_in_root(self._root, folder or ".", os.O_RDONLY | os.O_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):
            return
        self._forget_parent()
        try:
            gone = os.listdir(parent) if name == _OPAQUE else [name.removeprefix(_WHITEOUT)]  # noqa: PTH208
            for each in gone:
                path = f"{folder}/{each}".lstrip("/")
                if each in ("", ".", "..") or path in own or any(one.startswith(f"{path}/") for one in own):
                    continue
                self._remove(parent, each, path)
        finally:
            os.close(parent)

    def _open_parent(self, folder: str) -> int:
        """Kept open for the next file, which mostly lies in the same folder."""
        if self._parent is None or self._parent[0] != folder:
            self._forget_parent()
            self._parent = folder, self._made(folder)
        return self._parent[1]

    def _made(self, folder: str) -> int:
        flags = os.O_RDONLY | os.O_DIRECTORY
        try:
            return open_in_root(self._root, folder or ".", flags)
        except FileNotFoundError:
            pass
        above, _, name = folder.rpartition("/")
        parent = self._made(above)
        try:
            self._make_folder(parent, name)
        finally:
            os.close(parent)
        return open_in_root(self._root, folder, flags)

    def _make_folder(self, parent: int, name: str) -> None:
        try:
            os.mkdir(name, 0o755, dir_fd=parent)
        except FileExistsError:
            if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                os.unlink(name, dir_fd=parent)
                os.mkdir(name, 0o755, dir_fd=parent)

    def _remove(self, parent: int, name: str, path: str) -> None:
        try:
            os.unlink(name, dir_fd=parent)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno not in (errno.EISDIR, errno.EPERM):
                raise
            shutil.rmtree(name, dir_fd=parent)
            below = f"{path}/"
            self._modes = {at: mode for at, mode in self._modes.items() if at != path and not at.startswith(below)}

    def _forget_parent(self) -> None:
        if self._parent is not None:
            os.close(self._parent[1])
            self._parent = None

    def _set_modes(self) -> None:
        for path, (mode, mtime) in sorted(self._modes.items(), reverse=True):  # what lies in a folder before it
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # a later tar has replaced it
                fd = open_in_root(self._root, path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
                try:
                    os.fchmod(fd, mode)
                    os.utime(fd, (mtime, mtime))
                finally:
                    os.close(fd)


def _path_of(name: str) -> str:
    """Relative and normalised. Raises EnvironmentBuildFailed where it would lead above the root."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise EnvironmentBuildFailed(f"the image's archive has a path that leads out of it: {name!r}")
    return "/".join(parts)
