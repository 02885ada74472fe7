"""Examples of a transformation, and inputs for which it is to be carried on."""

import random
from typing import Any

from tasks.families._files import csv_text
from tasks.families.data_transformation.inputs import KINDS, Fields
from tasks.families.data_transformation.programs import Program, draw_program, neighbours

_TRIES = 300
_MOST_EXAMPLES = 8


def make_world(rng: random.Random, pieces: int, inputs: int = 20) -> dict[str, Any]:
    """`pieces` 1…5: of how many parts an output is made. `inputs`: how many are asked for. Raises ValueError."""
    if not 1 <= pieces <= 5 or inputs < 5:
        raise ValueError(f"pieces is from 1 to 5 and inputs at least 5, not {pieces!r} and {inputs!r}")
    for _ in range(_TRIES):
        kind = rng.choice(KINDS)
        program = draw_program(rng, kind, pieces)
        drawn = dict(kind.draw(rng) for _ in range(inputs + _MOST_EXAMPLES))
        texts = list(drawn)
        asked, spare = texts[_MOST_EXAMPLES:], texts[:_MOST_EXAMPLES]
        # A space at an end is lost in a table's cell, and nobody sees it.
        if any(output != output.strip() or not output for output in map(program.run, drawn.values())):
            continue
        count = _enough(program, [drawn[text] for text in spare], [drawn[text] for text in asked])
        if count and len({program.run(drawn[text]) for text in asked}) > len(asked) // 3:
            break
    else:
        raise RuntimeError(f"in {_TRIES} draws no examples told all of a transformation with {pieces} pieces")
    outputs = [program.run(drawn[text]) for text in asked]
    decoys = [[other.run(drawn[text]) for text in asked] for other in neighbours(rng, program)]
    decoys = [each for each in decoys if [output.strip() for output in each] != outputs][:4]
    decoys += [asked, [*outputs[:-1], outputs[0] if outputs[0] != outputs[-1] else asked[-1]]]
    return {
        "kind": kind.name,
        "count": len(asked),
        "examples": csv_text(["input", "output"], [(text, program.run(drawn[text])) for text in spare[:count]]),
        "inputs": csv_text(["id", "input"], enumerate(asked, 1)),
        "grading": {"rows": [{"id": number, "output": output} for number, output in enumerate(outputs, 1)]},
        "reference": {"outputs.csv": _answer(outputs)},
        "decoys": [{"outputs.csv": _answer(each)} for each in decoys],
    }


def _enough(program: Program, examples: list[Fields], asked: list[Fields]) -> int:
    """How many of the examples say all that is needed, at least four; 0 if all of them do not."""
    for count in range(4, len(examples) + 1):
        if program.is_told_by(examples[:count], asked):
            return count
    return 0


def _answer(outputs: list[str]) -> str:
    return csv_text(["id", "output"], enumerate(outputs, 1))
