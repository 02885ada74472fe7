"""Composes a text of a request in one of several layouts, and remembers what was put where."""

from dataclasses import dataclass
from random import Random

from tasks.families import _words
from tasks.families.constrained_writing._requests import Request

LAYOUTS = ("paragraphs", "paragraphs", "bullets", "numbered", "sections", "title")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_CRAFTS = ("printing", "weaving", "pottery", "gardening", "chess", "baking", "carving", "painting", "sewing", "singing")
_SHOPS = ("bakery", "bookshop", "pharmacy", "library", "florist", "butcher", "tailor", "cinema")


@dataclass(frozen=True)
class Draft:
    """A composed text. `middle`: its sentences but the first and the last, in their order."""

    text: str
    layout: str
    opening: str
    closing: str
    middle: tuple[str, ...]
    headings: tuple[str, ...]
    values: dict[str, str]


def draw_values(rng: Random) -> dict[str, str]:
    return {
        "town": rng.choice(_words.TOWNS),
        "street": f"{rng.choice(_words.STREETS)} {rng.choice(_words.STREET_KINDS)}",
        "person": _words.person(rng),
        "maker": _words.company(rng),
        "thing": rng.choice([noun for noun in _words.NOUNS if len(noun) > 3]),
        "colour": rng.choice(_words.COLOURS),
        "material": rng.choice(_words.MATERIALS),
        "day": rng.choice(_DAYS),
        "craft": rng.choice(_CRAFTS),
        "shop": rng.choice(_SHOPS),
    }


def compose(rng: Random, request: Request, values: dict[str, str]) -> Draft:
    layout = rng.choice(LAYOUTS)
    sentences = [each.format(**values) for each in rng.sample(request.says, rng.randint(5, 11))]
    opening = rng.choice(request.opens).format(**values)
    closing = rng.choice(request.closes).format(**values)
    headings: tuple[str, ...] = ()
    if layout == "sections":
        headings = tuple(rng.sample(request.headings, rng.randint(2, 4)))
        groups = _groups(rng, sentences, len(headings))
        body = "\n\n".join(
            f"## {heading}\n\n{' '.join(group)}" for heading, group in zip(headings, groups, strict=True)
        )
        text = f"{opening}.\n\n{body}\n\n{closing}.\n"
    elif layout in ("bullets", "numbered"):
        marks = [f"{at}. " if layout == "numbered" else "- " for at in range(1, len(sentences) + 1)]
        body = "\n".join(mark + sentence for mark, sentence in zip(marks, sentences, strict=True))
        text = f"{opening}.\n\n{body}\n\n{closing}.\n"
    else:
        groups = _groups(rng, [f"{opening}.", *sentences, f"{closing}."], rng.randint(2, 4))
        text = "\n\n".join(" ".join(group) for group in groups) + "\n"
        if layout == "title":
            text = f"# {rng.choice(request.headings)}\n\n{text}"
    return Draft(text, layout, opening, closing, tuple(sentences), headings, values)


def _groups(rng: Random, sentences: list[str], count: int) -> list[list[str]]:
    """Cut into `count` parts, none empty."""
    cuts = sorted(rng.sample(range(1, len(sentences)), count - 1))
    return [sentences[start:end] for start, end in zip([0, *cuts], [*cuts, len(sentences)], strict=True)]
