"""submit: the agent is done; its change is what counts."""

from typing import ClassVar

from agents.agent import ToolAnswer
from agents.tools.tool import Arguments, Place


class Submit:
    name: ClassVar[str] = "submit"
    description: ClassVar[str] = "Hand in your change. Nothing can be done after it."
    arguments: ClassVar[type[Arguments]] = Arguments

    async def call(self, place: Place, arguments: Arguments) -> ToolAnswer:
        return ToolAnswer(text="submitted")
