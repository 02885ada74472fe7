"""clerk: does small file errands by rules, without a model, so that a model has somebody to learn its first steps from.

It understands "Write the word W into F", "Read N and write its word into F" and "Read N and write the K into F" (N has
lines `K: value`), works through the tools alone, and has never seen a reference. Its trajectories carry its name.
"""

import re
from typing import ClassVar

from agents.agent import Session

_WRITE = re.compile(r"\bwrite the word (\S+) into (\S+?)\.?$", re.I)
_READ = re.compile(r"\bread (\S+) and write (?:its|the) (\S+) into (\S+?)\.?$", re.I)
WORD = "word"  # "its word": all that the file says


class Clerk:
    """Option `system`: the system prompt of the agent that is to learn from it, so that both stand under the same."""

    name: ClassVar[str] = "clerk"
    version: ClassVar[str] = "1"

    def __init__(self, system: str = "") -> None:
        self.system = system

    async def act(self, session: Session) -> None:
        session.say(self.system, source="system")
        request = " ".join(session.instruction.split())
        if found := _WRITE.search(request):
            word, output = found.groups()
        elif found := _READ.search(request):
            source, wanted, output = found.groups()
            answer = await session.call("read", {"path": source})
            word = _value(answer.data.decode(errors="replace") if answer.data else "", wanted)
        else:
            session.say("I do not understand this errand.")
            return
        await session.call("write", {"path": output, "content": f"{word}\n"})
        await session.call("submit", {})


def _value(text: str, wanted: str) -> str:
    """What the line of that name says; of a text without names, all of it."""
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip().lower() == wanted.lower():
            return value.strip()
    return text.strip() if wanted == WORD else ""
