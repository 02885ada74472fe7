"""Sets that are alike, found without comparing each with each: MinHash and banded locality-sensitive hashing.

Broder (1997); Indyk and Motwani (1998). 128 hash functions in 32 bands of 4: two sets of Jaccard 0.7 meet in a band
with probability 0.9998, and what meets is compared exactly, so that the bands cost only recall, and hardly any.
"""

from collections import defaultdict
from collections.abc import Iterator, Set
from hashlib import blake2b
from random import Random

FUNCTIONS = 128
BANDS = 32
_PRIME = (1 << 61) - 1


def hash_of(text: str) -> int:
    """61 bits of a text, the same in every process."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") % _PRIME


def jaccard(one: Set[int], other: Set[int]) -> float:
    """Shared items over all items; 1.0 of two empty sets."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if one or other else 1.0


class Bands:
    """Sets by their bands. Items are numbered by who adds them."""

    def __init__(self) -> None:
        rng = Random("gristmill")  # the same functions in every process: who meets whom must not depend on it
        self._functions = [(rng.randrange(1, _PRIME), rng.randrange(_PRIME)) for _ in range(FUNCTIONS)]
        self._buckets: defaultdict[tuple[int, int], list[int]] = defaultdict(list)

    def keys(self, items: Set[int]) -> list[tuple[int, int]]:
        """One key a band of a set that is not empty."""
        signature = [min((a * item + b) % _PRIME for item in items) for a, b in self._functions]
        rows = FUNCTIONS // BANDS
        return [(band, hash(tuple(signature[band * rows : (band + 1) * rows]))) for band in range(BANDS)]

    def meeting(self, keys: list[tuple[int, int]]) -> Iterator[int]:
        """Numbers of those that share a band, each once, in the order in which they were put."""
        yield from sorted({number for key in keys for number in self._buckets.get(key, ())})

    def put(self, keys: list[tuple[int, int]], number: int) -> None:
        for key in keys:
            self._buckets[key].append(number)
