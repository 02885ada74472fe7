"""A filter, then a recipe: the rollouts that are chosen, and how many each step left."""

from collections.abc import Iterator
from dataclasses import dataclass

from trajectories.selection.item import Item, Reader, item_of
from trajectories.selection.recipe import Recipe
from trajectories.store import Store


@dataclass(frozen=True)
class Selected:
    """The items in their order, and what each step of the recipe left, the filter first."""

    items: tuple[Item, ...]
    left: tuple[tuple[str, int], ...]


def select(store: Store, *, where: str, recipe: Recipe, seed: int = 0) -> Selected:
    """Raises BadFilter, BadSelection, CorruptBlob."""
    reader = Reader(store, seed=seed)
    items = list(_items(store, where))
    left = [("where", len(items))]
    for step in recipe.steps:
        items = step.selector().select(items, reader)
        left.append((step.name, len(items)))
    return Selected(tuple(items), tuple(left))


def _items(store: Store, where: str) -> Iterator[Item]:
    """By suite, task and id."""
    for of_task in store.rollouts_by_task(where):
        rate = store.task_pass_rate(of_task[0].suite_hash, of_task[0].task_id)
        for row in of_task:
            yield item_of(row, rate)
