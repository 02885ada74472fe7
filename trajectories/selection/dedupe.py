"""One of several rollouts that did nearly the same."""

from collections.abc import Sequence

from pydantic import Field

from tasks._minhash import Bands, hash_of, jaccard
from trajectories.selection.item import Item, Reader
from trajectories.selection.options import Options


class Dedupe(Options):
    """Keeps the first of those whose calls are alike: Jaccard of their runs of `n` calls (MinHash: Broder, 1997)."""

    threshold: float = Field(0.9, gt=0, le=1)
    n: int = Field(2, ge=1, description="calls of a run; order counts within a run")
    across_tasks: bool = Field(False, description="also rollouts of different tasks are compared")

    def select(self, items: Sequence[Item], reader: Reader) -> list[Item]:
        bands, kept, shingles = Bands(), list[Item](), list[frozenset[int]]()
        for item in items:
            own = self._shingles(item, reader)
            keys = bands.keys(own)
            if any(jaccard(own, shingles[other]) >= self.threshold for other in bands.meeting(keys)):
                continue
            bands.put(keys, len(kept))
            kept.append(item)
            shingles.append(own)
        return kept

    def _shingles(self, item: Item, reader: Reader) -> frozenset[int]:
        calls = ["", *reader.calls(item), ""]
        scope = "" if self.across_tasks else f"{item.suite} {item.task}"
        runs = (calls[at : at + self.n] for at in range(max(1, len(calls) - self.n + 1)))
        return frozenset(hash_of(scope + "\0".join(run)) for run in runs)
