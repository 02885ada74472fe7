"""Worlds of the benchmark's own errands: longer than those of `first_steps`, so that a memory or a plan has a use."""

import random
from typing import Any

from tasks.families._words import NOUNS, TOWNS
from tasks.families.first_steps.world import INPUTS, OUTPUTS

LINES = 24  # of a long list: about 120 tokens


def two_words_world(rng: random.Random) -> dict[str, Any]:
    """Two words and the two files that they go into; one of them alone is not enough."""
    first, second, other = rng.sample(_plain(NOUNS), 3)
    one, two = rng.sample(OUTPUTS, 2)
    return {
        "first": first,
        "second": second,
        "one": one,
        "two": two,
        "grading": {"files": {one: _file(first), two: _file(second)}},
        "reference": {one: f"{first}\n", two: f"{second}\n"},
        "decoys": [
            {one: f"{first}\n"},
            {one: f"{first}\n", two: f"{other}\n"},
            {one: f"{second}\n", two: f"{first}\n"},
        ],
    }


def long_list_world(rng: random.Random) -> dict[str, Any]:
    """A file of many lines `key: value`, one of which is asked for."""
    keys = rng.sample(_plain(NOUNS), LINES)
    towns = rng.sample(_plain(TOWNS), LINES)
    asked = rng.randrange(LINES)
    source, output = rng.choice(INPUTS), rng.choice(OUTPUTS)
    text = "".join(f"{key}: {town}\n" for key, town in zip(keys, towns, strict=True))
    return {
        "source": source,
        "output": output,
        "key": keys[asked],
        "files": {source: text},
        "grading": {"answers": [towns[asked]], "output": output},
        "reference": {output: f"{towns[asked]}\n"},
        "decoys": [{output: f"{towns[asked - 1]}\n"}, {output: f"{keys[asked]}: {towns[asked]}\n"}],
    }


def _file(word: str) -> dict[str, Any]:
    return {"text": f"{word}\n", "ignore_space": True}


def _plain(words: tuple[str, ...]) -> list[str]:
    return [word for word in words if word.isalpha() and len(word) >= 3]
