"""All that an agent can read in a sandbox: files, what is packed in them, git objects, environment, processes."""

from __future__ import annotations

import base64
import binascii
import bz2
import contextlib
import gzip
import hashlib
import io
import lzma
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator

from tasks.audit._inside.git_store import GitStore, is_git_folder

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/var/lib/dpkg", "/var/lib/apt")
NEVER = ("/proc", "/sys", "/dev")
MOST_BYTES = 60_000_000  # of one file, or of what is packed in one archive
ZIP = b"PK\x03\x04"
MOST_DEPTH = 3  # archives in archives
HEAD_OF_PROGRAMS = (b"\x7fELF", b"!<arch>\n", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"wOF2")


class Place:
    """Bytes that can be read, and where: `path` of the file, `via` the ways from it to the bytes.

    `via`: "archive", "git-history", "git-dangling", "encoded", "environment-variable", "process".
    """

    __slots__ = ("data", "detail", "path", "via")

    def __init__(self, path: str, data: bytes, via: tuple[str, ...] = (), detail: str = "") -> None:
        self.path = path
        self.data = data
        self.via = via
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.path} ({self.detail})" if self.detail else self.path

    def inner(self, data: bytes, via: str, detail: str) -> Place:
        """What is packed in this place."""
        return Place(self.path, data, (*self.via, via), f"{self.detail}, {detail}" if self.detail else detail)


class Places:
    """Walks a sandbox. `notes` says what was there and could not be looked at.

    `names`: of files below `system`, look only at those whose path has one of these words, as a copy of the source
    would (a host's /usr holds gigabytes that no task has put there). None: look at all.
    `plain`: md5 of contents in which nothing is packed.
    """

    def __init__(
        self,
        roots: list[str],
        skipped: list[str],
        names: list[str] | None = None,
        *,
        system: tuple[str, ...] = SYSTEM,
        is_shared: bool = False,
        plain: Collection[bytes] = (),
    ) -> None:
        self.roots = roots
        self.plain = set(plain)
        self.is_shared = is_shared
        self.names = names
        self.system = system
        self.skipped = {os.path.abspath(path) for path in (*NEVER, *skipped)}
        self.notes: list[str] = []
        self.files = 0
        self.bytes = 0

    def everything(self) -> Iterator[Place]:
        """Files and what is in them, then git objects: of equal bytes, those in a plain file are met first."""
        folders = []
        for path in self.paths():
            if os.path.isdir(path):
                folders.append(path)
                continue
            data = self._read(path)
            if data:
                place = Place(path, data)
                yield place
                yield from self._unpacked_once(place)
        for folder in folders:
            yield from self._of_git(folder)

    def paths(self) -> Iterator[str]:
        """Regular files, and git folders (whose objects are not named one by one)."""
        seen = set()
        for root in self.roots:
            for folder, folders, names in os.walk(root):
                folders[:] = sorted(
                    name
                    for name in folders
                    if os.path.join(folder, name) not in self.skipped and not os.path.islink(os.path.join(folder, name))
                )
                try:
                    state = os.stat(folder)
                except OSError:
                    folders[:] = []
                    continue
                if (state.st_dev, state.st_ino) in seen:
                    folders[:] = []
                    continue
                seen.add((state.st_dev, state.st_ino))
                if is_git_folder(folder):
                    yield folder
                    folders[:] = [name for name in folders if name != "objects"]
                for name in sorted(names):
                    path = os.path.join(folder, name)
                    if (
                        self.names is None
                        or not path.startswith(self.system)
                        or any(word in path for word in self.names)
                    ):
                        yield path

    def _read(self, path: str) -> bytes:
        try:
            state = os.lstat(path)
            if not stat.S_ISREG(state.st_mode) or not state.st_size:
                return b""
            if state.st_size > MOST_BYTES:
                self.notes.append(f"{path}: larger than {MOST_BYTES // 10**6} MB, only its beginning was read")
            with open(path, "rb") as file:
                head = file.read(8)
                if head.startswith(HEAD_OF_PROGRAMS):
                    return b""
                data = head + file.read(MOST_BYTES)
        except OSError:
            return b""  # the agent cannot read it either
        self.files += 1
        self.bytes += len(data)
        return data

    def _of_git(self, folder: str) -> Iterator[Place]:
        store = GitStore(folder)
        if not store.is_whole:
            self.notes.append(f"{folder}: not every object could be read")
        for sha, where, data in store.blobs():
            via = "git-dangling" if where == "reached by no ref" else "git-history"
            place = Place(folder, data, (via,), f"object {sha[:10]}, {where}")
            yield place
            yield from self._unpacked_once(place)

    def _unpacked_once(self, place: Place) -> Iterator[Place]:
        digest = hashlib.md5(place.data).digest()
        if digest not in self.plain:
            self.plain.add(digest)
            yield from unpacked(place, encoded=not self.is_shared)


