"""Dialogues about a document: one sentence grounds the answer, and what the user took back does not count."""

from random import Random
from typing import Any

import pytest

from environments import Backend
from tasks.families.document_dialogue._services import SERVICES
from tasks.families.document_dialogue.dialogue import draw_dialogue
from tasks.verifiers.graded import grade_files

TALKS: list[dict[str, Any]] = [draw_dialogue(Random(seed)) for seed in range(120)]


def test_the_span_stands_once_in_the_document_and_holds_the_answer() -> None:
    for talk in TALKS:
        assert talk["document"].count(talk["span"]) == 1
        assert talk["reply"] in talk["span"]
        assert talk["turns"][-1].startswith("User:") and talk["turns"][-1].endswith("?")


def test_what_was_taken_back_would_lead_elsewhere() -> None:
    corrected = [talk for talk in TALKS if talk["is_corrected"]]
    assert len(corrected) >= 30
    for talk in corrected:
        wrong = talk["decoys"][0]["span.txt"].strip()
        assert wrong in talk["document"] and wrong != talk["span"]


def test_every_rule_of_every_service_is_asked_about() -> None:
    rules = {passage.split("{v}")[0] for s in SERVICES for rule in s.rules for passage in rule.passage.values()}
    told = {start for start in rules if any(talk["span"].startswith(start) for talk in TALKS)}
    assert len(told) >= 0.7 * len(rules)


@pytest.mark.parametrize(
    ("span", "reply", "reward"),
    [
        ("{span}", "{reply}", 1.0),
        ("  {span}  ", "{reply}.", 1.0),
        ("{span}", "{number}", 1.0),
        ("{span}", "999 euros", 0.5),
        ("## Fees", "{reply}", 0.5),
    ],
)
async def test_both_parts_count(span: str, reply: str, reward: float, bubblewrap: Backend) -> None:
    talk = next(talk for talk in TALKS if talk["service"] == "museum pass")
    values = {"span": talk["span"], "reply": talk["reply"], "number": talk["reply"].split()[0]}
    files = {"span.txt": span.format(**values).encode(), "reply.txt": reply.format(**values).encode()}
    verdict = await grade_files("all", talk["grading"], files, bubblewrap)
    assert verdict.reward == pytest.approx(reward, abs=0.01)


async def test_half_of_the_span_is_worth_something(bubblewrap: Backend) -> None:
    talk = TALKS[0]
    half = " ".join(talk["span"].split()[: len(talk["span"].split()) // 2])
    files = {"span.txt": half.encode(), "reply.txt": talk["reply"].encode()}
    verdict = await grade_files("all", talk["grading"], files, bubblewrap)
    assert 0.6 < verdict.reward < 1
