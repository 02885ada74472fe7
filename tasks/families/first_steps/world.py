"""Worlds of `first_steps`: a word, the files that it goes from and to, and words that look right and are not."""

import random
from typing import Any

from tasks.families._words import ADJECTIVES, COLOURS, MATERIALS, NOUNS, TOWNS

INPUTS = ("note.txt", "letter.txt", "memo.txt", "list.txt", "data.txt", "card.txt", "page.txt", "input.txt")
OUTPUTS = ("answer.txt", "result.txt", "out.txt", "reply.txt", "word.txt", "final.txt", "copy.txt", "output.txt")
_VALUES = {"colour": COLOURS, "material": MATERIALS, "town": TOWNS, "thing": NOUNS, "mood": ADJECTIVES}


def write_world(rng: random.Random) -> dict[str, Any]:
    """A word that the instruction names."""
    word, other = _two(rng, NOUNS)
    return _world(rng, word, (other, word[:-1]))


def copy_world(rng: random.Random) -> dict[str, Any]:
    """A word that stands alone in a file."""
    word, other = _two(rng, NOUNS)
    source = rng.choice(INPUTS)
    return {"source": source, "files": {source: f"{word}\n"}, **_world(rng, word, (other, source))}


def field_world(rng: random.Random) -> dict[str, Any]:
    """A file of three lines `key: value`, one of which is asked for; the others' values are wrong."""
    keys = rng.sample(sorted(_VALUES), 3)
    values = {key: rng.choice(_plain(_VALUES[key])) for key in keys}
    asked = rng.choice(keys)
    source = rng.choice(INPUTS)
    text = "".join(f"{key}: {value}\n" for key, value in values.items())
    wrong = [value for value in values.values() if value != values[asked]]
    return {
        "source": source,
        "files": {source: text},
        "key": asked,
        **_world(rng, values[asked], (wrong[0], f"{asked}: {values[asked]}")),
    }


def _world(rng: random.Random, word: str, wrong: tuple[str, ...]) -> dict[str, Any]:
    output = rng.choice(OUTPUTS)
    return {
        "word": word,
        "output": output,
        "grading": {"answers": [word], "output": output},
        "reference": {output: f"{word}\n"},
        "decoys": [{output: f"{each}\n"} for each in wrong],
    }


def _two(rng: random.Random, words: tuple[str, ...]) -> tuple[str, str]:
    first, second = rng.sample(_plain(words), 2)
    return first, second


def _plain(words: tuple[str, ...]) -> list[str]:
    """Single words of at least three letters."""
    return [word for word in words if word.isalpha() and len(word) >= 3]
