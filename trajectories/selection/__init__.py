"""Selection: which rollouts to train on. Each selector takes items in an order and gives some of them in an order.

Composed in YAML, applied from top to bottom:

    select:
      - quality: {}
      - dedupe: {threshold: 0.9}
      - balance: {by: repository, most: 200}
      - curriculum: {bands: 4}

Others add theirs by the entry point group `gristmill.selectors`: a frozen pydantic model with `select(items, reader)`.
"""

from trajectories.selection.item import Item, Reader
from trajectories.selection.recipe import Recipe, Step, load_recipe, selector_names
from trajectories.selection.select import Selected, select

__all__ = ["Item", "Reader", "Recipe", "Selected", "Step", "load_recipe", "select", "selector_names"]
