"""search: lines of the source that match a pattern."""

from typing import ClassVar

from pydantic import Field

from agents.agent import ToolAnswer
from agents.tools.tool import Arguments, Place, cut, failed

MOST_LINES = 100


class SearchArguments(Arguments):
    pattern: str = Field(min_length=1, description="extended regular expression")
    path: str = Field(".", description="folder or file to search")


class Search:
    name: ClassVar[str] = "search"
    description: ClassVar[str] = "Find lines by a regular expression, with file and line number."
    arguments: ClassVar[type[Arguments]] = SearchArguments

    async def call(self, place: Place, arguments: SearchArguments) -> ToolAnswer:
        done = await place.sandbox.run(
            ["grep", "-rnIE", "--exclude-dir=.git", "-e", arguments.pattern, "--", arguments.path], timeout_sec=30
        )
        if done.timed_out:
            return failed("the search took more than 30 s: choose a smaller folder")
        if done.exit_code not in (0, 1):
            return failed(done.stderr.strip() or f"grep ended with {done.exit_code}")
        lines = [line[:400] for line in done.stdout.splitlines()]
        note = f"\n[{len(lines) - MOST_LINES} more lines]" if len(lines) > MOST_LINES else ""
        return ToolAnswer(text=cut("\n".join(lines[:MOST_LINES])) + note if lines else "no line matches")
