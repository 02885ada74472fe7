"""edit: one exact piece of a file becomes another."""

import difflib
from typing import ClassVar

from pydantic import Field

from agents.agent import ToolAnswer
from agents.tools.tool import Arguments, Place, failed

MOST_BYTES = 10_000_000
_MOST_COMPARED = 20_000  # lines of a file in which the nearest place is looked for
_LIKE = 0.6


class EditArguments(Arguments):
    path: str = Field(min_length=1, description="relative to the source's folder, or absolute")
    old: str = Field(min_length=1, description="text that is in the file exactly once, white space included")
    new: str


class Edit:
    name: ClassVar[str] = "edit"
    description: ClassVar[str] = "Replace a piece of a file that occurs exactly once."
    arguments: ClassVar[type[Arguments]] = EditArguments

    async def call(self, place: Place, arguments: EditArguments) -> ToolAnswer:
        path, old, new = arguments.path, arguments.old, arguments.new
        try:
            data = await place.sandbox.read_file(path, max_bytes=MOST_BYTES)
            text = data.decode()
        except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
            return failed(f"{path}: {type(error).__name__}")
        except UnicodeDecodeError:
            return failed(f"{path} is not a text in UTF-8")
        if len(data) >= MOST_BYTES:
            return failed(f"{path} has more than {MOST_BYTES} bytes: change it with bash")
        if "\r\n" in text and text.count(old) == 0:  # a model writes \n where the file has \r\n
            old, new = (part.replace("\r\n", "\n").replace("\n", "\r\n") for part in (old, new))
        count = text.count(old)
        if count != 1:
            return failed(f"the old text occurs {count} times in {path}: {_hint(text, arguments.old, count)}")
        if old == new:
            return failed(f"old and new are the same; {path} was not changed")
        try:
            await place.sandbox.write_files({path: text.replace(old, new).encode()})
        except OSError as error:
            return failed(f"{path}: {error}")
        return ToolAnswer(text=f"edited {path} at line {_line_of(text, text.index(old))}")


def _hint(text: str, old: str, count: int) -> str:
    """Where it is if it is there more than once, else what comes nearest to it."""
    if count:
        places: list[str] = []
        start = text.find(old)
        while start >= 0 and len(places) < 10:
            places.append(str(_line_of(text, start)))
            start = text.find(old, start + 1)
        return f"at the lines {', '.join(places)}; give more of the lines around it"
    near = _nearest(text.splitlines(), old.splitlines())
    if near is None:
        return "nothing in it is like that; read the file again"
    line, found = near
    shown = "\n".join(f"{number:6d}\t{each}" for number, each in enumerate(found, start=line))
    why = "only white space differs" if _bare(found) == _bare(old.splitlines()) else "white space counts"
    return f"{why}; the nearest is\n{shown}"


def _nearest(lines: list[str], old: list[str]) -> tuple[int, list[str]] | None:
    """Number of the first line and the lines; None where nothing is like it."""
    wanted = "\n".join(_bare(old))
    first = max(old, key=lambda line: len(line.strip()), default="").strip()
    at = next((number for number, line in enumerate(old) if line.strip() == first), 0)
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(first)
    scored: list[tuple[float, int]] = []
    for number, line in enumerate(lines[:_MOST_COMPARED]):
        matcher.set_seq1(line.strip()[:500])
        if matcher.real_quick_ratio() > _LIKE and matcher.quick_ratio() > _LIKE:
            scored.append((matcher.ratio(), number))
    best: tuple[float, int] | None = None
    for _, number in sorted(scored, reverse=True)[:20]:
        start = max(0, number - at)
        part = "\n".join(_bare(lines[start : start + len(old)]))
        ratio = difflib.SequenceMatcher(None, part[:4000], wanted[:4000], autojunk=False).ratio()
        if ratio > _LIKE and (best is None or ratio > best[0]):
            best = (ratio, start)
    if best is None:
        return None
    return best[1] + 1, lines[best[1] : best[1] + min(len(old), 30)]


def _bare(lines: list[str]) -> list[str]:
    return [" ".join(line.split()) for line in lines]


def _line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