def unpacked(place: Place, depth: int = 0, *, encoded: bool = True) -> Iterator[Place]:
    """What is packed in a place: archives, compressed files and, if `encoded`, base64 and hexadecimal."""
    if depth >= MOST_DEPTH:
        return
    for inner in _members(place, encoded):
        yield inner
        yield from unpacked(inner, depth + 1, encoded=encoded)


def _members(place: Place, encoded: bool) -> Iterator[Place]:
    data = place.data
    try:
        if data[:4] == ZIP:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                left = MOST_BYTES
                for info in archive.infolist():
                    left -= info.file_size
                    if left > 0 and not info.is_dir():
                        yield place.inner(archive.read(info), "archive", info.filename)
            return
        plain = _decompressed(data)
        if data[257:262] == b"ustar" or plain[257:262] == b"ustar":
            left = MOST_BYTES
            with tarfile.open(fileobj=io.BytesIO(plain or data)) as tar:
                for member in tar:
                    left -= member.size
                    if left <= 0:
                        break
                    file = tar.extractfile(member) if member.isfile() else None
                    if file is not None:
                        yield place.inner(file.read(), "archive", member.name)
            return
        if plain:
            yield place.inner(plain, "archive", "decompressed")
            return
    except (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError, ValueError, RuntimeError, NotImplementedError,
            zlib.error, lzma.LZMAError):  # fmt: skip
        return
    if encoded and len(data) < 5_000_000 and data[2:4] != b"\r\n":
        for blob in _decoded(data):
            yield place.inner(blob, "encoded", "decoded")


def _decompressed(data: bytes) -> bytes:
    if data[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=io.BytesIO(data)).read(MOST_BYTES)
    if data[:3] == b"BZh":
        return bz2.BZ2File(io.BytesIO(data)).read(MOST_BYTES)
    if data[:6] == b"\xfd7zXZ\0":
        return lzma.LZMAFile(io.BytesIO(data)).read(MOST_BYTES)
    return b""


_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/_-]{16,}\s{0,2})+={0,2}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){12,}")


def _decoded(data: bytes) -> Iterator[bytes]:
    """Texts that stand in it in base64 or hexadecimal."""
    for found in _HEX.findall(data)[:200]:
        yield from _text_only(binascii.unhexlify(found))
    for found in _BASE64.findall(data)[:2000]:
        joined = re.sub(rb"\s", b"", found).rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
        if len(joined) < 24 or not _is_mixed(joined):
            continue
        try:
            raw = base64.b64decode(joined + b"=" * (-len(joined) % 4))
        except (binascii.Error, ValueError):
            continue
        with contextlib.suppress(OSError, EOFError, zlib.error, lzma.LZMAError):
            raw = _decompressed(raw) or (zlib.decompress(raw) if raw[:1] == b"\x78" else raw)
        yield from _text_only(raw)


def _is_mixed(text: bytes) -> bool:
    """Base64 of text has letters of both cases; a long name or a line of dashes does not."""
    return any(65 <= byte <= 90 for byte in text) and any(97 <= byte <= 122 for byte in text)


def _text_only(raw: bytes) -> Iterator[bytes]:
    printable = sum(32 <= byte < 127 or byte in (9, 10, 13) for byte in raw[:200])
    if printable >= 0.9 * min(len(raw), 200):
        yield raw


def environment() -> Iterator[Place]:
    """Variables of this process: what a command of the agent gets."""
    for name, value in os.environb.items():
        place = Place("$" + name.decode(errors="replace"), value, ("environment-variable",))
        yield place
        yield from unpacked(place)


def processes() -> Iterator[Place]:
    """Command lines, environments and open files of other processes, as far as they can be read."""
    own = {str(os.getpid()), "self", "thread-self"}
    parent = str(os.getppid())
    given = os.fstat(0)  # the command's own input, which holds what is searched for
    for pid in sorted(os.listdir("/proc")) if os.path.isdir("/proc") else ():
        if not pid.isdigit() or pid in own:
            continue
        for name in ("cmdline", "environ"):
            if pid == parent and name == "cmdline":
                continue  # the command that runs this search
            yield from _of_process(f"/proc/{pid}/{name}")
        try:
            descriptors = os.listdir(f"/proc/{pid}/fd")
        except OSError:
            continue
        for number in descriptors:
            link = f"/proc/{pid}/fd/{number}"
            try:
                state = os.stat(link)
                if stat.S_ISREG(state.st_mode) and not os.path.samestat(state, given):
                    yield from _of_process(link)
            except OSError:
                continue


def _of_process(path: str) -> Iterator[Place]:
    try:
        with open(path, "rb") as file:
            data = file.read(MOST_BYTES)
    except OSError:
        return
    if data:
        place = Place(path, data.replace(b"\0", b"\n"), ("process",))
        yield place
        yield from unpacked(place)
