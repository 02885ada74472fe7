"""Programs that run, end and print; blocks that matter; what comes close and is wrong."""

import random

import pytest

from environments import Backend
from tasks.families.output_prediction.program import blocks, draw_blocks, printed
from tasks.families.output_prediction.world import make_world
from tasks.verifiers.graded import grade_files


def test_every_block_runs_on_every_state() -> None:
    seen = set()
    for number in range(600):
        listing = draw_blocks(random.Random(number), 1)
        seen.add(listing.pieces[2].splitlines()[0])
        assert printed(listing.text) is not None, listing.text
    assert len(seen) >= 0.8 * len(blocks())


@pytest.mark.parametrize("kind", ["blocks", "chain"])
def test_a_part_left_out_shows(kind: str) -> None:
    for number in range(10):
        world = make_world(random.Random(f"{kind} {number}"), kind, 3)
        output = world["grading"]["answers"][0]
        assert printed(world["program"]) == output
        assert all(decoy["answer.txt"].split() != output.split() for decoy in world["decoys"])


def test_an_endless_program_is_none_to_ask_about() -> None:
    assert printed("while True:\n    pass\n") is None
    assert printed("x = []\nfor y in [1]:\n    x.append(1)\nprint(x)\n") == "[1]\n"


async def test_lines_in_another_order_are_wrong_and_white_space_is_not(bubblewrap: Backend) -> None:
    world = make_world(random.Random(2), "blocks", 4)
    output = world["grading"]["answers"][0]
    lines = output.splitlines()
    data = {**world["grading"], "one_line": False, "ignore_case": False, "normalise_unicode": False}
    for text, reward in ((output, 1.0), (output.strip(), 1.0), ("\n".join(reversed(lines)), 0.0), (lines[0], 0.0)):
        verdict = await grade_files("answer", data, {"answer.txt": text.encode()}, bubblewrap)
        assert verdict.error is None and verdict.reward == reward, text
