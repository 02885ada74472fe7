"""What `linked_facts.yaml` asks: one fact of an archive, with the answers that look right and are not."""

from random import Random
from typing import Any

from tasks.families.linked_facts._archive import Archive, Fact, make_archive
from tasks.families.linked_facts._documents import documents
from tasks.families.linked_facts._relations import RELATIONS

OUTPUT = "answer.txt"


def draw_fact(rng: Random, archive: int) -> dict[str, Any]:
    """One fact of the archive of this number."""
    made = make_archive(archive)
    relation = rng.choice(RELATIONS)
    fact = made.facts[rng.choice(made.things[relation.kind]), relation.name]
    return {
        "folder": made.folder,
        "subject": fact.subject,
        "kind": relation.kind,
        "relation": relation.name,
        "answer": fact.answer,
        "type": relation.type,
        "question": relation.question.format(x=fact.subject),
        "description": relation.description.format(x=fact.subject),
        "accepted": accepted(fact.answer, relation.type),
        "files": documents(made),
        "decoys": [{OUTPUT: f"{wrong}\n"} for wrong in _wrong(rng, made, fact)],
    }


def accepted(answer: str, type_: str) -> list[str]:
    """The answer as it may be written."""
    return [answer, f"{int(answer):,}"] if type_ == "number" else [answer]


def _wrong(rng: Random, archive: Archive, fact: Fact) -> list[str]:
    """What used to be true, what the question starts from, and the same relation of another thing."""
    others = [
        other.answer
        for other in archive.facts.values()
        if other.relation is fact.relation and other.answer != fact.answer
    ]
    return [wrong for wrong in (fact.former, fact.subject, rng.choice(others)) if wrong]
