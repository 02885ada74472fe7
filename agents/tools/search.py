"""search: lines of the source that match a pattern. System folders are skipped, and what is cut is told."""

import posixpath
from typing import ClassVar

from pydantic import Field

from agents.agent import ToolAnswer
from agents.tools.tool import Arguments, Place, failed

MOST_LINES = 100
MOST_CHARACTERS = 11_000
SKIPPED = (".git", ".hg", ".svn", "__pycache__", "node_modules", ".venv", ".tox", ".mypy_cache", ".ruff_cache",
           ".pytest_cache")  # fmt: skip
SYSTEM = ("/proc", "/sys", "/dev", "/run")
_LONGEST_LINE = 400


class SearchArguments(Arguments):
    pattern: str = Field(min_length=1, description="extended regular expression")
    path: str = Field(".", description="folder or file to search")
    files: str | None = Field(None, min_length=1, description="only files of such names, e.g. *.py")


class Search:
    name: ClassVar[str] = "search"
    description: ClassVar[str] = "Find lines by a regular expression, with file and line number."
    arguments: ClassVar[type[Arguments]] = SearchArguments

    async def call(self, place: Place, arguments: SearchArguments) -> ToolAnswer:
        full = posixpath.normpath(posixpath.join(place.sandbox.spec.workdir, arguments.path))
        if full == "/" or any(full == folder or full.startswith(f"{folder}/") for folder in SYSTEM):
            home = place.sandbox.spec.workdir
            return failed(f"{full} belongs to the system and is not searched: name a folder; the source is in {home}")
        skipped = [f"--exclude-dir={name}" for name in SKIPPED]
        only = [f"--include={arguments.files}"] if arguments.files else []
        done = await place.sandbox.run(
            ["grep", "-rnIE", *skipped, *only, "-e", arguments.pattern, "--", arguments.path], timeout_sec=30
        )
        if done.timed_out:
            return failed("the search took more than 30 s: choose a smaller folder")
        if done.exit_code not in (0, 1) and not done.stdout:
            return failed(done.stderr.strip() or f"grep ended with {done.exit_code}")
        lines = done.stdout.splitlines()
        if not lines:
            return ToolAnswer(text="no line matches")
        shown, left = [], MOST_CHARACTERS
        for line in lines[:MOST_LINES]:
            short = line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} […]"
            left -= len(short) + 1
            if left < 0:
                break
            shown.append(short)
        return ToolAnswer(text="\n".join([*shown, *_note(lines, len(shown), done.truncated)]))


def _note(lines: list[str], shown: int, is_truncated: bool) -> list[str]:
    """What was cut: how many lines, in which files."""
    if shown == len(lines) and not is_truncated:
        return []
    more = "at least " if is_truncated else ""
    files = {line.partition(":")[0] for line in lines[shown:]}
    return [
        f"[{more}{len(lines) - shown} more lines in {len(files)} files are not shown: narrow pattern, path or files]"
    ]
