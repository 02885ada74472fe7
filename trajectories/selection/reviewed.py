"""By what people say: the marks of the store."""

from collections.abc import Sequence

from pydantic import Field

from trajectories.marks import labels_of, task_marks
from trajectories.selection.item import Item, Reader
from trajectories.selection.options import Options


class Reviewed(Options):
    """Leaves out tasks that are marked bad and rollouts with unwanted labels; with `only`, keeps those labels alone."""

    without: tuple[str, ...] = Field(("bad",), description="labels of rollouts to leave out")
    only: tuple[str, ...] = Field((), description="labels to keep; a rollout that nobody labelled is then left out")
    bad_tasks: bool = Field(False, description="keep rollouts of tasks that are marked bad")

    def select(self, items: Sequence[Item], reader: Reader) -> list[Item]:
        marks = {} if self.bad_tasks else task_marks(reader.store)
        labels = labels_of(reader.store, (item.id for item in items))

        def is_wanted(item: Item) -> bool:
            label = labels.get(item.id, "")
            if marks.get((item.suite, item.task)) == "bad" or label in self.without:
                return False
            return not self.only or label in self.only

        return [item for item in items if is_wanted(item)]
