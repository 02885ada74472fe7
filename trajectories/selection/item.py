"""What selectors choose from: a rollout in a few fields, and a reader of what is not in them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

from trajectories.rollout import Rollout
from trajectories.store import Store
from trajectories.tables import RolloutRow


@dataclass(frozen=True)
class Item:
    """A rollout that may be chosen. `round` is the training round that it is meant for, from 0."""

    id: str
    suite: str
    task: str
    family: str
    repository: str
    agent: str
    model: str
    reward: float
    ending: str
    steps: int
    tokens: int
    pass_rate: float
    """Of the task, over all rollouts with a known outcome of agents that were not given the reference."""
    round: int = 0

    def in_round(self, number: int) -> "Item":
        return replace(self, round=number)


def item_of(row: RolloutRow, pass_rate: float) -> Item:
    return Item(
        id=row.id,
        suite=row.suite_hash,
        task=row.task_id,
        family=row.family,
        repository=row.repository,
        agent=row.agent,
        model=row.model,
        reward=row.reward,
        ending=row.ending,
        steps=row.steps,
        tokens=row.prompt_tokens + row.completion_tokens,
        pass_rate=pass_rate,
    )


class Reader:
    """Bodies of items, read when a selector asks for them; the last few are kept."""

    def __init__(self, store: Store, *, seed: int = 0) -> None:
        self.store = store
        self.seed = seed
        self._load = lru_cache(maxsize=64)(store.load)

    def rollout(self, item: Item) -> Rollout:
        """Raises NotInStore, CorruptBlob."""
        return self._load(item.id)

    def calls(self, item: Item) -> list[str]:
        """Each tool call as a text: its name and arguments, in order."""
        return [
            f"{call.function_name} {json.dumps(call.arguments, sort_keys=True)}"
            for step in self.rollout(item).trajectory.steps
            for call in step.tool_calls or ()
        ]

    def texts(self, items: Sequence[Item]) -> Iterator[str]:
        """What each did, as one text: the instruction, what was said and called."""
        for item in items:
            said = [str(step.message) for step in self.rollout(item).trajectory.steps]
            yield "\n".join([*said, *self.calls(item)])

    def errors(self, item: Item) -> int:
        """Calls that were answered by an error."""
        steps = self.rollout(item).trajectory.steps
        return sum(bool((step.extra or {}).get("is_error")) for step in steps)


class Selector(Protocol):
    """One way to choose. A frozen pydantic model: its fields are its options."""

    def select(self, items: Sequence[Item], reader: Reader) -> list[Item]:
        """Some of the items, in the order in which they are to be used. The same input gives the same output."""
        ...
