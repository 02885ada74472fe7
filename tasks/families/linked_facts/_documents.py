"""An archive as the agent finds it: pages of prose, tables, a list in JSON. Each fact stands in exactly one document.

Prose says a fact in one of several ways. Some documents also tell what used to be true.
"""

import csv
import io
import json
from collections.abc import Callable
from random import Random

from tasks.families.linked_facts._archive import Archive

_README = """\
# {folder}

- `people/`: a page a person: birth, schooling, portraits
- `staff.csv`: who works where
- `towns/`: a page a town; `offices.csv`: who holds which office, past and present
- `companies/`: a page a company; `register.csv`: their staff by year, the latest year counts
- `catalogue.csv`: books; `reviews/`: a review a book
- `schools.json`: schools
"""

_PERSON = (
    (
        "{x} was born in {birthplace} in {birth_year}.",
        "Born in {birth_year}, {x} grew up in {birthplace}, where the family had lived before the birth.",
        "{x} came into the world in {birth_year}; the register of births is the one of {birthplace}.",
    ),
    (
        "Schooling: {school}.",
        "{x} studied at {school} and liked it there.",
        "The years at {school} left a mark on {x}.",
    ),
    (
        "{painter} painted {x} more than once.",
        "A portrait of {x} hangs in the hall; it is by {painter}.",
        "The only known portrait is the work of {painter}.",
    ),
)
_TOWN = (
    (
        "{x} lies on the {river}.",
        "The {river} runs through {x}.",
        "Whoever follows the {river} upstream comes to {x}.",
    ),
    (
        "At the last count {population} people lived in {x}.",
        "{x} has {population} inhabitants.",
        "Population: {population}.",
    ),
    (
        "The town got its charter in {charter}.",
        "Its charter dates from {charter}.",
        "{x} may call itself a town since {charter}, the year of its charter.",
    ),
    (
        "The coach from {x} goes to {coach}.",
        "Every morning a coach leaves for {coach}.",
        "There is a coach to {coach} and none to anywhere else.",
    ),
)
_COMPANY = (
    (
        "{x} was founded in {opened} by {founder}.",
        "{founder} founded the firm in {opened}.",
        "The firm goes back to {founder}, who set it up in {opened}.",
    ),
    (
        "Until the flood its seat was {former_seat}; now it is {seat}.",
        "It has its seat in {seat}, and no longer in {former_seat}.",
        "The head office moved from {former_seat} to {seat}.",
    ),
    (
        "It is supplied by {supplier}.",
        "{supplier} supplies it with all it needs.",
        "What it works with comes from {supplier}.",
    ),
)
_REVIEW = (
    (
        "{x} is set in {setting}.",
        "The story takes place in {setting}, and one can smell it.",
        "All of it happens in {setting}.",
    ),
    (
        "The translation is by {translator}; an older one by {former_translator} was withdrawn.",
        "{former_translator} gave up the translation, and {translator} did it.",
        "Translated by {translator}, after {former_translator} had declined.",
    ),
)


def documents(archive: Archive) -> dict[str, str]:
    """Path below the workspace to text."""
    rng = Random(f"linked_facts documents {archive.folder}")
    pages = {
        "README.md": _README.format(folder=archive.folder),
        "staff.csv": _table(rng, archive, "person", ["name", "company", "since"], _employment),
        "offices.csv": _table(rng, archive, "place", ["office", "town", "holder", "from", "until"], _offices),
        "register.csv": _table(rng, archive, "company", ["company", "year", "employees"], _register),
        "catalogue.csv": _table(rng, archive, "work", ["title", "author", "published", "publisher", "pages"], _book),
        "schools.json": json.dumps([_school(archive, name) for name in archive.things["school"]], indent=1) + "\n",
    }
    for kind, folder, parts in (
        ("person", "people", _PERSON),
        ("place", "towns", _TOWN),
        ("company", "companies", _COMPANY),
        ("work", "reviews", _REVIEW),
    ):
        for name in archive.things[kind]:
            pages[f"{folder}/{name.lower().replace(' ', '_')}.md"] = _page(rng, archive, name, parts)
    return {f"{archive.folder}/{path}": text for path, text in sorted(pages.items())}


def _page(rng: Random, archive: Archive, name: str, parts: tuple[tuple[str, ...], ...]) -> str:
    known = {"x": name}
    for (subject, relation), fact in archive.facts.items():
        if subject == name:
            answer = f"{int(fact.answer):,}" if relation == "population" else fact.answer
            known |= {relation: answer, f"former_{relation}": fact.former}
    sentences = [rng.choice(ways).format(**known) for ways in parts]
    rng.shuffle(sentences)
    return f"# {name}\n\n" + "\n".join(sentences) + "\n"


Rows = Callable[[Random, Archive, str], list[list[str]]]


def _table(rng: Random, archive: Archive, kind: str, columns: list[str], rows_of: Rows) -> str:
    rows = [row for name in archive.things[kind] for row in rows_of(rng, archive, name)]
    rng.shuffle(rows)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([columns, *rows])
    return out.getvalue()


def _employment(rng: Random, archive: Archive, name: str) -> list[list[str]]:
    return [[name, archive.answer(name, "employer"), str(rng.randint(1996, 2020))]]


def _offices(rng: Random, archive: Archive, name: str) -> list[list[str]]:
    """The mayor before and now; who holds it now has no end. Sometimes a clerk, who is no mayor."""
    fact, since = archive.facts[name, "mayor"], rng.randint(2001, 2018)
    rows = [
        ["mayor", name, fact.former, str(since - rng.randint(3, 12)), str(since)],
        ["mayor", name, fact.answer, str(since), ""],
    ]
    if rng.random() < 0.5:
        others = [person for person in archive.things["person"] if person not in (fact.answer, fact.former)]
        rows.append(["town clerk", name, rng.choice(others), str(since), ""])
    return rows


def _register(rng: Random, archive: Archive, name: str) -> list[list[str]]:
    fact, year = archive.facts[name, "staff"], rng.randint(2019, 2022)
    return [[name, str(year), fact.answer], [name, str(year - rng.randint(1, 4)), fact.former]]


def _book(rng: Random, archive: Archive, name: str) -> list[list[str]]:
    return [[name, *(archive.answer(name, relation) for relation in ("author", "published", "publisher", "pages"))]]


def _school(archive: Archive, name: str) -> dict[str, str | int]:
    return {
        "school": name,
        "town": archive.answer(name, "home"),
        "head": archive.answer(name, "head"),
        "opened": int(archive.answer(name, "started")),
    }
