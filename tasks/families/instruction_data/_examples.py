"""Makes the data files in `examples/`, each in the form of one well-known data set, from invented facts.

Run it to make them again: `python -m tasks.families.instruction_data._examples`.
"""

import csv
import io
import json
from pathlib import Path
from random import Random
from typing import Any

from tasks.families import _words

FOLDER = Path(__file__).resolve().parent / "examples"
_TOPICS: dict[str, tuple[str, ...]] = {
    "travel": ("The night train to {town} leaves from platform {n}.", "A guide took us up the tower of {town}."),
    "cooking": ("Stir the {noun} soup for {n} minutes.", "Roast the {noun} until it is {colour}, then add salt."),
    "sport": ("{person} won the race in {town} by {n} seconds.", "The team from {town} trains {n} times a week."),
    "finance": ("Shares of {company} rose by {n} per cent.", "{company} pays {n} euros for each old share."),
    "music": ("{person} plays the {colour} violin on {n} evenings.", "The choir of {town} sings {n} old songs."),
    "weather": ("Rain reaches {town} in {n} hours.", "It will be {n} degrees in {town} and the sky stays grey."),
}
_TICKETS: dict[str, tuple[str, ...]] = {
    "billing": ("I was charged {n} euros twice for the {noun}.", "The invoice of {company} has the wrong sum."),
    "delivery": ("My {colour} {noun} has not arrived in {town}.", "The parcel to {town} is {n} days late."),
    "defect": ("The {noun} broke after {n} days.", "One screw of the {colour} {noun} is missing."),
    "account": ("I cannot log in as {person}.", "Please change the name {person} in my profile."),
    "praise": ("The {colour} {noun} is lovely, thank you.", "{person} from your shop was so kind."),
}
_GROUPS: dict[str, tuple[str, ...]] = {
    "pupils": ("The {colour} lockers are only for those who go to school here.", "No homework in week {n}."),
    "pensioners": ("Everybody over 65 travels to {town} for {n} euros.", "A tea for retired people in {town}."),
    "nurses": ("The ward in {town} needs {n} more people for the night.", "Who works at the bedside earns too little."),
    "farmers": ("Rain for {n} days: the wheat near {town} cannot be cut.", "Milk brings {n} cents at the stable door."),
}
# What the two data sets call them; one has a group of its own that is nobody of the taxonomy.
_FORUM = {"pupils": "school kids", "pensioners": "seniors", "nurses": "care staff", "farmers": "farmers"}
_LETTERS = {"pupils": "P", "pensioners": "R", "nurses": "N", "farmers": "F"}
_NUMBERS = ((4, "four"), (6, "six"), (7, "seven"), (9, "nine"), (11, "eleven"), (20, "twenty"))


def make() -> dict[str, bytes]:
    """File name to content."""
    rng = Random("instruction_data examples")
    return {
        "topics.csv": _csv(["text", "topic"], _sorted_texts(rng, _TOPICS, 60)),
        "tickets.csv": _csv(["text", "kind"], _sorted_texts(rng, _TICKETS, 32)),
        **_sources(Random("two data sets about groups")),
        "pairs.jsonl": _jsonl(_pairs(rng, 250)),
        "quiz.csv": _csv(None, _quiz(rng, 300)),
        "exam.jsonl": _jsonl(_exam(rng, 250)),
        "names.jsonl": _jsonl(_names(rng, 350)),
        "task9001_plural.json": _json(_plural(rng)),
        "task9002_first_word.json": _json(_first_word(rng)),
        "rules.jsonl": _jsonl(_rules(rng, 12)),
    }


def _filled(rng: Random, text: str) -> str:
    return text.format(
        town=rng.choice(_words.TOWNS),
        person=_words.person(rng),
        company=_words.company(rng),
        noun=rng.choice(_words.NOUNS),
        colour=rng.choice(_words.COLOURS),
        n=rng.randint(2, 40),
    )


