"""A diff in git's format as files and lines with their kinds, for templates to colour."""

from dataclasses import dataclass, field


@dataclass
class FileDiff:
    """`lines`: (kind, text), kind one of add, del, hunk, meta and same."""

    path: str
    lines: list[tuple[str, str]] = field(default_factory=list)

    @property
    def added(self) -> int:
        return sum(kind == "add" for kind, _ in self.lines)

    @property
    def removed(self) -> int:
        return sum(kind == "del" for kind, _ in self.lines)


def coloured(diff: str) -> list[FileDiff]:
    """One entry a file, in order; text before the first file is an entry without a path.

    Inside a hunk its header's counts decide: a removed line that reads `-- x` is no file header.
    """
    files: list[FileDiff] = []
    old = new = 0
    for line in diff.splitlines():
        if old > 0 or new > 0:
            kind = {"+": "add", "-": "del", "\\": "meta"}.get(line[:1], "same")
            old -= kind in ("del", "same")
            new -= kind in ("add", "same")
            files[-1].lines.append((kind, line))
            continue
        if line.startswith("diff --git ") or not files:
            files.append(FileDiff(_path(line)))
        if line.startswith("@@"):
            old, new = _counts(line)
            files[-1].lines.append(("hunk", line))
        elif not line.startswith(("diff --git ", "index ", "--- ", "+++ ")):
            files[-1].lines.append(("meta", line))
        if line.startswith("+++ ") and not line.endswith("/dev/null"):
            files[-1].path = line[4:].removeprefix("b/")
    return files


def _path(line: str) -> str:
    return line.rpartition(" b/")[2] if line.startswith("diff --git ") else ""


def _counts(header: str) -> tuple[int, int]:
    """`@@ -1,5 +1,6 @@` -> (5, 6); (0, 0) where it is none."""
    counts = []
    for part in header.split()[1:3]:
        _, comma, count = part.partition(",")
        counts.append(int(count) if comma and count.isdecimal() else 0 if comma else 1)
    return (counts[0], counts[1]) if len(counts) == 2 else (0, 0)
