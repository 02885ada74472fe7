"""The archive: every fact can be found, no answer can be guessed, and the types say what fits together."""

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from environments import Backend
from tasks.extension.documents import where_they_meet
from tasks.families.linked_facts._archive import make_archive
from tasks.families.linked_facts._documents import documents
from tasks.families.linked_facts._relations import RELATIONS
from tasks.families.linked_facts.facts import draw_fact
from tasks.families.linked_facts.forms import FORMS, draw_form
from tasks.templates.drawing import draw
from tasks.templates.loading import load_template
from tasks.verifiers.graded import grade_files

FAMILY = Path(__file__).parents[3] / "tasks/families/linked_facts"
FORM = {form.name: form for form in FORMS}


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_every_fact_stands_in_one_document_beside_its_subject(number: int) -> None:
    archive = make_archive(number)
    files = {path: text.encode() for path, text in documents(archive).items()}
    for fact in archive.facts.values():
        found = list(where_they_meet(files, fact.subject, fact.answer))
        assert found, f"{fact.relation.name} of {fact.subject}: {fact.answer}"


def test_no_word_names_two_things() -> None:
    archive = make_archive(1)
    words = Counter(
        word for kind in ("person", "place", "company") for name in archive.things[kind] for word in name.split()
    )
    assert not [word for word, times in words.items() if times > 1]


def test_no_answer_is_a_good_guess() -> None:
    """The most frequent answer of a relation is right for less than a third of its questions."""
    for number in (1, 2, 3, 4):
        archive = make_archive(number)
        for relation in RELATIONS:
            answers = Counter(fact.answer for fact in archive.facts.values() if fact.relation is relation)
            assert 3 * max(answers.values()) < answers.total() or answers.total() < 6, relation.name


def test_what_used_to_be_true_is_a_decoy() -> None:
    facts = (draw_fact(Random(seed), 1) for seed in range(300))
    seat = next(fact for fact in facts if fact["relation"] == "seat")
    former = make_archive(1).facts[seat["subject"], "seat"].former
    assert {"answer.txt": f"{former}\n"} in seat["decoys"] and former != seat["answer"]


def test_instances_say_their_types() -> None:
    template = load_template(FAMILY / "linked_facts.yaml")
    seen = set()
    for index in range(60):
        (instance,) = draw(template, 1, index)
        subject = instance.inputs["subject"]
        assert instance.output is not None
        assert subject["value"] in instance.instruction and instance.output["value"] not in instance.instruction
        assert subject["value"] in instance.parameters["description"]
        seen.add((subject["type"], instance.output["type"]))
    assert {("person", "place"), ("work", "person"), ("company", "person")} <= seen


async def test_numbers_may_have_commas(bubblewrap: Backend) -> None:
    facts = (draw_fact(Random(seed), 1) for seed in range(500))
    fact = next(fact for fact in facts if fact["relation"] == "population" and int(fact["answer"]) > 9999)
    data = {"output": "answer.txt", "answers": fact["accepted"]}
    for text, reward in ((f"{int(fact['answer']):,}", 1), (fact["answer"], 1), (str(int(fact["answer"]) + 1), 0)):
        verdict = await grade_files("answer", data, {"answer.txt": text.encode()}, bubblewrap)
        assert verdict.reward == reward, text


@pytest.mark.parametrize(
    ("form", "value", "answer"),
    [
        ("roman", "1994", "MCMXCIV"),
        ("roman", "1888", "MDCCCLXXXVIII"),
        ("century", "1900", "19"),
        ("century", "1901", "20"),
        ("digit_sum", "9075", "21"),
        ("initials", "Ida Holm", "I.H."),
        ("letters", "Ida Holm", "7"),
        ("vowels", "Aurel Otto", "5"),
        ("reversed", "Karsk", "ksrak"),
    ],
)
def test_forms(form: str, value: str, answer: str) -> None:
    assert FORM[form].apply(value) == answer


def test_a_form_starts_from_a_value_of_the_archive() -> None:
    answers = {fact.answer for fact in make_archive(2).facts.values()}
    for seed in range(30):
        form = draw_form(Random(seed), 2)
        assert form["value"] in answers and form["value"] in form["question"] and form["decoys"]