def _sorted_texts(rng: Random, kinds: dict[str, tuple[str, ...]], each: int) -> list[list[str]]:
    rows = {_filled(rng, rng.choice(ways)): kind for kind, ways in kinds.items() for _ in range(each)}
    listed = [[text, kind] for text, kind in rows.items()]
    rng.shuffle(listed)
    return listed


def _sources(rng: Random) -> dict[str, bytes]:
    """Two data sets about the same groups, each with words of its own."""
    forum = [[text, _FORUM[group]] for text, group in _sorted_texts(rng, _GROUPS, 30)]
    forum += [[f"The cat of {_words.person(rng)} is {rng.choice(_words.COLOURS)}.", "pets"] for _ in range(10)]
    letters = _sorted_texts(rng, _GROUPS, 30)
    return {
        "forum.csv": _csv(["post", "about"], forum),
        "letters.jsonl": _jsonl([{"letter": text, "code": _LETTERS[group]} for text, group in letters]),
    }


def _pairs(rng: Random, count: int) -> list[dict[str, Any]]:
    """Natural language inference: 0 follows, 1 open, 2 contradicts."""
    found = []
    for _ in range(count):
        person, town, colour = _words.person(rng), rng.choice(_words.TOWNS), rng.choice(_words.COLOURS)
        other = rng.choice([each for each in _words.TOWNS if each != town])
        label = rng.randrange(3)
        ends = (f"{person} lives in {town}.", f"{person} has never been to the sea.", f"{person} lives in {other} now.")
        said = f"{person} lives in a {colour} house in {town} and nowhere else."
        found.append({"premise": said, "hypothesis": ends[label], "label": label})
    return found


def _options(rng: Random, right: str, wrong: list[str]) -> tuple[list[str], str]:
    options = [right, *wrong]
    rng.shuffle(options)
    return options, "ABCD"[options.index(right)]


def _quiz(rng: Random, count: int) -> list[list[str]]:
    """MMLU's CSV: question, four options, letter; no header."""
    rows = []
    for _ in range(count):
        a, b = rng.randint(12, 99), rng.randint(3, 19)
        wrong = [str(a * b + slip) for slip in rng.sample([-10, -b, b, 10, a], 3)]
        options, letter = _options(rng, str(a * b), wrong)
        rows.append([f"What is {a} times {b}?", *options, letter])
    return rows


def _exam(rng: Random, count: int) -> list[dict[str, Any]]:
    """M3KE's JSON Lines: id, subject, question, A to D, answer."""
    rows: list[dict[str, Any]] = []
    for at in range(count):
        kinds = rng.sample(sorted(_words.PRODUCT_NOUNS), 4)
        names = [rng.choice(_words.PRODUCT_NOUNS[kind]) for kind in kinds]
        if len(set(names)) < 4:
            names = [_words.PRODUCT_NOUNS[kind][at % 15] for kind in kinds]
        options, letter = _options(rng, names[0], names[1:])
        question = f'Which of these belongs into the department "{kinds[0]}"?'
        rows.append(
            {
                "id": at,
                "subject": "household",
                "question": question,
                **dict(zip("ABCD", options, strict=True)),
                "answer": letter,
            }
        )
    return rows


def _names(rng: Random, count: int) -> list[dict[str, Any]]:
    """Tokens with marks by number, as CoNLL-2003 in `datasets`."""
    rows = []
    for _ in range(count):
        first, last = _words.person(rng).split()
        stem, trade = _words.company(rng).split()
        town = rng.choice(_words.TOWNS)
        tokens, marks = rng.choice(
            [
                ([first, last, "works", "for", stem, trade, "."], [1, 2, 0, 0, 4, 5, 0]),
                (["In", town, first, last, "opened", "a", "shop", "."], [0, 3, 1, 2, 0, 0, 0, 0]),
                ([stem, trade, "moves", "to", town, "."], [4, 5, 0, 0, 3, 0]),
                (["Nobody", "in", town, "knew", last, "."], [0, 0, 3, 0, 1, 0]),
            ]
        )
        rows.append({"tokens": tokens, "ner_tags": marks})
    return rows


