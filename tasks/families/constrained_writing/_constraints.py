"""Constraints that a composed text fulfils: of eight kinds, each a sentence for the agent and a check for the grader.

The kinds are WildIFEval's: include or avoid, editing, quality, length, format, focus, persona, style.
"""

from collections.abc import Callable
from random import Random
from typing import Any

from tasks.families.constrained_writing._compose import Draft
from tasks.families.constrained_writing._requests import Request
from tasks.graders._prose import paragraphs_of, sentences_of, words_of

Constraint = dict[str, Any]
KINDS = ("include_avoid", "editing", "quality", "length", "format", "focus", "persona", "style")
Offer = Callable[[Random, Request, Draft], list[Constraint]]
_RARE = ("!", "?", ";", "(", "&", "%")
_RARE_NAMES = {"!": "exclamation marks", "?": "question marks", ";": "semicolons", "(": "brackets", "&": "&", "%": "%"}


def offers(rng: Random, request: Request, draft: Draft) -> dict[str, list[Constraint]]:
    """Kind to constraints that the draft fulfils, in the order in which they should be tried."""
    makers: dict[str, Offer] = {
        "include_avoid": _include_avoid,
        "quality": _quality,
        "length": _length,
        "format": _format,
        "focus": _focus,
        "persona": _persona,
        "style": _style,
    }
    return {kind: make(rng, request, draft) for kind, make in makers.items()}


def _include_avoid(rng: Random, request: Request, draft: Draft) -> list[Constraint]:
    own = _own_words(draft)
    words = rng.sample(own, min(len(own), rng.randint(2, 3)))
    foreign = [word for word in request.related if word.lower() not in draft.text.lower()]
    avoided = rng.sample(foreign, 3)
    signs = [sign for sign in _RARE if sign not in draft.text]
    sign = rng.choice(signs)
    found: list[Constraint] = [
        {"kind": "include", "words": words, "text": f"Use these words: {', '.join(words)}."},
        {"kind": "avoid", "words": avoided, "text": f"Do not use the words {', '.join(avoided)}."},
        {"kind": "forbid", "characters": sign, "text": f"Use no {_RARE_NAMES[sign]}."},
    ]
    rng.shuffle(found)
    return found


def _own_words(draft: Draft) -> list[str]:
    """Words of the middle that an agent would not write by itself: they do not stand in the request."""
    told = {word.lower() for value in draft.values.values() for word in words_of(value)}
    words = {word.lower() for sentence in draft.middle for word in words_of(sentence)}
    return sorted(word for word in words if len(word) > 4 and word.isalpha() and word not in told)


def _quality(rng: Random, request: Request, draft: Draft) -> list[Constraint]:
    return [
        {"kind": "no_repeats", "of": "sentences", "text": "No sentence may occur twice."},
        {"kind": "judge", "text": f"Please {request.hopes[1]}."},
    ]


def _length(rng: Random, request: Request, draft: Draft) -> list[Constraint]:
    words = len(words_of(draft.text))
    low, high = words - rng.randint(3, 15), words + rng.randint(3, 15)
    sentences = len(sentences_of(draft.text))
    paragraphs = len(paragraphs_of(draft.text))
    found: list[Constraint] = [
        {"kind": "words", "min": low, "max": high, "text": f"Write between {low} and {high} words."},
        {"kind": "words", "max": high, "text": f"At most {high} words."},
    ]
    if draft.layout in ("paragraphs",):
        found.append({"kind": "sentences", "exactly": sentences, "text": f"Exactly {sentences} sentences."})
        found.append({"kind": "paragraphs", "exactly": paragraphs, "text": f"Write {paragraphs} paragraphs, no more."})
    if draft.layout == "bullets":
        items = len(draft.middle)
        found.append({"kind": "bullets", "exactly": items, "text": f"There should be {items} bullet points."})
    rng.shuffle(found)
    return found


def _format(rng: Random, request: Request, draft: Draft) -> list[Constraint]:
    items = len(draft.middle)
    match draft.layout:
        case "bullets":
            return [{"kind": "format", "value": "bullets", "least": 3, "text": "Use bullet points for the details."}]
        case "numbered":
            text = f"Number the details, at least {items - 1} of them."
            return [{"kind": "format", "value": "numbered", "least": items - 1, "text": text}]
        case "sections":
            listed = ", ".join(draft.headings)
            text = f"Divide it into sections with these headings, in this order: {listed}. Nothing may stay empty."
            return [{"kind": "sections", "headings": list(draft.headings), "text": text}]
        case "title":
            return [{"kind": "format", "value": "title", "text": "The first line is a title, as `# Title`."}]
    return [{"kind": "format", "value": "paragraphs", "text": "Running text only: no lists, no tables."}]


def _focus(rng: Random, request: Request, draft: Draft) -> list[Constraint]:
    names = [name for name in ("town", "person", "thing", "craft") if draft.values[name] in draft.text]
    found: list[Constraint] = [{"kind": "judge", "text": f"Please {request.hopes[2]}."}]
    if names:
        word = draft.values[rng.choice(names)]
        found.insert(0, {"kind": "include", "words": [word], "text": f"{word} must be named."})
        if word in sentences_of(draft.text)[0]:
            pattern = rf"\A[^.!?]*\b{word}\b"
            text = f"{word} has to come up in the first sentence."
            found.insert(0, {"kind": "pattern", "value": pattern, "text": text})
    return found


def _persona(rng: Random, request: Request, draft: Draft) -> list[Constraint]:
    persona = rng.choice(request.personas).format(**draft.values)
    found: list[Constraint] = [
        {"kind": "ends_with", "value": f"{draft.closing}.", "text": f'The last words are "{draft.closing}."'}
    ]
    if draft.layout != "title":
        text = f'Begin with "{draft.opening}".'
        found.insert(0, {"kind": "starts_with", "value": draft.opening, "text": text})
    rng.shuffle(found)
    return [*found, {"kind": "judge", "text": f"Write as {persona} would."}]


def _style(rng: Random, request: Request, draft: Draft) -> list[Constraint]:
    found: list[Constraint] = [{"kind": "judge", "text": f"Please {request.hopes[0]}."}]
    if draft.layout in ("paragraphs", "title"):
        longest = max(len(words_of(sentence)) for sentence in sentences_of(draft.text))
        text = f"Short sentences: none longer than {longest} words."
        found.insert(0, {"kind": "words_in_sentence", "max": longest, "text": text})
    first = ["I", "we", "our", "us"]
    if not {word.lower() for word in words_of(draft.text)} & {word.lower() for word in first}:
        found.insert(0, {"kind": "avoid", "words": first, "text": "Stay impersonal: no I, we, our or us."})
    return found
