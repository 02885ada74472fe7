"""crafted: an agent without a model that uses made tools and nothing else: it measures what they are worth.

The tools are ranked by three views of the instruction (problem, name, docstring); the first whose parameters can all be
found in the instruction is carried out by the rollout's own tools, each call a recorded step.
"""

from pathlib import Path
from typing import Any, ClassVar

from agents.agent import Session, ToolAnswer
from agents.toolmaking.binding import bind
from agents.toolmaking.made_tool import MadeTool, carry_out
from agents.toolmaking.toolset import Toolset, read_toolset


class Crafted:
    """Options: `toolset`, a folder; `most`: how many tools are tried for their parameters."""

    name: ClassVar[str] = "crafted"
    version: ClassVar[str] = "1"

    def __init__(self, toolset: str | Path | Toolset, most: int = 5) -> None:
        self.toolset = toolset if isinstance(toolset, Toolset) else read_toolset(Path(toolset))
        self.most = most

    async def act(self, session: Session) -> None:
        for tool in self.toolset.retrieve(session.instruction, self.most):
            values = bind(tool, session.instruction)
            if values is not None:
                session.say(f"Carrying out {tool.name} with {values}.")
                await use(tool, values, session)
                return
        session.say("No made tool is applicable.")


async def use(tool: MadeTool, values: dict[str, str], session: Session) -> None:
    """Carry it out, and submit where nothing failed."""

    async def call(name: str, arguments: dict[str, Any]) -> ToolAnswer:
        return await session.call(name, arguments)

    if not (await carry_out(tool, values, call)).is_error:
        await session.call("submit", {})
