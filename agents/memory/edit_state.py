"""edit_state: after each change, the model is shown what it has changed so far, as it is now.

In RefactorBench (Gautam et al., 2025) an agent that was shown the state of its own past edits solved 44 % more
(relative): half-done renames are forgotten edits. The state is the sandbox's own diff, so an edit that bash made
counts like one that `edit` made, and what was undone is gone from it.
"""

from typing import ClassVar

from pydantic import Field

from agents.agent import ToolAnswer
from agents.memory.piece import Piece
from agents.memory.tokens import clipped, count_tokens
from agents.session import RolloutSession
from environments.diff import Diff, FileChange
from trajectories.atif import ToolCall

CHANGING = ("edit", "write", "bash", "jobs")


class EditState(Piece):
    """See the module."""

    name: ClassVar[str] = "edit_state"
    version: ClassVar[str] = "1"

    tokens: int = Field(400, gt=0, description="of one note, at most")
    calls: tuple[str, ...] = Field(CHANGING, description="tools after which the state may be another")

    async def after_call(self, session: RolloutSession, call: ToolCall, answer: ToolAnswer) -> str:
        if call.function_name not in self.calls:
            return ""
        kept = session.place.kept
        diff = await session.place.sandbox.diff()
        before: _Shown | None = kept.get(self.name)
        shown = _Shown({change.path: hash((change.after, change.mode)) for change in diff.changes})
        if shown.states == (before.states if before else {}):
            return ""
        last = [path for path, state in shown.states.items() if not before or before.states.get(path) != state]
        kept[self.name] = shown
        return describe(diff, last, tokens=self.tokens)


class _Shown:
    """What of the change was shown last: path -> a digest of the file."""

    def __init__(self, states: dict[str, int]) -> None:
        self.states = states


def describe(diff: Diff, last: list[str], *, tokens: int) -> str:
    """The files of a change, those in `last` first, with their lines as far as `tokens` go."""
    if not diff.changes:
        return "[your changes so far: none; all is as it was]"
    ordered = sorted(diff.changes, key=lambda change: (change.path not in last, change.path))
    parts = [f"[your changes so far: {len(ordered)} file{'s' * (len(ordered) > 1)}]"]
    left = tokens - count_tokens(parts[0])
    for number, change in enumerate(ordered):
        removed, added = _lines(change)
        head = f"{change.path}: +{len(added)} -{len(removed)}{_kind(change)}"
        body = "\n".join([*(f"- {line}" for line in removed), *(f"+ {line}" for line in added)])
        part = f"{head}\n{clipped(body, max(0, left // 2))}" if body and left > 60 else head
        left -= count_tokens(part)
        if left < 0:
            parts.append(f"and {len(ordered) - number} more")
            break
        parts.append(part)
    return "\n".join(parts)


def _kind(change: FileChange) -> str:
    if change.before is None:
        return " (new)"
    return " (deleted)" if change.after is None else ""


def _lines(change: FileChange) -> tuple[list[str], list[str]]:
    """Lines that were taken away and that were added, as the text of the diff has them."""
    removed, added = [], []
    in_hunk = False
    for line in Diff(changes=(change,)).text().splitlines():
        if line.startswith("@@"):
            in_hunk = True
        elif in_hunk and line.startswith("-"):
            removed.append(line[1:])
        elif in_hunk and line.startswith("+"):
            added.append(line[1:])
    return removed, added
