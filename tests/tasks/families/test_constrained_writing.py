"""Requests with constraints: every set can be met, every constraint is of a known kind, and slips are seen."""

from collections import Counter
from random import Random
from typing import Any

import pytest

from environments import Backend
from tasks.families.constrained_writing._constraints import KINDS
from tasks.families.constrained_writing._decoys import faults
from tasks.families.constrained_writing.writing import draw_editing, draw_writing
from tasks.verifiers.graded import grade_files

DRAWN: list[dict[str, Any]] = [draw_writing(Random(seed)) for seed in range(80)]
EDITED: list[dict[str, Any]] = [draw_editing(Random(seed)) for seed in range(40)]


def test_three_to_nine_constraints_of_eight_kinds() -> None:
    kinds: Counter[str] = Counter()
    for each in (*DRAWN, *EDITED):
        assert 3 <= len(each["constraints"]) <= 9
        kinds.update(constraint["name"].partition(":")[0] for constraint in each["constraints"])
    assert set(kinds) == set(KINDS)
    assert {len(each["constraints"]) for each in DRAWN} >= {3, 5, 7, 9}


def test_what_needs_a_reader_is_marked_and_at_least_two_constraints_are_scored() -> None:
    judged = 0
    for each in (*DRAWN, *EDITED):
        scored = [constraint for constraint in each["constraints"] if constraint["kind"] != "judge"]
        judged += len(each["constraints"]) - len(scored)
        assert len(scored) == each["scored"] >= 2
    assert judged >= 20


def test_the_reference_fulfils_all_and_every_decoy_breaks_some() -> None:
    alone = total = 0
    for each in (*DRAWN, *EDITED):
        assert not faults(each["text"], each["constraints"])
        for decoy in each["decoys"]:
            broken = faults(decoy["text.md"], each["constraints"])
            assert broken
            alone += len(broken) == 1
            total += 1
    assert alone >= total / 2  # most break one constraint and nothing else


def test_the_draft_is_not_good_enough_as_it_is() -> None:
    for each in EDITED:
        assert faults(each["files"]["draft.md"], each["constraints"])
        assert each["files"]["draft.md"] != each["text"]


@pytest.mark.parametrize("each", [DRAWN[0], DRAWN[1], EDITED[0]], ids=["one", "two", "edited"])
async def test_the_grader_gives_the_share(each: dict[str, Any], bubblewrap: Backend) -> None:
    whole = await grade_files("constraints", each["grading"], {"text.md": each["text"].encode()}, bubblewrap)
    assert whole.reward == 1 and len(whole.checks) == each["scored"]
    slip = each["decoys"][0]["text.md"]
    part = await grade_files("constraints", each["grading"], {"text.md": slip.encode()}, bubblewrap)
    broken = len(faults(slip, each["constraints"]))
    assert part.reward == pytest.approx(1 - broken / each["scored"])
    short = await grade_files("constraints", each["grading"], {"text.md": b"No.\n"}, bubblewrap)
    assert short.reward == 0  # what only avoids fulfils nothing


async def test_judged_constraints_are_told_and_not_scored(bubblewrap: Backend) -> None:
    each = next(each for each in DRAWN if each["scored"] < len(each["constraints"]))
    verdict = await grade_files("constraints", each["grading"], {"text.md": each["text"].encode()}, bubblewrap)
    assert "needs a judge" in verdict.evidence
