"""Okapi BM25 (Robertson and Zaragoza 2009) over short texts, in plain Python."""

import math
import re
from collections import Counter
from collections.abc import Sequence

_K1, _B = 1.2, 0.75
_WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    return _WORD.findall(text.lower())


class Index:
    """Ranks documents by what they share with a query; words that stand in most of them count for little."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._counts = [Counter(words_of(text)) for text in texts]
        self._lengths = [counts.total() for counts in self._counts]
        self._mean = sum(self._lengths) / max(1, len(texts))
        holding = Counter(word for counts in self._counts for word in counts)
        size = len(texts)
        self._weight = {word: math.log(1 + (size - n + 0.5) / (n + 0.5)) for word, n in holding.items()}

    def scores(self, query: str) -> list[float]:
        """One score a document, in their order."""
        asked = Counter(words_of(query))
        found = []
        for counts, length in zip(self._counts, self._lengths, strict=True):
            norm = _K1 * (1 - _B + _B * length / self._mean) if self._mean else 1.0
            found.append(
                sum(
                    times * self._weight[word] * counts[word] * (_K1 + 1) / (counts[word] + norm)
                    for word, times in asked.items()
                    if word in counts
                )
            )
        return found

    def nearest(self, query: str, count: int, *, without: int | None = None) -> list[int]:
        """Numbers of the documents that fit best, the best first; ties in the documents' order."""
        scores = self.scores(query)
        ranked = sorted(range(len(scores)), key=lambda at: (-scores[at], at))
        return [at for at in ranked if at != without][:count]
