"""By how a rollout went: no give-ups, no loops, no storms of errors; by whom its task is known."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from tasks.contamination import DETAIL
from trajectories.selection.item import Item, Reader
from trajectories.selection.options import Options

Share = Annotated[float, Field(ge=0, le=1)]


class Quality(Options):
    """Keeps rollouts that came to an end by themselves, did not go round in circles and were mostly understood."""

    least_reward: Share = Field(0.0, description="rewards below are left out; verdicts are the filter's business")
    endings: tuple[str, ...] = ("submitted", "finished")
    most_same_calls: int = Field(4, gt=0, description="of one call with the same arguments, in one rollout")
    most_errors: Share = Field(0.5, description="share of calls that were answered by an error")
    most_steps: int = Field(1_000, gt=0)

    def select(self, items: Sequence[Item], reader: Reader) -> list[Item]:
        return [item for item in items if self._is_fine(item, reader)]

    def _is_fine(self, item: Item, reader: Reader) -> bool:
        if item.reward < self.least_reward or item.ending not in self.endings or item.steps > self.most_steps:
            return False
        calls = reader.calls(item)
        if calls and max(Counter(calls).values()) > self.most_same_calls:
            return False
        return reader.errors(item) <= self.most_errors * max(1, len(calls))


class Decontaminate(Options):
    """Leaves out rollouts of tasks that are part of a benchmark: `generate --contamination` has marked those."""

    def select(self, items: Sequence[Item], reader: Reader) -> list[Item]:
        def is_marked(item: Item) -> bool:
            details = reader.rollout(item).provenance.get("details")
            return bool(isinstance(details, dict) and details.get(DETAIL))

        return [item for item in items if not is_marked(item)]
