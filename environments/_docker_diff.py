"""What changed in a container's working directory: its archive against what it was filled with.

The daemon sends the whole folder (about 50 ms for 10 MB); nothing in the container takes part. A small one is packed
inside where that is ten times as quick: an image's root that lies about it there could as well have written the lie.
"""

import io
import os
import tarfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from environments._snapshot import MAX_FILE_BYTES, Budget, Content, Level, change_of, git_mode, is_left_out, is_utf8
from environments.diff import SYMLINK, Diff, FileChange
from environments.errors import BadDiff
from environments.spec import SandboxSpec

if TYPE_CHECKING:
    from environments.docker import Daemon

Fill = Callable[[Any, str, SandboxSpec], None]


class Chunks(io.RawIOBase):
    """An iterator of bytes as a file to read from."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = chunk
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def first_contents(daemon: "Daemon", image: str, spec: SandboxSpec, fill: Fill) -> "_Layers | _Pristine":
    """Of the working directory."""
    is_plain = spec.image is None and spec.build_context is None
    return _Layers(spec) if is_plain else daemon.pristine.of(daemon, image, spec, fill)


def container_diff(daemon: "Daemon", container: str, workdir: str, before: "_Layers | _Pristine") -> Diff:
    """Against what the daemon sends of it now. Raises BadDiff."""
    chunks, _ = daemon.told(lambda: daemon.api.get_archive(container, workdir, chunk_size=1 << 20))
    return archive_diff(chunks, before)


def archive_diff(archive: Iterable[bytes], before: "_Layers | _Pristine") -> Diff:
    """Against a tar whose names begin with one folder. Raises BadDiff."""
    budget, changes = Budget(), list[FileChange]()
    seen: set[str] = set()
    for path, new in _members(archive):
        old = before.of(path)
        seen.add(path)
        if new != old:
            budget.spend(path, len(new[1]))
            changes.append(change_of(path, old, new))
    for path, old in before.all():
        if path not in seen:
            changes.append(change_of(path, old, None))
    return Diff(changes=tuple(changes))


class _Layers:
    """The first contents where they are folders of ours."""

    size: int | None = None

    def __init__(self, spec: SandboxSpec) -> None:
        self._root = Level.root(spec.layers)

    def of(self, path: str) -> Content | None:
        level: Level | None = self._root
        *parents, name = path.split("/")
        for parent in parents:
            level = level.folder(parent) if level is not None else None
        return level.file(name) if level is not None and level.folder(name) is None else None

    def all(self) -> Iterable[tuple[str, Content]]:
        return self._root.walk("")


class _Pristine:
    """The first contents where an image brings them: read from a container that never ran."""

    def __init__(self, daemon: "Daemon", image: str, spec: SandboxSpec, fill: Fill) -> None:
        container = daemon.retried(lambda: daemon.api.create_container(image, ["true"]))["Id"]
        try:
            fill(daemon.api, container, spec)
            chunks, _ = daemon.told(lambda: daemon.api.get_archive(container, spec.workdir, chunk_size=1 << 20))
            self._files = dict(_members(chunks))
            self.size: int = sum(len(content[1]) + len(path) + 200 for path, content in self._files.items())
        finally:
            daemon.remove(container)

    def of(self, path: str) -> Content | None:
        return self._files.get(path)

    def all(self) -> Iterable[tuple[str, Content]]:
        return self._files.items()


class PristineFiles:
    """First contents that were read already: an image's never change, and its rollouts all ask for them.

    Kept by image and working directory, the newest up to `most_bytes` in all; with layers of ours not at all.
    """

    def __init__(self, most_bytes: int = 64 << 20) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[tuple[str, str], _Pristine] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, daemon: "Daemon", image: str, spec: SandboxSpec, fill: Fill) -> "_Pristine":
        if spec.layers:
            return _Pristine(daemon, image, spec, fill)
        identity = daemon.told(lambda: daemon.api.inspect_image(image))["Id"]  # a tag may come to mean another
        key = (str(identity), spec.workdir)
        with self._lock:
            if (found := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return found
        made = _Pristine(daemon, image, spec, fill)
        with self._lock:
            self._kept[key] = made
            while sum(each.size for each in self._kept.values()) > self._most_bytes:
                self._kept.popitem(last=False)
        return made


def _members(archive: Iterable[bytes]) -> Iterator[tuple[str, Content]]:
    """Regular files and links below the working directory, without what is never part of a diff."""
    linked: dict[str, Content] = {}  # the daemon sends a file with several names once, then its other names
    with tarfile.open(fileobj=io.BufferedReader(Chunks(archive), 1 << 20), mode="r|", errors="surrogateescape") as tar:
        for member in tar:
            _, _, path = member.name.partition("/")
            if not path or any(is_left_out(part) for part in path.split("/")):
                continue
            if not is_utf8(path):
                raise BadDiff(f"the file name {os.fsencode(path)!r} is not UTF-8; a diff can not hold it")
            if member.issym():
                yield path, Content((SYMLINK, os.fsencode(member.linkname)))
            elif member.islnk():
                yield path, linked[member.linkname]
            elif member.isreg():
                if member.size > MAX_FILE_BYTES:
                    raise BadDiff(f"{path} has {member.size} bytes; a changed file may have at most {MAX_FILE_BYTES}")
                file = tar.extractfile(member)
                content = Content((git_mode(member.mode), file.read() if file is not None else b""))
                linked[member.name] = content
                yield path, content
