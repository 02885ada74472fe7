"""majority: n attempts; what most of them came to is handed in (self-consistency, Wang et al., 2022)."""

import ast
import json
from collections import Counter
from typing import ClassVar

from pydantic import Field

from agents.memory.piece import Act, Piece
from agents.session import RolloutSession
from agents.strategies.attempts import Tried, hand_in, nothing_tried, try_often
from environments.diff import Diff, FileChange


class Majority(Piece):
    """Attempts without a change have no vote, unless all are without. Of equal counts the earliest outcome is taken."""

    name: ClassVar[str] = "majority"
    version: ClassVar[str] = "1"

    n: int = Field(5, gt=0)

    async def act(self, inner: Act, session: RolloutSession) -> None:
        tried = await try_often(inner, session, self.n, is_testing=False)
        if not tried:
            raise nothing_tried(self.name)
        chosen, votes = elect(tried)
        await hand_in(session, tried, chosen, {"by": "majority", "votes": votes, "outcomes": outcomes_of(tried)})


def elect(tried: list[Tried]) -> tuple[Tried, int]:
    """The first attempt with the most frequent outcome, and how many had it."""
    voting = [each for each in tried if each.diff.changes] or tried
    outcomes = [outcome_of(each.diff) for each in voting]
    counts = Counter(outcomes)
    best = max(range(len(voting)), key=lambda at: (counts[outcomes[at]], -at))
    return voting[best], counts[outcomes[best]]


def outcomes_of(tried: list[Tried]) -> int:
    """How many different outcomes there are."""
    return len({outcome_of(each.diff) for each in tried})


def outcome_of(diff: Diff) -> tuple[tuple[str, str], ...]:
    """A change by what it comes to: Python by its syntax tree, JSON by its value, other text by its words."""
    return tuple((change.path, _normal(change)) for change in diff.changes)


def _normal(change: FileChange) -> str:
    if change.after is None:
        return "deleted"
    try:
        text = change.after.decode()
    except UnicodeDecodeError:
        return change.after.hex()
    try:
        if change.path.endswith(".py"):
            return ast.dump(ast.parse(text))
        if change.path.endswith(".json"):
            return json.dumps(json.loads(text), sort_keys=True)
    except (ValueError, SyntaxError, RecursionError):
        pass  # not what its name says: compared as text
    return " ".join(text.split()).casefold()
