"""An archive: people, towns, companies, books and schools, and what relates them. The same number, the same archive."""

from dataclasses import dataclass
from functools import cache
from random import Random

from tasks.families import _words
from tasks.families.linked_facts._relations import RELATIONS, Relation

SIZES = {"person": 20, "place": 9, "company": 9, "work": 14, "school": 5}
_NUMBERS = {"population": (1200, 98000), "staff": (12, 2400), "pages": (84, 760)}
_YEARS = {
    "birth_year": (1921, 1960),
    "charter": (1102, 1790),
    "opened": (1978, 1995),
    "published": (1996, 2020),
    "started": (1820, 1938),
}


@dataclass(frozen=True)
class Fact:
    """`former`: what used to be true and still stands in the documents; '' where there is nothing."""

    subject: str
    relation: Relation
    answer: str
    former: str = ""


@dataclass(frozen=True)
class Archive:
    """`things`: kind to names. `facts`: (subject, name of the relation) to the fact."""

    folder: str
    things: dict[str, tuple[str, ...]]
    facts: dict[tuple[str, str], Fact]

    def answer(self, subject: str, relation: str) -> str:
        return self.facts[subject, relation].answer


@cache
def make_archive(number: int) -> Archive:
    rng = Random(f"linked_facts archive {number}")
    things = _things(rng)
    facts: dict[tuple[str, str], Fact] = {}
    for relation in RELATIONS:
        subjects = things[relation.kind]
        for subject, answer in zip(subjects, _answers(rng, relation, things), strict=True):
            facts[subject, relation.name] = Fact(subject, relation, answer, _former(rng, relation, answer, things))
    return Archive(folder=f"archive_{number}", things=things, facts=facts)


def _things(rng: Random) -> dict[str, tuple[str, ...]]:
    """No word names two things: whoever finds a name in a text has found the thing."""
    families = rng.sample(_words.FAMILY_NAMES, SIZES["person"])
    given = rng.sample(_words.GIVEN_NAMES, SIZES["person"])
    titles = zip(rng.sample(_words.ADJECTIVES, SIZES["work"]), rng.sample(_words.NOUNS, SIZES["work"]), strict=True)
    firms = zip(
        rng.sample(_words.COMPANY_STEMS, SIZES["company"]),
        rng.sample(_words.COMPANY_TRADES, SIZES["company"]),
        strict=True,
    )
    subjects = rng.sample(_words.SUBJECTS, SIZES["school"])
    return {
        "person": tuple(f"{first} {last}" for first, last in zip(given, families, strict=True)),
        "place": tuple(rng.sample(_words.TOWNS, SIZES["place"])),
        "company": tuple(f"{stem} {trade}" for stem, trade in firms),
        "work": tuple(f"The {adjective.capitalize()} {noun.capitalize()}" for adjective, noun in titles),
        "school": tuple(f"{_words.invented(rng)} School of {subject.capitalize()}" for subject in subjects),
        "river": tuple(_words.invented(rng, 1) for _ in range(SIZES["place"] - 2)),
    }


def _answers(rng: Random, relation: Relation, things: dict[str, tuple[str, ...]]) -> list[str]:
    """One answer a subject, in their order; nothing relates to itself."""
    subjects = things[relation.kind]
    if relation.name in _NUMBERS:
        return [str(number) for number in rng.sample(range(*_NUMBERS[relation.name]), len(subjects))]
    if relation.name in _YEARS:
        return [str(year) for year in rng.sample(range(*_YEARS[relation.name]), len(subjects))]
    if relation.name == "coach":
        return _next_stops(rng, subjects)
    answers: list[str] = []
    waiting: list[str] = []  # every thing of the type is used before one is used again, so that no answer is likely
    for subject in subjects:
        if not [name for name in waiting if name != subject]:
            waiting += rng.sample(things[relation.type], len(things[relation.type]))
        chosen = next(name for name in waiting if name != subject)
        waiting.remove(chosen)
        answers.append(chosen)
    return answers


def _next_stops(rng: Random, places: tuple[str, ...]) -> list[str]:
    """The coach goes round: no two towns send it to each other."""
    ring = rng.sample(places, len(places))
    after = {town: ring[(at + 1) % len(ring)] for at, town in enumerate(ring)}
    return [after[town] for town in places]


def _former(rng: Random, relation: Relation, answer: str, things: dict[str, tuple[str, ...]]) -> str:
    if relation.name not in ("mayor", "seat", "translator", "staff"):
        return ""
    if relation.name == "staff":
        return str(int(answer) + rng.choice([-1, 1]) * rng.randint(2, 9))
    return rng.choice([name for name in things[relation.type] if name != answer])