def _plural(rng: Random) -> dict[str, Any]:
    """Super-NaturalInstructions: a task with several accepted outputs an instance."""
    endings = ("s", "x", "y", "f", "fe", "ch", "sh", "leaf", "salmon")  # whose plural is not just an s
    fresh = [noun for noun in _words.NOUNS if not noun.endswith(endings) and noun not in ("lamp", "road", "boat")]
    return {
        "Contributors": ["Gristmill"],
        "Categories": ["Text Completion"],
        "Domains": ["Grammar"],
        "Definition": ["You get a number and a noun. Write the number in digits and the noun in the plural."],
        "Positive Examples": [
            {"input": "three, lamp", "output": "3 lamps", "explanation": "The number in digits, the noun with an s."},
            {"input": "twelve, road", "output": "12 roads", "explanation": "Two digits."},
        ],
        "Negative Examples": [
            {"input": "five, boat", "output": "five boats", "explanation": "The number has to be in digits."}
        ],
        "Instances": [
            {"id": f"task9001-{at}", "input": f"{word}, {noun}", "output": [f"{number} {noun}s", f"{number} {noun}s."]}
            for at, ((number, word), noun) in enumerate(
                rng.sample([(n, noun) for n in _NUMBERS for noun in fresh], 300)
            )
        ],
    }


def _first_word(rng: Random) -> dict[str, Any]:
    instances = []
    for at in range(300):
        words = rng.sample(_words.NOUNS, 4)
        instances.append({"id": f"task9002-{at}", "input": " ".join(words), "output": [min(words)]})
    return {
        "Contributors": ["Gristmill"],
        "Categories": ["Word Semantics"],
        "Domains": ["Miscellaneous"],
        "Definition": ["Of the given words, write the one that comes first in the dictionary."],
        "Positive Examples": [{"input": "rope apple sun", "output": "apple", "explanation": "a comes before r and s."}],
        "Negative Examples": [
            {"input": "rope apple sun", "output": "rope", "explanation": "It is only the first given."}
        ],
        "Instances": instances,
    }


def _rules(rng: Random, count: int) -> list[dict[str, Any]]:
    """ZEST: questions about passages, each of one kind of generalization."""
    asks = (
        ("base", "In which town does this person live?", lambda f: f["town"]),
        ("paraphrase", "What is the name of the place that this person calls home?", lambda f: f["town"]),
        ("composition", "Which town is it, and what colour is the door?", lambda f: f"{f['town']}, {f['colour']}"),
        ("semantic flips", "Which town did this person leave?", lambda f: f["left"]),
        (
            "output structure",
            "Give the town and the colour as an object.",
            lambda f: {"town": f["town"], "colour": f["colour"]},
        ),
        ("base", "How many children does this person have?", lambda f: str(f["n"])),
    )
    rows = []
    for at in range(count):
        kind, question, answer = asks[at % len(asks)]
        examples = []
        for _ in range(40):
            left, town = rng.sample(_words.TOWNS, 2)
            facts = {"town": town, "left": left, "colour": rng.choice(_words.COLOURS), "n": rng.randint(2, 9)}
            context = (
                f"{_words.person(rng)} moved from {left} to {town} years ago. The house has a {facts['colour']} door, "
                f"and {facts['n']} children run in and out of it."
            )
            examples.append({"context": context, "answer": answer(facts)})
        rows.append({"id": f"zest-{at}", "question": question, "type": kind, "examples": examples})
    return rows


def _csv(columns: list[str] | None, rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([columns, *rows] if columns else rows)
    return out.getvalue().encode()


def _jsonl(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, content in make().items():
        (FOLDER / name).write_bytes(content)
