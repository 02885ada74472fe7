"""How much of each kind: caps, mixtures, and an order from easy to hard."""

from collections import defaultdict
from collections.abc import Sequence
from random import Random

from pydantic import Field

from trajectories.selection.item import Item, Reader
from trajectories.selection.options import By, Options, group_of


class Balance(Options):
    """At most `most` of each group; the first ones, or by chance."""

    by: By = "repository"
    most: int = Field(gt=0)
    shuffle: bool = True

    def select(self, items: Sequence[Item], reader: Reader) -> list[Item]:
        order = _shuffled(items, reader.seed) if self.shuffle else list(items)
        taken: dict[str, int] = defaultdict(int)
        chosen = set()
        for item in order:
            group = group_of(item, self.by)
            if taken[group] < self.most:
                taken[group] += 1
                chosen.add(item.id)
        return [item for item in items if item.id in chosen]


class Mixture(Options):
    """`n` items, of each group a share proportional to min(size, cap) to the power of 1/temperature.

    Proportional mixing with a cap and a temperature: Raffel et al. (2020), ExT5 (Aribandi et al., 2022). What a small
    group cannot give, the others do.
    """

    n: int = Field(gt=0)
    by: By = "family"
    temperature: float = Field(2.0, ge=1, description="1: by size; large: all groups alike")
    cap: int = Field(100_000, gt=0)
    weights: dict[str, float] = Field(default_factory=dict, description="group -> a factor of its share")

    def select(self, items: Sequence[Item], reader: Reader) -> list[Item]:
        groups: dict[str, list[Item]] = defaultdict(list)
        for item in _shuffled(items, reader.seed):
            groups[group_of(item, self.by)].append(item)
        share = {
            name: self.weights.get(name, 1.0) * min(len(group), self.cap) ** (1 / self.temperature)
            for name, group in groups.items()
        }
        wanted = _filled(share, {name: len(group) for name, group in groups.items()}, min(self.n, len(items)))
        chosen = {item.id for name, group in groups.items() for item in group[: wanted[name]]}
        return [item for item in items if item.id in chosen]


class Curriculum(Options):
    """In order from easy to hard, in rounds (TAPIR: Yue et al., 2024): bands of the task's pass rate.

    Tasks that are always or never solved teach little: `low` and `high` leave them out where asked.
    """

    bands: int = Field(4, gt=0)
    low: float = Field(0.0, ge=0, le=1)
    high: float = Field(1.0, ge=0, le=1)

    def select(self, items: Sequence[Item], reader: Reader) -> list[Item]:
        kept = [item for item in items if self.low <= item.pass_rate <= self.high]

        def band(item: Item) -> int:
            return min(self.bands - 1, int((1 - item.pass_rate) * self.bands))

        ordered = sorted(_shuffled(kept, reader.seed), key=band)
        return [item.in_round(band(item)) for item in ordered]


class Sample(Options):
    """`n` by chance."""

    n: int = Field(gt=0)

    def select(self, items: Sequence[Item], reader: Reader) -> list[Item]:
        chosen = {item.id for item in _shuffled(items, reader.seed)[: self.n]}
        return [item for item in items if item.id in chosen]


def _shuffled(items: Sequence[Item], seed: int) -> list[Item]:
    """In an order that depends on the seed and the items' ids, not on their order."""
    order = sorted(items, key=lambda item: item.id)
    Random(seed).shuffle(order)
    return order


def _filled(share: dict[str, float], sizes: dict[str, int], n: int) -> dict[str, int]:
    """How many of each: by share, none more than there is, together exactly n (largest remainders)."""
    given = dict.fromkeys(share, 0)
    while (left := n - sum(given.values())) > 0:
        open_ones = {name: weight for name, weight in share.items() if given[name] < sizes[name]}
        total = sum(open_ones.values())
        exact = {name: left * weight / total if total else left / len(open_ones) for name, weight in open_ones.items()}
        more = {name: min(int(value), sizes[name] - given[name]) for name, value in exact.items()}
        if not any(more.values()):  # less than one each: the largest remainders get one
            for name in sorted(exact, key=lambda name: (-exact[name], name))[:left]:
                more[name] = 1
        for name, count in more.items():
            given[name] += count
    return given
