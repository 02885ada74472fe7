"""A text in git's format as files with the lines that came, went and stayed."""

import re
from dataclasses import dataclass, field

MAX_DIFF = 2_000_000
MAX_LINES = 20_000  # of one file


@dataclass
class Hunk:
    """`after`: its lines as they are now, with whether each was added; `header`: the line of code that git names."""

    header: str = ""
    after: list[tuple[str, bool]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


@dataclass
class ChangedFile:
    """One file of a diff."""

    path: str
    is_new: bool = False
    is_deleted: bool = False
    added: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)  # removed and surrounding
    hunks: list[Hunk] = field(default_factory=list)


def changed_files(diff: str) -> list[ChangedFile]:
    """The files of a diff; what cannot be read is left out."""
    files: list[ChangedFile] = []
    in_hunk = False
    for line in diff[:MAX_DIFF].split("\n"):
        if line.startswith("diff --git "):
            files.append(ChangedFile(path=line.rpartition(" b/")[2]))
            in_hunk = False
        elif not files:
            continue
        elif line.startswith("@@"):
            files[-1].hunks.append(Hunk(header=line[2:].partition("@@")[2].removeprefix(" ")))
            in_hunk = True
        elif not in_hunk:
            files[-1].is_new |= line.startswith("new file mode")
            files[-1].is_deleted |= line.startswith("deleted file mode")
        elif len(files[-1].added) + len(files[-1].others) < MAX_LINES:
            _take(files[-1], line)
    return files


def _take(file: ChangedFile, line: str) -> None:
    sign, text = line[:1], line[1:]
    if sign == "+":
        file.added.append(text)
        file.hunks[-1].after.append((text, True))
    elif sign == "-":
        file.others.append(text)
        file.hunks[-1].removed.append(text)
    elif re.match(r" |$", line):
        file.others.append(text)
        file.hunks[-1].after.append((text, False))
