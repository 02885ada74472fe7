"""Tars for a container: folders of this machine, with the owner that they shall have inside."""

import io
import os
import stat
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

from environments._snapshot import Level

_CHUNK = 1 << 18


def streamed(write: Callable[[tarfile.TarFile], None]) -> Iterator[bytes]:
    """The bytes of a tar while `write` fills it (in a thread of its own): never all of it in memory."""
    read_fd, write_fd = os.pipe2(os.O_CLOEXEC)
    failures: list[BaseException] = []

    def fill() -> None:
        try:
            with open(write_fd, "wb") as pipe, tarfile.open(fileobj=pipe, mode="w|", format=tarfile.PAX_FORMAT) as tar:
                write(tar)
        except BaseException as error:  # noqa: BLE001  carried to the reader, below
            failures.append(error)

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    with open(read_fd, "rb") as pipe:
        while chunk := pipe.read(_CHUNK):
            yield chunk
    thread.join()
    if failures:
        raise failures[0]


def add_parents(tar: tarfile.TarFile, path: str, *, uid: int = 0, last_uid: int | None = None) -> None:
    """Folders down to (and with) `path`, readable by all."""
    parts = path.strip("/").split("/")
    for i in range(1, len(parts) + 1):
        is_last = i == len(parts)
        add_folder(tar, "/".join(parts[:i]), uid=last_uid if is_last and last_uid is not None else uid)


def add_folder(tar: tarfile.TarFile, name: str, *, uid: int, mode: int = 0o755) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.uid, info.gid = tarfile.DIRTYPE, mode, uid, uid
    tar.addfile(info)


def add_bytes(tar: tarfile.TarFile, name: str, data: bytes, *, uid: int, mode: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.uid, info.gid = len(data), mode, uid, uid
    tar.addfile(info, io.BytesIO(data))


def add_level(tar: tarfile.TarFile, prefix: str, level: Level, *, uid: int) -> None:
    """The stacked layers as one tree."""
    for name in level.names():
        path = f"{prefix}/{name}"
        if (below := level.folder(name)) is not None:
            add_folder(tar, path, uid=uid, mode=below.mode())
            add_level(tar, path, below, uid=uid)
        elif (source := level.path(name)) is not None:
            _add_file(tar, source, path, uid=uid)


def add_mount(tar: tarfile.TarFile, source: Path, target: str, hidden: frozenset[str]) -> None:
    """A read-only mount: all of it but what lies in the `hidden` folders (relative to `source`), for all to read."""
    add_parents(tar, target)
    if not source.is_dir():
        _add_file(tar, os.fspath(source), target.strip("/"), uid=0)
        return
    for folder, folders, files in os.walk(source):
        inside = os.path.relpath(folder, source)
        for name in sorted(folders):
            path = os.path.normpath(os.path.join(inside, name))  # noqa: PTH118
            link = os.path.join(folder, name)  # noqa: PTH118
            if os.path.islink(link):  # noqa: PTH114
                files.append(name)
            else:
                add_folder(tar, f"{target.strip('/')}/{path}", uid=0)
        folders[:] = [
            name for name in sorted(folders) if name not in files and os.path.normpath(f"{inside}/{name}") not in hidden
        ]
        for name in sorted(files):
            path = os.path.normpath(os.path.join(inside, name))  # noqa: PTH118
            _add_file(tar, os.path.join(folder, name), f"{target.strip('/')}/{path}", uid=0, readable=True)  # noqa: PTH118


def add_files(file: IO[bytes], files: Mapping[str, bytes], *, uid: int, mode: int) -> None:
    """Add files by absolute path to a tar, or make one of an empty file."""
    file.seek(0)
    with tarfile.open(fileobj=file, mode="a" if size_of(file) else "w", format=tarfile.PAX_FORMAT) as tar:
        for path, data in files.items():
            add_bytes(tar, path.strip("/"), data, uid=uid, mode=mode)


def size_of(file: IO[bytes]) -> int:
    at = file.tell()
    size = file.seek(0, io.SEEK_END)
    file.seek(at)
    return size


def _add_file(tar: tarfile.TarFile, source: str, name: str, *, uid: int, readable: bool = False) -> None:
    status = os.lstat(source)
    info = tarfile.TarInfo(name)
    info.uid, info.gid, info.mtime = uid, uid, int(status.st_mtime)
    info.mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        info.type, info.linkname = tarfile.SYMTYPE, os.readlink(source)  # noqa: PTH115
        tar.addfile(info)
    elif stat.S_ISREG(status.st_mode):
        if readable:
            info.mode |= 0o444 | (0o111 if info.mode & 0o100 else 0)
        info.size = status.st_size
        with open(source, "rb") as file:
            tar.addfile(info, file)
