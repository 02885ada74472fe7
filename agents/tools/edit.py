"""edit: one exact piece of a file becomes another."""

from typing import ClassVar

from pydantic import Field

from agents.agent import ToolAnswer
from agents.tools.tool import Arguments, Place, failed


class EditArguments(Arguments):
    path: str = Field(min_length=1, description="relative to the source's folder, or absolute")
    old: str = Field(min_length=1, description="text that is in the file exactly once, white space included")
    new: str


class Edit:
    name: ClassVar[str] = "edit"
    description: ClassVar[str] = "Replace a piece of a file that occurs exactly once."
    arguments: ClassVar[type[Arguments]] = EditArguments

    async def call(self, place: Place, arguments: EditArguments) -> ToolAnswer:
        try:
            text = (await place.sandbox.read_file(arguments.path)).decode()
        except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
            return failed(f"{arguments.path}: {type(error).__name__}")
        except UnicodeDecodeError:
            return failed(f"{arguments.path} is not a text in UTF-8")
        count = text.count(arguments.old)
        if count != 1:
            hint = "give more of the lines around it" if count else "read the file again; white space counts"
            return failed(f"the old text occurs {count} times in {arguments.path}: {hint}")
        try:
            changed = text.replace(arguments.old, arguments.new)
            await place.sandbox.write_files({arguments.path: changed.encode()})
        except OSError as error:
            return failed(f"{arguments.path}: {error}")
        line = text[: text.index(arguments.old)].count("\n") + 1
        return ToolAnswer(text=f"edited {arguments.path} at line {line}")
