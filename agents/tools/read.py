"""read: a file with line numbers, or a part of it."""

from typing import ClassVar

from pydantic import Field

from agents.agent import ToolAnswer
from agents.tools.tool import ANSWER_LIMIT, Arguments, Place, cut, failed

MOST_BYTES = 10_000_000
MOST_LINES = 800  # of one answer
_LONGEST_LINE = 2_000


class ReadArguments(Arguments):
    path: str = Field(min_length=1, description="relative to the source's folder, or absolute")
    first_line: int = Field(1, ge=1)
    last_line: int | None = Field(None, ge=1, description="the end of the file if left out")


class Read:
    name: ClassVar[str] = "read"
    description: ClassVar[str] = "Read a file, each line with its number."
    arguments: ClassVar[type[Arguments]] = ReadArguments

    async def call(self, place: Place, arguments: ReadArguments) -> ToolAnswer:
        path, first = arguments.path, arguments.first_line
        try:
            data = await place.sandbox.read_file(path, max_bytes=MOST_BYTES)
        except IsADirectoryError:
            return failed(f"{path}: IsADirectoryError; list it with bash: ls -la {path}")
        except (FileNotFoundError, PermissionError) as error:
            return failed(f"{path}: {type(error).__name__}")
        if b"\0" in data[:8192]:
            return ToolAnswer(text=f"{path} is no text ({len(data)} bytes); look at it with bash: xxd, file", data=data)
        lines = data.decode(errors="replace").split("\n")
        if lines[-1] == "":
            lines.pop()
        if arguments.last_line is not None and arguments.last_line < first:
            return failed(f"last_line {arguments.last_line} comes before first_line {first}")
        part = lines[first - 1 : arguments.last_line]
        if not part:
            if not lines:
                return ToolAnswer(text=f"{path} is empty", data=data)
            return failed(f"{path} has {len(lines)} lines; nothing is at line {first}")
        shown = _fitting([_shortened(line) for line in part], first)
        notes = []
        if len(shown) < len(part):
            after = first + len(shown)
            notes.append(
                f"[lines {after} to {first + len(part) - 1} are not shown: call again with first_line={after}]"
            )
        if len(data) >= MOST_BYTES:
            notes.append(f"[a big file: only its first {MOST_BYTES} bytes can be read; use bash for the rest]")
        numbered = (f"{number:6d}\t{line}" for number, line in enumerate(shown, start=first))
        return ToolAnswer(text="\n".join([*numbered, *notes]), data=data)


def _fitting(lines: list[str], first: int) -> list[str]:
    """As many of the first lines as an answer holds; the first one in any case."""
    left = ANSWER_LIMIT - 200
    for count, line in enumerate(lines):
        left -= len(line) + 8
        if count == MOST_LINES or (left < 0 and count > 0):
            return lines[:count]
    return lines


def _shortened(line: str) -> str:
    return cut(line, _LONGEST_LINE).replace("\n", " ")
