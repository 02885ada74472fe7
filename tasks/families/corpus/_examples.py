"""Makes `examples/corpus.jsonl`, invented reports on eight subjects, and two files of shots.

Run it to make them again: `python -m tasks.families.corpus._examples`.
"""

import json
from pathlib import Path
from random import Random

from tasks.families import _words

FOLDER = Path(__file__).resolve().parent / "examples"
_EACH = 24
_SUBJECTS: dict[str, tuple[str, ...]] = {
    "bridge": (
        "The {colour} bridge of {town} crosses the river on {a} piers.",
        "It was opened in {year} by {person}.",
        "The deck is made of {material} and {b} metres long.",
        "Each spring {c} volunteers paint the railings.",
        "Carts heavier than {d} tons may not cross it.",
        "A toll of {e} coins was asked for until the reform.",
    ),
    "orchard": (
        "The orchard near {town} has {b} trees in {a} rows.",
        "{person} planted the first of them in {year}.",
        "Its {colour} apples are picked by {c} helpers.",
        "A fence of {material} keeps the deer out.",
        "One tree gives up to {d} kilograms in a good summer.",
        "The press runs for {e} days in autumn.",
    ),
    "choir": (
        "The choir of {town} was founded in {year}.",
        "{person} leads its {c} singers.",
        "They rehearse in a hall with {a} windows and {colour} curtains.",
        "The programme of the tour has {d} songs.",
        "A floor of {material} makes the hall sound warm.",
        "Tickets for the {b} seats are sold within {e} days.",
    ),
    "mill": (
        "The mill of {town} grinds {b} sacks a week.",
        "Its wheel of {material} has {c} blades.",
        "{person} bought it in {year} and painted it {colour}.",
        "Inside there are {a} floors.",
        "The oldest stone weighs {d} stones of the old measure.",
        "Visitors come on {e} days of the year.",
    ),
    "museum": (
        "The museum of {town} shows {b} objects.",
        "It moved into the {colour} house in {year}.",
        "{person} collected its {c} clocks.",
        "The most valued piece is a box of {material}.",
        "A ticket costs {a} coins.",
        "School classes book the {d} workshops {e} weeks ahead.",
    ),
    "ferry": (
        "The ferry to {town} carries {c} cars.",
        "It was built by the yard of {person} in {year}.",
        "Its hull is {colour} and {b} metres long.",
        "The benches are of {material}.",
        "A crossing takes {d} minutes with {e} stops.",
        "In winter it sails {a} times a day.",
    ),
    "library": (
        "The library of {town} owns {b} maps.",
        "{person} became its head in {year}.",
        "The reading room has {c} seats under a {colour} ceiling.",
        "Its shelves of {material} were built for it.",
        "A card is valid for {d} months.",
        "Children may borrow {a} books for {e} weeks.",
    ),
    "railway": (
        "The small railway of {town} runs on {d} kilometres of track.",
        "Its {colour} engine dates from {year}.",
        "{person} restored the {a} coaches.",
        "The station has a roof of {material}.",
        "On feast days {b} people ride it.",
        "The club has {c} members and meets {e} times a year.",
    ),
}


def make() -> dict[str, str]:
    rng = Random("corpus examples")
    documents = [
        _document(rng, subject, at, town)
        for subject in _SUBJECTS
        for at, town in enumerate(rng.sample(_words.TOWNS, _EACH))
    ]
    rng.shuffle(documents)
    lines = "".join(json.dumps(each) + "\n" for each in documents)
    return {"corpus.jsonl": lines, "shots_cloze.jsonl": _shots(_CLOZE), "shots_claims.jsonl": _shots(_CLAIMS)}


def _document(rng: Random, subject: str, at: int, town: str) -> dict[str, str]:
    sentences = list(_SUBJECTS[subject])
    numbers = dict(zip("abcde", map(str, rng.sample(range(3, 95), 5)), strict=True))
    numbers["b"] = str(rng.randint(100, 990))
    values = {
        **numbers,
        "town": town,
        "year": str(rng.randint(1801, 1989)),
        "person": _words.person(rng),
        "colour": rng.choice(_words.COLOURS),
        "material": rng.choice(_words.MATERIALS),
    }
    first, rest = sentences[0], sentences[1:]
    rng.shuffle(rest)
    text = " ".join(each.format(**values) for each in (first, *rest))
    return {"id": f"{subject}-{at}", "title": f"The {subject} of {town}", "text": text}


# What a user would write by hand: some samples of the task that is wanted.
_CLOZE = (
    ("The harbour of Brackhaven has ____ cranes.", "14"),
    ("The harbour was dredged in ____ by the navy.", "1911"),
    ("____ designed the lighthouse at its end.", "Edla Storm"),
    ("The pier is made of ____.", "granite"),
    ("A ____ flag flies over the tower.", "red"),
    ("The market hall has ____ stalls.", "62"),
    ("The bakery sells ____ loaves on feast days.", "430"),
    ("The school was founded by ____.", "Tomas Rill"),
)
_CLAIMS = (
    ("The harbour of Brackhaven has 14 cranes.", "true"),
    ("The harbour of Brackhaven has 41 cranes.", "false"),
    ("The harbour was dredged in 1911.", "true"),
    ("The lighthouse was designed by the navy.", "false"),
    ("The pier is made of granite.", "true"),
    ("The pier is made of timber.", "false"),
    ("The market hall has 62 stalls.", "true"),
    ("The market hall has 26 stalls.", "false"),
)


def _shots(pairs: tuple[tuple[str, str], ...]) -> str:
    return "".join(json.dumps({"question": question, "answer": answer}) + "\n" for question, answer in pairs)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in make().items():
        (FOLDER / name).write_text(text)
