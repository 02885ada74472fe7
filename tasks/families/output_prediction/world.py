"""Worlds of `output_prediction`: a program, what it prints, and what nearly the same programs print."""

import random
import re
from typing import Any

from tasks.families.output_prediction.program import Listing, draw_blocks, draw_chain, printed

_LEAST_LINES = 3
_MOST_CHARACTERS = 700
_NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")


def make_world(rng: random.Random, kind: str, blocks: int) -> dict[str, Any]:
    """`kind`: blocks | chain. `blocks`: how many parts the program has, 2 to 5."""
    while True:
        listing = draw_blocks(rng, blocks) if kind == "blocks" else draw_chain(rng, min(blocks, 4))
        output = printed(listing.text)
        if output is None or output.count("\n") < _LEAST_LINES or len(output) > _MOST_CHARACTERS:
            continue
        wrong = _near_misses(rng, listing, output)
        if len(wrong) >= 2 and _words(output) not in _words(listing.text):
            return {
                "program": listing.text,
                "lines": output.count("\n"),
                "grading": {"answers": [output]},
                "reference": {"answer.txt": output},
                "decoys": [{"answer.txt": text} for text in [*wrong[:3], listing.text]],
            }


def _near_misses(rng: random.Random, listing: Listing, output: str) -> list[str]:
    """What comes out if a block is skipped or a number misread by one, and the output with one token changed."""
    programs = [listing.without(place) for place in listing.removable]
    numbers = list(_NUMBER.finditer(listing.text))
    for number in rng.sample(numbers, min(4, len(numbers))):
        start, end = number.span()
        programs.append(f"{listing.text[:start]}{int(number[0]) + 1}{listing.text[end:]}")
    found = [text for text in map(printed, programs) if text]
    lines = output.splitlines(keepends=True)
    found.append("".join(lines[:-1]))
    found.append("".join([lines[1], lines[0], *lines[2:]]))
    wrong = [text for text in dict.fromkeys(found) if _words(text) != _words(output)]
    rng.shuffle(wrong)
    return wrong


def _words(text: str) -> str:
    """As the grader compares: white space does not count."""
    return " ".join(text.split())
