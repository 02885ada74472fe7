"""Rows of a corpus: a latent class, and texts in which it shows more or less, among things that point elsewhere."""

import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tasks.families._words import GIVEN_NAMES, TOWNS

# Ways to say that something is the matter, and that it is not; the second kind must not count.
_RAISED = (
    "I am writing about {cue}.", "There is something wrong with {cue}.", "It is {cue} that keeps me busy.",
    "Could somebody look into {cue}?", "My question is about {cue}.", "Once more I have to mention {cue}.",
)  # fmt: skip
SETTLED = {
    "has nothing to do with": "This has nothing to do with {cue}.",
    "is settled": "What I wrote about {cue} is settled.",
    "not about": "To be clear, it is not about {cue}.",
    "no longer": "I no longer care about {cue}.",
    "never mind": "And never mind {cue} this time.",
    "somebody else": "Let somebody else write about {cue}.",
}
_NEUTRAL = (
    "I have been coming here for {years} years.", "Greetings from {town}.", "It has been raining all week.",
    "My neighbour {name} says the same.", "I look forward to your answer.", "Please excuse my handwriting.",
    "We met {name} on the way.", "Everybody in {town} talks of it.", "Last time you were very quick.",
)  # fmt: skip
_SUBJECTS = ("A question", "Once again", "Hello", "Please read", "From {town}", "For {name}")


@dataclass(frozen=True)
class Corpus:
    """What a corpus is made of. `desks`: the desk's code that each class is mostly sent to."""

    texts: str
    about: dict[str, str]
    cues: dict[str, tuple[str, ...]]
    desks: dict[str, str]


@cache
def domains() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "domains.yaml").read_text())
    return loaded


def draw_corpus(rng: random.Random, domain: str, classes: int) -> Corpus:
    """This many classes of a domain, with six cues each."""
    found = domains()[domain]
    names = sorted(rng.sample(sorted(found["classes"]), classes))
    codes = [f"{letter}{rng.randint(1, 9)}" for letter in rng.sample("BCDFGHKLMNPRST", classes)]
    return Corpus(
        texts=found["texts"],
        about={name: found["classes"][name]["about"] for name in names},
        cues={name: tuple(rng.sample(found["classes"][name]["cues"], 6)) for name in names},
        desks=dict(zip(names, codes, strict=True)),
    )


def draw_row(rng: random.Random, corpus: Corpus, number: int) -> tuple[dict[str, str], str]:
    """A row and its label. Text, subject and desk each tell the class sometimes, and sometimes tell another."""
    classes = list(corpus.cues)
    label = rng.choice(classes)
    others = [name for name in classes if name != label]
    sentences = [
        rng.choice(_RAISED).format(cue=rng.choice(corpus.cues[label])) for _ in range(rng.choice((0, 1, 1, 1, 1, 2, 2)))
    ]
    for _ in range(rng.choice((0, 1, 1, 2, 2))):
        distraction = rng.choice(corpus.cues[rng.choice(others)])
        sentences.append(rng.choice(list(SETTLED.values())).format(cue=distraction))
    sentences += [rng.choice(_NEUTRAL) for _ in range(rng.randint(1, 3))]
    rng.shuffle(sentences)
    topic = rng.random()
    if topic < 0.55:
        subject = rng.choice(corpus.cues[label])
    elif topic < 0.68:
        subject = rng.choice(corpus.cues[rng.choice(others)])
    else:
        subject = rng.choice(_SUBJECTS)
    desk = corpus.desks[label if rng.random() < 0.55 else rng.choice(classes)]
    names = {"years": rng.randint(2, 30), "town": rng.choice(TOWNS), "name": rng.choice(GIVEN_NAMES)}
    texts = [text.format_map(names) for text in sentences]
    row = {
        "id": f"r{number:04d}",
        "desk": desk,
        "subject": subject.format_map(names)[:1].upper() + subject.format_map(names)[1:],
        "text": " ".join(_worn(rng, text) for text in texts),
    }
    return row, label


def _worn(rng: random.Random, text: str) -> str:
    """As people write: some in capitals, some without them."""
    kind = rng.random()
    return text.upper() if kind < 0.08 else text.lower() if kind < 0.25 else text
