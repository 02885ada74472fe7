"""A threshold between what care reaches and what comes for nothing; three programs that only together pass."""

import json
import random
import re

import pytest

from environments import Backend
from tasks.families.labelling.corpus import SETTLED, domains, draw_corpus, draw_row
from tasks.families.labelling.programs import by_heart, by_text, labels_of
from tasks.families.labelling.world import make_world
from tasks.verifiers.graded import grade_files


@pytest.mark.parametrize("domain", sorted(domains()))
def test_a_cue_belongs_to_one_class(domain: str) -> None:
    cues = [cue for each in domains()[domain]["classes"].values() for cue in each["cues"]]
    assert len(cues) == len(set(cues)) >= 48
    assert not any(one != other and re.search(rf"\b{re.escape(one)}\b", other) for one in cues for other in cues)


def test_what_is_settled_does_not_count() -> None:
    rows = [
        {"text": "The parcel is late. What I wrote about the invoice is settled."},
        {"text": "THIS HAS NOTHING TO DO WITH THE INVOICE. There is something wrong with the parcel."},
        {"text": "Let somebody else write about the invoice."},
    ]
    program = by_text({"billing": ["the invoice"], "delivery": ["the parcel"]}, list(SETTLED))
    assert labels_of(program, rows) == ["delivery", "delivery", None]


def test_a_row_tells_its_class_in_several_ways() -> None:
    rng = random.Random(1)
    corpus = draw_corpus(rng, "support", 4)
    drawn = [draw_row(rng, corpus, number) for number in range(400)]
    in_subject = sum(any(row["subject"].lower() == cue for cue in corpus.cues[label]) for row, label in drawn)
    at_desk = sum(row["desk"] == corpus.desks[label] for row, label in drawn)
    assert 180 < in_subject < 260 and 220 < at_desk < 310


def test_labelled_and_unlabelled_rows_are_not_the_hidden_ones() -> None:
    world = make_world(random.Random(2), "hotel", 4, 1)
    given = [
        json.loads(line) for name in ("corpus.jsonl", "labelled.jsonl") for line in world["files"][name].splitlines()
    ]
    hidden = {row["id"] for row in world["grading"]["rows"]}
    assert len(given) == 340 and len(hidden) == 200
    assert not hidden & {row["id"] for row in given}
    assert sum("label" in row for row in given) == 40


@pytest.mark.parametrize("votes", [1, 3])
async def test_care_passes_and_each_easy_way_fails(votes: int, bubblewrap: Backend) -> None:
    world = make_world(random.Random(3), "council", 3, votes)
    for answer, passes in [(world["reference"], True), *((decoy, False) for decoy in world["decoys"])]:
        files = {path: text.encode() for path, text in answer.items()}
        verdict = await grade_files("labels", world["grading"], files, bubblewrap)
        assert verdict.error is None and (verdict.reward == 1) == passes, answer


async def test_one_of_three_programs_is_not_enough(bubblewrap: Backend) -> None:
    world = make_world(random.Random(4), "letters", 3, 3)
    files = {"label_2.py": world["reference"]["label_2.py"].encode()}
    verdict = await grade_files("labels", world["grading"], files, bubblewrap)
    assert verdict.reward < 1


def test_the_development_set_by_heart_knows_nothing_else() -> None:
    rows, labels = [{"text": "a"}, {"text": "b"}, {"text": "c"}], ["x", "y", "y"]
    assert labels_of(by_heart(rows, labels), [{"text": "a"}, {"text": "new"}]) == ["x", "y"]
