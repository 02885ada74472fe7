"""What `constrained_writing.yaml` and `constrained_editing.yaml` ask: a text is composed first, then what it fulfils
becomes the request. So every set of constraints can be met, and each is known to fail somewhere."""

from random import Random
from typing import Any

from tasks.families.constrained_writing._compose import Draft, compose, draw_values
from tasks.families.constrained_writing._constraints import Constraint, offers
from tasks.families.constrained_writing._decoys import decoys, faults
from tasks.families.constrained_writing._requests import REQUESTS
from tasks.graders._prose import sentences_of

OUTPUT = "text.md"
DRAFT = "draft.md"
_SYNONYMS = {
    "warm": "lukewarm",
    "small": "tiny",
    "quiet": "silent",
    "plain": "simple",
    "old": "ancient",
    "good": "fine",
    "early": "soon",
    "free": "gratis",
    "simple": "basic",
    "cold": "chilly",
    "heavier": "weightier",
    "new": "recent",
    "open": "accessible",
    "young": "youthful",
    "soft": "gentle",
}


def draw_writing(rng: Random) -> dict[str, Any]:
    """A request with three to nine constraints. `constraints`: as the grader reads them, those for a judge included."""
    while True:
        request = rng.choice(REQUESTS)
        draft = compose(rng, request, draw_values(rng))
        offered = offers(rng, request, draft)
        chosen = _chosen(rng, offered, rng.randint(2, 8))
        if (made := _made(rng, draft, chosen)) is not None:
            return {"request": request.asks.format(**draft.values), "kind": request.name, "files": {}, **made}


def draw_editing(rng: Random) -> dict[str, Any]:
    """The same with a draft that is to be edited: a word for another, a sentence kept, what else is asked for."""
    while True:
        request = rng.choice(REQUESTS)
        draft = compose(rng, request, draw_values(rng))
        swaps = [word for word in _SYNONYMS if _holds(draft.text, word) and not _holds(draft.text, _SYNONYMS[word])]
        if not swaps:
            continue
        new = rng.choice(swaps)
        old = _SYNONYMS[new]
        swapped = _swapped(draft.text, new, old)
        if _holds(swapped, new) or swapped == draft.text:
            continue
        spoilt = f"{swapped.rstrip()}\n\nP.S. {draft.middle[-1]}\n"
        kept = [sentence for sentence in draft.middle[:-1] if not _holds(sentence, new)]
        if not kept:
            continue
        sentence = rng.choice(kept)
        editing: list[Constraint] = [
            {"kind": "avoid", "words": [old], "text": f'Replace the word "{old}" by another one everywhere.'},
            {"kind": "include", "words": [new], "text": f'The word to use for it is "{new}".'},
            {"kind": "avoid", "words": ["P.S."], "text": "Take the postscript out."},
            {"kind": "repeat", "value": sentence, "times": 1, "text": f'Leave this sentence as it is: "{sentence}"'},
        ]
        offered = offers(rng, request, draft)
        chosen = [
            *(_named("editing", each) for each in editing[: rng.randint(3, 4)]),
            *_chosen(rng, offered, rng.randint(1, 4)),
        ]
        made = _made(rng, draft, chosen)
        if made is not None and faults(spoilt, chosen):
            made["decoys"].append({OUTPUT: spoilt})
            return {"kind": request.name, "files": {DRAFT: spoilt}, **made}


def _chosen(rng: Random, offered: dict[str, list[Constraint]], wanted: int) -> list[Constraint]:
    """One of every kind in turn, until there are enough; at least half of them are checked by a program."""
    kinds = sorted(offered)
    rng.shuffle(kinds)
    pools = [[_named(kind, each) for each in offered[kind]] for kind in kinds]
    found: list[Constraint] = []
    while len(found) < wanted and any(pools):
        for pool in pools:
            if pool and len(found) < wanted:
                each = pool.pop(0)
                judged = sum(one["kind"] == "judge" for one in found)
                if each["kind"] == "judge" and 2 * (judged + 1) > max(wanted, 3):
                    continue
                if not any(one["kind"] == each["kind"] != "judge" and one.keys() == each.keys() for one in found):
                    found.append(each)
    return found


def _named(kind: str, constraint: Constraint) -> Constraint:
    """With its kind in the name by which a verdict speaks of it."""
    return {**constraint, "name": f"{kind}: {constraint['text']}"}


def _made(rng: Random, draft: Draft, constraints: list[Constraint]) -> dict[str, Any] | None:
    """None where the text does not fulfil all of them, or nothing that looks right breaks one."""
    if not any(each["kind"] == "sentences" for each in constraints):
        # else a list of the words that the request names could do
        least = len(sentences_of(draft.text)) - 2
        constraints = [
            *constraints,
            _named("length", {"kind": "sentences", "min": least, "text": f"At least {least} sentences."}),
        ]
    scored = [each for each in constraints if each["kind"] != "judge"]
    if len(constraints) < 3 or len(scored) < 2 or faults(draft.text, constraints):
        return None
    wrong = decoys(rng, draft, constraints)
    if not wrong:
        return None
    return {
        "text": draft.text,
        "layout": draft.layout,
        "constraints": constraints,
        "wishes": [each["text"] for each in constraints],
        "scored": len(scored),
        "grading": {"constraints": constraints, "output": OUTPUT, "least_words": 20},
        "decoys": [{OUTPUT: text} for text in wrong],
    }


def _holds(text: str, word: str) -> bool:
    return f" {word} " in f" {text.replace('.', ' ').replace(',', ' ')} "


def _swapped(text: str, new: str, old: str) -> str:
    return " ".join(_swapped_word(word, new, old) for word in text.split(" "))


def _swapped_word(word: str, new: str, old: str) -> str:
    return old + word[len(new) :] if word.startswith(new) and word[len(new) :].strip(".,\n") == "" else word
