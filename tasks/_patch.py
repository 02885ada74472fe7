"""Patches of others in git's format: which files they start from."""

import re
from collections.abc import Callable
from itertools import pairwise

from environments.diff import Diff, parse_diff
from environments.errors import BadDiff

_OLD_NAMES = re.compile(r"^(?:--- |rename from |copy from )(?P<name>\"(?:[^\"\\]|\\.)*\"|[^\t\n\r]+)", re.MULTILINE)
_SECTION = re.compile(r"^diff --git ", re.MULTILINE)
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_ESCAPES = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


def apply_patch(text: str, read: Callable[[str], bytes | None]) -> Diff:
    """The changes that a patch makes to the files that `read` gives (None: there is none).

    New, removed, renamed, copied and binary files are understood; a rename is a removal and a new file. Raises
    BadDiff, in one line, if it does not apply exactly.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadDiff(f"the patch holds a character that is none in UTF-8, at {error.start}") from error
    if text.strip() and not _SECTION.search(text):
        raise BadDiff("the patch is not in git's format: it has no line `diff --git a/… b/…`")
    before = {path: data for path in sorted(old_paths(text)) if (data := read(path)) is not None}
    try:
        return parse_diff(text, before)
    except BadDiff as error:
        lines = [line for line in str(error).splitlines() if not line.startswith("warning:")]
        raise BadDiff("; ".join(lines[:5]) or str(error)) from error


def old_paths(text: str) -> set[str]:
    """Paths of the files that a patch changes, removes, renames or copies."""
    found: set[str] = set()
    starts = [match.start() for match in _SECTION.finditer(text)]
    for start, end in pairwise([*starts, len(text)]):
        head = text[start:end].partition("\n@@ ")[0]
        for match in _OLD_NAMES.finditer(head):
            name = _plain(match["name"])
            if name != "/dev/null":
                found.add(name if match[0].startswith(("rename", "copy")) else name.removeprefix("a/"))
        if not _OLD_NAMES.search(head):  # a new mode or a binary file: both names are the same
            names = head.partition("\n")[0].removeprefix("diff --git ")
            found.add(_plain(names[: len(names) // 2]).removeprefix("a/"))
    return found


def _plain(name: str) -> str:
    """A name as git quotes it where it holds odd characters."""
    if not (len(name) > 1 and name.startswith('"') and name.endswith('"')):
        return name

    def character(match: "re.Match[bytes]") -> bytes:
        code = match[1]
        return bytes([int(code, 8)]) if code.isdigit() else _ESCAPES.get(code, code)

    return _ESCAPE.sub(character, name[1:-1].encode()).decode(errors="replace")
