"""Diffs as lines with what each is, for colouring."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

LineKind = Literal["add", "del", "hunk", "meta", "same"]


@dataclass(frozen=True)
class DiffLine:
    kind: LineKind
    text: str


@dataclass(frozen=True)
class FileDiff:
    """One file of a diff in git's format. `added`, `removed`: lines."""

    path: str
    lines: tuple[DiffLine, ...]

    @property
    def added(self) -> int:
        return sum(line.kind == "add" for line in self.lines)

    @property
    def removed(self) -> int:
        return sum(line.kind == "del" for line in self.lines)


_META = ("diff --git ", "index ", "--- ", "+++ ", "new file", "deleted file", "similarity ", "rename ", "old mode",
         "new mode", "Binary files", "GIT binary patch", "\\ No newline")  # fmt: skip


def looks_like_diff(text: str) -> bool:
    """Has a hunk and the header before it; near the start, so that a log that holds one somewhere is none."""
    head = text[:4000]
    return head.lstrip().startswith(("diff --git ", "--- ", "Index: ")) and "\n@@ " in head


def diff_lines(text: str) -> Iterator[DiffLine]:
    """Each line of a diff. Between a hunk's head and the next file, `--- x` is a removed line and no header."""
    is_in_hunk = False
    for line in text.split("\n"):
        if line.startswith("diff --git "):
            is_in_hunk = False
        if line.startswith("@@"):
            is_in_hunk = True
            yield DiffLine("hunk", line)
        elif (not is_in_hunk and line.startswith(_META)) or line.startswith("\\ No newline"):
            yield DiffLine("meta", line)
        elif line.startswith("+"):
            yield DiffLine("add", line)
        elif line.startswith("-"):
            yield DiffLine("del", line)
        else:
            yield DiffLine("same", line)


def files_of(diff: str) -> list[FileDiff]:
    """A diff in git's format, file by file; what comes before the first file is left out."""
    parts: list[list[DiffLine]] = []
    for line in diff_lines(diff.rstrip("\n")):
        if line.text.startswith("diff --git ") and line.kind == "meta":
            parts.append([])
        if parts:
            parts[-1].append(line)
    return [FileDiff(_path(part), tuple(part)) for part in parts]


def _path(lines: list[DiffLine]) -> str:
    for prefix in ("+++ b/", "--- a/", "rename to "):
        for line in lines:
            if line.kind == "meta" and line.text.startswith(prefix):
                return line.text.removeprefix(prefix)
    return lines[0].text.rpartition(" b/")[2]
