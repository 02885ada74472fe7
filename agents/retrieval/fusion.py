"""BM25 and embedding together by reciprocal ranks (Cormack et al. 2009): neither's scale matters."""

from collections.abc import Sequence

from agents.retrieval.bm25 import Bm25
from agents.retrieval.embedding import EmbeddingRanking
from agents.retrieval.ranking import order_of

SMOOTHING = 60  # the paper's


class Fusion:
    """A Ranking."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._rankings = (Bm25(texts), EmbeddingRanking(texts))
        self._count = len(texts)

    def scores(self, query: str) -> list[float]:
        found = [0.0] * self._count
        for ranking in self._rankings:
            for rank, index in enumerate(order_of(ranking.scores(query))):
                found[index] += 1 / (SMOOTHING + rank + 1)
        return found
