"""Looks for needles (pieces of the reference, of the tests, of the solution) at every place that can be read."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import marshal
import os
import re
import types
from collections.abc import Callable, Iterator
from typing import Any

from tasks.audit._inside.places import SYSTEM, ZIP, Place, Places, environment, processes

_SPACE = b" \t\n\r\x0b\x0c"
_QUOTES = bytes.maketrans(b"'", b'"')
_PREFIX = re.compile(rb"(?m)^[ \t]*(?:(?:[>#|*]|//)+|\d+[:|\t]?)[ \t]?")
_PATCH = re.compile(rb"(?m)^(?:@@ .*@@|\+\+\+ |\d+(?:,\d+)?[acd]\d+)")
_TEST_CACHES = re.compile(
    r"/(?:\.coverage(?:\..*)?|coverage\.xml|\.testmondata.*|\.pytest_cache/.*|htmlcov/.*|\.hypothesis/.*|\.noseids)$"
)


def squeezed(data: bytes) -> bytes:
    """Without white space, and with one kind of quotes: what two layouts of the same code have in common."""
    return data.translate(_QUOTES, _SPACE)


class Needle:
    """A piece of what must not be read. `strong` and `whole` hold alone, `weak` only outside of the source's own files.

    All are squeezed. `whole`: a whole definition or file; `strong`: changed lines with those around them;
    `weak`: changed lines alone.
    """

    def __init__(self, number: int, fields: dict[str, Any]) -> None:
        self.number = number
        self.whole = [text.encode() for text in fields["whole"]]
        self.strong = [text.encode() for text in fields["strong"]]
        self.weak = [text.encode() for text in fields["weak"]]
        self.shortest_twin = fields["shortest_twin"]
        self.anchors = {text.encode() for text in fields["anchors"]}

    def is_in(self, text: bytes, is_natural: bool) -> str:
        """How much of the needle a squeezed text holds: whole, strong, weak, or nothing."""
        for piece in self.whole:
            if piece in text and (not is_natural or len(piece) >= self.shortest_twin):
                return "whole"
        if is_natural:
            return ""
        if any(piece in text for piece in self.strong):
            return "strong"
        return "weak" if any(piece in text for piece in self.weak) else ""

    def is_whole_in(self, text: bytes) -> str:
        """As `is_in`, among files that thousands of others wrote: changed lines alone say nothing there."""
        how = self.is_in(text, is_natural=False)
        return how if how != "weak" else ""


class Search:
    """One pass over a sandbox for all needles."""

    def __init__(self, config: dict[str, Any], emit: Callable[[dict[str, Any]], None]) -> None:
        self.needles = [Needle(number, fields) for number, fields in enumerate(config["needles"])]
        self.natural = {bytes.fromhex(digest) for digest in config["natural"]}
        """md5 of the source's files as the agent gets them: these may hold lines like those of the reference."""
        self.is_shared = config["is_shared"]
        self.codes = [_Code(number, fields) for number, fields in enumerate(config["code"])]
        self.emit = emit
        self.seen: set[bytes] = set()
        self.told: set[tuple[int, str]] = set()
        self.anchors: dict[bytes, list[Needle]] = {}
        for needle in self.needles:
            for anchor in needle.anchors:
                self.anchors.setdefault(anchor, []).append(needle)

    def look(self, place: Place) -> None:
        """Report what a place holds; the same bytes are looked at once."""
        if not self.is_shared and not place.via and _TEST_CACHES.search(place.path):
            self.emit({"kind": "test-cache", "path": place.path, "place": str(place)})
        digest = hashlib.md5(place.data).digest()
        if digest in self.seen:
            return
        self.seen.add(digest)
        if place.data[:4] == ZIP:
            return  # its members come by themselves; those that are stored as they are would be met here as text
        if place.data[2:4] == b"\r\n":
            self._look_at_bytecode(place)
            return
        is_natural = digest in self.natural
        needles = self._near(place.data) if self.is_shared else self.needles
        if not needles:
            return
        left = {needle.number: needle for needle in needles if (needle.number, place.path) not in self.told}
        for name, text in variants(place.data):
            for number, needle in list(left.items()):
                how = needle.is_whole_in(text) if self.is_shared else needle.is_in(text, is_natural)
                if how:
                    del left[number]
                    self.told.add((number, place.path))
                    self._found(number, how, name, place)

    def _found(self, number: int, how: str, variant: str, place: Place) -> None:
        self.emit({"kind": "needle", "number": number, "how": how, "variant": variant, "path": place.path,
                   "via": list(place.via), "place": str(place)})  # fmt: skip

    def _near(self, data: bytes) -> list[Needle]:
        """Needles of which a whole line is in a file: the quick look for what many tasks share."""
        lines = set(data.translate(_QUOTES, b" \t\r\x0b\x0c").split(b"\n"))
        found = {needle.number: needle for line in self.anchors.keys() & lines for needle in self.anchors[line]}
        return list(found.values())

    def _look_at_bytecode(self, place: Place) -> None:
        files = {file: file in place.data for file in {code.file for code in self.codes}}
        for code in self.codes:
            if not files[code.file]:
                continue
            if (code.number, place.path) not in self.told and code.is_in(place.data):
                self.told.add((code.number, place.path))
                self.emit({"kind": "bytecode", "number": code.number, "path": place.path, "place": str(place)})


