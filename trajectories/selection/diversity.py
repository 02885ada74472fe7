"""Diverse sets: by facility location, and by clusters, over what the rollouts did.

Both need scikit-learn and numpy (extra `selection`).
"""

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from trajectories.errors import BadSelection
from trajectories.selection.item import Item, Reader
from trajectories.selection.options import Options

MOST_ITEMS = 20_000
"""Similarities of all pairs: 20,000 items are 1.6 GB."""


class FacilityLocation(Options):
    """`n` items that stand for all: the sum over all items of the similarity to the nearest chosen one is greatest.

    Greedy, within 1 - 1/e of the best (Nemhauser et al., 1978); on benchmarks: BenTo (Zhao et al., 2025). Similarity is
    the cosine of TF-IDF vectors of instruction, messages and calls. Chosen first, first in order.
    """

    n: int = Field(gt=0)

    def select(self, items: Sequence[Item], reader: Reader) -> list[Item]:
        if len(items) <= self.n:
            return list(items)
        if len(items) > MOST_ITEMS:
            raise BadSelection(
                f"facility_location: {len(items)} items are too many (most: {MOST_ITEMS}); put `balance`, `mixture` "
                "or `sample` before it"
            )
        vectors = vectors_of(items, reader)
        return [items[at] for at in spread((vectors @ vectors.T).toarray(), self.n)]


class Clusters(Options):
    """At most `each` of each of `k` clusters (k-means over the same vectors), those nearest to the centre first."""

    k: int = Field(gt=0)
    each: int = Field(gt=0)

    def select(self, items: Sequence[Item], reader: Reader) -> list[Item]:
        if not items:
            return []
        _need()
        from sklearn.cluster import MiniBatchKMeans

        vectors = vectors_of(items, reader)
        model = MiniBatchKMeans(min(self.k, len(items)), random_state=reader.seed, n_init=3).fit(vectors)
        distance = model.transform(vectors)[range(len(items)), model.labels_]
        chosen: set[str] = set()
        for cluster in range(model.n_clusters):
            members = [at for at in range(len(items)) if model.labels_[at] == cluster]
            nearest = sorted(members, key=lambda at: (float(distance[at]), items[at].id))
            chosen.update(items[at].id for at in nearest[: self.each])
        return [item for item in items if item.id in chosen]


def spread(similarity: Any, n: int) -> list[int]:
    """Greedy facility location over a square matrix of similarities: indices, the best first."""
    import numpy as np

    covered = np.zeros(len(similarity))
    chosen: list[int] = []
    for _ in range(min(n, len(similarity))):
        gains = np.maximum(similarity - covered[:, None], 0.0).sum(axis=0)
        gains[chosen] = -1.0
        best = int(gains.argmax())
        chosen.append(best)
        covered = np.maximum(covered, similarity[:, best])
    return chosen


def vectors_of(items: Sequence[Item], reader: Reader) -> Any:
    """A sparse TF-IDF vector of length 1 an item, (items, 2**16), over hashed words. Raises BadSelection."""
    _need()
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    counts = HashingVectorizer(n_features=2**16, alternate_sign=False, norm=None).transform(reader.texts(items))
    return TfidfTransformer().fit_transform(counts)


def _need() -> None:
    try:
        import sklearn  # noqa: F401
    except ImportError as error:
        raise BadSelection("this selector needs scikit-learn: pip install 'gristmill[selection]'") from error
