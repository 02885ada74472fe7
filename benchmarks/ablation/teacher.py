"""A teacher for the benchmark's own errands: `clerk`, and two words by two calls."""

import re
from typing import ClassVar

from agents.agent import Session
from agents.training.clerk import Clerk

_TWO = re.compile(r"\bwrite the word (\S+) into (\S+) and the word (\S+) into (\S+?)\.?$", re.I)


class Teacher:
    """Option `system` as of `clerk`."""

    name: ClassVar[str] = "teacher"
    version: ClassVar[str] = "1"

    def __init__(self, system: str = "") -> None:
        self._clerk = Clerk(system)

    async def act(self, session: Session) -> None:
        found = _TWO.search(" ".join(session.instruction.split()))
        if not found:
            await self._clerk.act(session)
            return
        session.say(self._clerk.system, source="system")
        first, one, second, two = found.groups()
        for word, path in ((first, one), (second, two)):
            await session.call("write", {"path": path, "content": f"{word}\n"})
        await session.call("submit", {})
