"""read: a file with line numbers, or a part of it."""

from typing import ClassVar

from pydantic import Field

from agents.agent import ToolAnswer
from agents.tools.tool import Arguments, Place, cut, failed


class ReadArguments(Arguments):
    path: str = Field(min_length=1, description="relative to the source's folder, or absolute")
    first_line: int = Field(1, ge=1)
    last_line: int | None = Field(None, ge=1, description="the end of the file if left out")


class Read:
    name: ClassVar[str] = "read"
    description: ClassVar[str] = "Read a file, each line with its number."
    arguments: ClassVar[type[Arguments]] = ReadArguments

    async def call(self, place: Place, arguments: ReadArguments) -> ToolAnswer:
        try:
            data = await place.sandbox.read_file(arguments.path)
        except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
            return failed(f"{arguments.path}: {type(error).__name__}")
        lines = data.decode(errors="replace").splitlines()
        part = lines[arguments.first_line - 1 : arguments.last_line]
        if not part:
            return failed(f"{arguments.path} has {len(lines)} lines; nothing is at line {arguments.first_line}")
        numbered = (f"{number:6d}\t{line}" for number, line in enumerate(part, start=arguments.first_line))
        return ToolAnswer(text=cut("\n".join(numbered)), data=data)