def variants(data: bytes) -> Iterator[tuple[str, bytes]]:
    """A text as it stands, and as it reads without what a diff, a listing, JSON or UTF-16 put around it."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = data.decode("utf-16", errors="replace").encode()
    if b"\0" in data[:1000]:
        yield "text", squeezed(data)
        return
    if _PATCH.search(data):
        lines = data.splitlines()
        for kept in (b"+", b"-", b">", b"<"):
            sides = [line[1:] for line in lines if line[:1] in (kept, b" ")]
            yield "patch", squeezed(b"".join(sides))
    yield "text", squeezed(data)
    if b"\\n" in data:
        plain = data.replace(b"\\n", b"\n").replace(b'\\"', b'"').replace(b"\\'", b"'").replace(b"\\t", b"\t")
        yield "escaped", squeezed(plain)
    bare = _PREFIX.sub(b"", data)
    if len(bare) != len(data):
        yield "quoted", squeezed(bare)


class _Code:
    """Code objects that the reference's text compiles to and the agent's does not."""

    def __init__(self, number: int, fields: dict[str, Any]) -> None:
        self.number = number
        self.path = fields["path"].encode()
        self.file = os.path.basename(self.path)
        self.keys = {key for key, _ in _compiled(fields["clean"], fields["path"])}
        self.keys -= {key for key, _ in _compiled(fields["given"], fields["path"])}
        self.names = {key[0].encode() for key in self.keys}

    def is_in(self, data: bytes) -> bool:
        """Of another Python's bytecode, which cannot be read here, the name of the file decides."""
        if data[:4] != importlib.util.MAGIC_NUMBER:
            return self.path in data and b"\0" in data[:16]
        if not any(name in data for name in self.names):
            return False
        try:
            code = marshal.loads(data[16:])
        except (ValueError, EOFError, TypeError):
            return False
        return isinstance(code, types.CodeType) and any(key in self.keys for key, _ in _walk(code))


def _compiled(text: str, path: str) -> Iterator[tuple[Any, types.CodeType]]:
    try:
        yield from _walk(compile(text, path, "exec", dont_inherit=True))
    except (SyntaxError, ValueError):
        return


def _walk(code: types.CodeType) -> Iterator[tuple[Any, types.CodeType]]:
    """Each code object with what makes it this one: not where it stood, nor in which file."""
    inner = [const for const in code.co_consts if isinstance(const, types.CodeType)]
    consts = tuple(repr(const) for const in code.co_consts if not isinstance(const, types.CodeType))
    yield (code.co_name, code.co_code, consts, code.co_names, code.co_varnames), code
    for child in inner:
        yield from _walk(child)


def main(take: Callable[[int], bytes], own_modules: list[Any]) -> None:
    """`take(n)` reads n bytes of stdin: the configuration's length in 12 digits, then the configuration."""
    config = json.loads(take(int(take(12))))

    def emit(record: dict[str, Any]) -> None:
        os.write(1, (config["nonce"] + json.dumps(record) + "\n").encode())

    search = Search(config, emit)
    if config["is_shared"]:
        places = Places([*SYSTEM, *config["shared"]], [config["workdir"]], config["system_names"], is_shared=True)
    else:
        places = Places(["/"], [*SYSTEM, *config["shared"]], plain=search.natural)
    # What is nearest to the source comes first: of equal copies, that one is named.
    if not config["is_shared"]:
        for place in (*environment(), *processes()):
            search.look(place)
    for place in places.everything():
        search.look(place)
    emit({"kind": "end", "files": places.files, "bytes": places.bytes, "notes": places.notes[:50]})
