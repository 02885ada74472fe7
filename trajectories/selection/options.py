"""What the selectors' models have in common."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from trajectories.selection.item import Item

By = Literal["family", "repository", "task", "agent", "model", "difficulty"]


class Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def group_of(item: Item, by: By) -> str:
    """The name of an item's group; of `difficulty` its band of pass rates, in quarters."""
    if by == "difficulty":
        return f"{min(3, int(item.pass_rate * 4)) * 25} %"
    value: str = getattr(item, by)
    return f"{item.suite} {value}" if by == "task" else value
