"""How like two texts are, without a model: cosine of word counts, rare words weighing more."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from math import log, sqrt

_WORD = re.compile(r"[A-Za-z]+|\d+")


def words_of(text: str) -> list[str]:
    """Words in small letters; `snake_case` and `camelCase` come apart, as those of prose stand apart."""
    return [word.lower() for word in _WORD.findall(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text))]


class Weights:
    """How much each word tells: log((1 + n) / (1 + texts with it)) + 1 (Salton and Buckley, 1988)."""

    def __init__(self, texts: Iterable[str]) -> None:
        found: Counter[str] = Counter()
        self._texts = 0
        for text in texts:
            self._texts += 1
            found.update(set(words_of(text)))
        self._found = found

    def __call__(self, word: str) -> float:
        return log((1 + self._texts) / (1 + self._found[word])) + 1


def cosine(one: str, other: str, weigh: Weights) -> float:
    """0…1."""
    first, second = _vector(one, weigh), _vector(other, weigh)
    shared = sum(value * second.get(word, 0.0) for word, value in first.items())
    return shared / (_length(first) * _length(second)) if first and second else 0.0


def ranked(asked: str, texts: Sequence[str]) -> list[tuple[float, int]]:
    """(similarity, position) of each text, the most similar first; of equals the earlier."""
    weigh = Weights([*texts, asked])
    found = [(cosine(asked, text, weigh), at) for at, text in enumerate(texts)]
    return sorted(found, key=lambda each: (-each[0], each[1]))


def _vector(text: str, weigh: Weights) -> dict[str, float]:
    return {word: count * weigh(word) for word, count in Counter(words_of(text)).items()}


def _length(vector: dict[str, float]) -> float:
    return sqrt(sum(value * value for value in vector.values()))
