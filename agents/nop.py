"""nop: does nothing. A task that it solves is no task."""

from typing import ClassVar

from agents.agent import Session


class Nop:
    name: ClassVar[str] = "nop"
    version: ClassVar[str] = "1"

    async def act(self, session: Session) -> None:
        await session.call("submit", {})
