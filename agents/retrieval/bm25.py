"""BM25 (Robertson & Zaragoza 2009, with the +1 that keeps common words from counting against a text).

Written here: it is these lines, it must work where no extra is installed, and PyPI's rank-bm25 needs numpy and knows no
words within names.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

K1, B = 1.2, 0.75
_STOP = frozenset(
    re.findall(
        r"\w+",
        """
    a an and are as at be by can do for from has have i if in into is it its me my of on or our please so some than that
    the their them then there these this to up us was we what when which who will with would you your
    """,
    )
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ENDINGS = ("ations", "ation", "ings", "ing", "edly", "ies", "ied", "ers", "es", "ed", "er", "ly", "s", "e")


def words_of(text: str) -> list[str]:
    """Words without their endings; names in snake_case and camelCase are taken apart."""
    return [_stem(word.lower()) for word in _WORD.findall(text) if word.lower() not in _STOP]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)] + ("y" if ending in ("ies", "ied") else "")
    return word


class Bm25:
    """A Ranking. Memory: one entry for each different word of each text."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [Counter(words_of(text)) for text in texts]
        lengths = [count.total() for count in counts]
        mean = sum(lengths) / len(lengths) if any(lengths) else 1.0
        self._count = len(texts)
        self._postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for index, (count, length) in enumerate(zip(counts, lengths, strict=True)):
            for word, times in count.items():
                weight = times * (K1 + 1) / (times + K1 * (1 - B + B * length / mean))
                self._postings[word].append((index, weight))

    def scores(self, query: str) -> list[float]:
        found = [0.0] * self._count
        for word in words_of(query):
            postings = self._postings.get(word, ())
            rarity = math.log(1 + (self._count - len(postings) + 0.5) / (len(postings) + 0.5))
            for index, weight in postings:
                found[index] += rarity * weight
        return found
