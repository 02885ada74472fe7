"""Every object of a git repository, loose or packed, read without git: an agent needs no git to read them either."""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections.abc import Iterator

KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
MOST_BYTES = 400_000_000  # of all objects of one repository


class GitStore:
    """The objects of one `.git` folder, and from where each can be reached."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.objects: dict[str, tuple[str, bytes]] = {}
        self.is_whole = True
        self._size = 0
        for sha, kind, data in self._loose():
            self._keep(sha, kind, data)
        for pack in self._files("objects/pack", ".pack"):
            self._read_pack(pack)

    def blobs(self) -> Iterator[tuple[str, str, bytes]]:
        """sha, where it hangs ("in the commit that is checked out", "in commit abc of refs/heads/x", "reached by no
        ref"), and the bytes of each blob, commit and tag."""
        head = self._tree_of(self._head())
        present = dict(self._walk_tree(head)) if head else {}
        reached: dict[str, str] = {}
        for ref, sha in self._refs():
            for commit in self._commits(sha):
                label = f"commit {commit[:10]} of {ref}"
                reached.setdefault(commit, label)
                tree = self._tree_of(commit)
                for blob, path in self._walk_tree(tree) if tree else ():
                    reached.setdefault(blob, f"{path} in {label}")
        head_sha = self._head()
        for sha, (kind, data) in self.objects.items():
            if kind == "tree" or sha == head_sha:
                continue
            if sha in present:
                yield sha, "in the commit that is checked out: " + present[sha], data
            elif sha in reached:
                yield sha, reached[sha], data
            else:
                yield sha, "reached by no ref", data

    # ------------------------------------------------------------------ refs and trees

    def _head(self) -> str:
        text = _text(os.path.join(self.folder, "HEAD")).strip()
        if not text.startswith("ref:"):
            return text
        return dict(self._refs()).get(text[4:].strip(), "")

    def _refs(self) -> Iterator[tuple[str, str]]:
        for line in _text(os.path.join(self.folder, "packed-refs")).splitlines():
            found = re.match(r"([0-9a-f]{40,64}) (\S+)", line)
            if found:
                yield found.group(2), found.group(1)
        for path in self._files("refs", ""):
            yield os.path.relpath(path, self.folder), _text(path).strip()
        for name in ("HEAD", "ORIG_HEAD", "FETCH_HEAD", "MERGE_HEAD"):
            found = re.match(r"[0-9a-f]{40,64}", _text(os.path.join(self.folder, name)))
            if found:
                yield name, found.group(0)

    def _commits(self, sha: str) -> Iterator[str]:
        """A commit and all before it; a tag's own object first."""
        pending, seen = [sha], set()
        while pending:
            sha = pending.pop()
            if sha in seen or sha not in self.objects:
                continue
            seen.add(sha)
            kind, data = self.objects[sha]
            yield sha
            if kind == "commit":
                pending += [part.decode() for part in re.findall(rb"(?m)^parent ([0-9a-f]+)$", data.split(b"\n\n")[0])]
            elif kind == "tag":
                pending += [part.decode() for part in re.findall(rb"(?m)^object ([0-9a-f]+)$", data)[:1]]

    def _tree_of(self, sha: str) -> str:
        kind, data = self.objects.get(sha, ("", b""))
        found = re.match(rb"tree ([0-9a-f]+)", data) if kind == "commit" else None
        return found.group(1).decode() if found else ""

    def _walk_tree(self, tree: str, prefix: str = "") -> Iterator[tuple[str, str]]:
        pending = [(tree, prefix)]
        while pending:
            sha, prefix = pending.pop()
            data = self.objects.get(sha, ("", b""))[1]
            size, at = len(sha) // 2, 0
            while at < len(data):
                end = data.index(b"\0", at)
                mode, _, name = data[at:end].partition(b" ")
                child = data[end + 1 : end + 1 + size].hex()
                path = prefix + name.decode(errors="replace")
                if mode in (b"40000", b"040000"):
                    pending.append((child, path + "/"))
                else:
                    yield child, path
                at = end + 1 + size

    # ------------------------------------------------------------------ objects

    def _keep(self, sha: str, kind: str, data: bytes) -> None:
        self._size += len(data)
        if self._size > MOST_BYTES:
            self.is_whole = False
            return
        self.objects.setdefault(sha, (kind, data))

    def _files(self, below: str, suffix: str) -> Iterator[str]:
        for folder, _, names in os.walk(os.path.join(self.folder, below)):
            for name in names:
                if name.endswith(suffix):
                    yield os.path.join(folder, name)

    def _loose(self) -> Iterator[tuple[str, str, bytes]]:
        for path in self._files("objects", ""):
            sha = "".join(path.split(os.sep)[-2:])
            if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", sha):
                continue
            try:
                header, _, data = zlib.decompress(_bytes(path)).partition(b"\0")
                yield sha, header.split(b" ")[0].decode(), data
            except (zlib.error, UnicodeDecodeError):
                continue

    def _read_pack(self, path: str) -> None:
        """All objects of a pack, without its index: deltas are laid over their bases as these become known."""
        pack = _bytes(path)
        if pack[:4] != b"PACK":
            return
        at, known, waiting = 12, {}, []
        for _ in range(int.from_bytes(pack[8:12], "big")):
            start = at
            try:
                number, at = _head_of_entry(pack, at)
                base: object = None
                if number == 6:
                    back, at = _offset(pack, at)
                    base = start - back
                elif number == 7:
                    base, at = pack[at : at + 20].hex(), at + 20
                stream = zlib.decompressobj()
                data = stream.decompress(pack[at:]) + stream.flush()
                at = len(pack) - len(stream.unused_data)
            except (zlib.error, IndexError):
                self.is_whole = False
                break
            if base is None:
                known[start] = (KINDS[number], data)
            else:
                waiting.append((start, base, data))
        for kind, data in known.values():
            self._keep(_sha(kind, data), kind, data)
        while waiting:
            left = []
            for start, base, delta in waiting:
                found = known.get(base) if isinstance(base, int) else self.objects.get(str(base))
                if found is None:
                    left.append((start, base, delta))
                    continue
                known[start] = (found[0], _patched(found[1], delta))
                self._keep(_sha(*known[start]), *known[start])
            if len(left) == len(waiting):
                self.is_whole = False
                break
            waiting = left


def is_git_folder(path: str) -> bool:
    """A `.git` folder, or a bare repository."""
    return os.path.isdir(os.path.join(path, "objects")) and os.path.isfile(os.path.join(path, "HEAD"))


def _head_of_entry(pack: bytes, at: int) -> tuple[int, int]:
    number = pack[at] >> 4 & 7
    while pack[at] & 0x80:
        at += 1
    return number, at + 1


def _offset(pack: bytes, at: int) -> tuple[int, int]:
    value = pack[at] & 0x7F
    while pack[at] & 0x80:
        at += 1
        value = (value + 1 << 7) | (pack[at] & 0x7F)
    return value, at + 1


def _patched(base: bytes, delta: bytes) -> bytes:
    """A delta laid over its base (the format is git's `gitformat-pack`)."""
    at = 0
    for _ in range(2):  # sizes of base and result
        while delta[at] & 0x80:
            at += 1
        at += 1
    out = bytearray()
    while at < len(delta):
        order = delta[at]
        at += 1
        if order & 0x80:
            numbers = []
            for bit in range(7):
                numbers.append(delta[at] if order >> bit & 1 else 0)
                at += order >> bit & 1
            start = int.from_bytes(bytes(numbers[:4]), "little")
            size = int.from_bytes(bytes(numbers[4:]), "little") or 0x10000
            out += base[start : start + size]
        else:
            out += delta[at : at + order]
            at += order
    return bytes(out)


def _sha(kind: str, data: bytes) -> str:
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), len(data)) + data).hexdigest()


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(MOST_BYTES)
    except OSError:
        return b""


def _text(path: str) -> str:
    return _bytes(path).decode(errors="replace")
