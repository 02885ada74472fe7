"""write: a whole file."""

from typing import ClassVar

from pydantic import Field

from agents.agent import ToolAnswer
from agents.tools.tool import Arguments, Place, failed


class WriteArguments(Arguments):
    path: str = Field(min_length=1, description="relative to the source's folder, or absolute")
    content: str


class Write:
    name: ClassVar[str] = "write"
    description: ClassVar[str] = "Write a file, making its folders; what was there is replaced."
    arguments: ClassVar[type[Arguments]] = WriteArguments

    async def call(self, place: Place, arguments: WriteArguments) -> ToolAnswer:
        try:
            await place.sandbox.write_files({arguments.path: arguments.content.encode()})
        except OSError as error:
            return failed(f"{arguments.path}: {error}")
        return ToolAnswer(text=f"wrote {arguments.path} ({len(arguments.content.splitlines())} lines)")
