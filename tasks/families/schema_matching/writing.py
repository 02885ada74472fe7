"""How a system writes a column: one form for all of its values."""

import random
from collections.abc import Callable

from tasks.families._corrupt import abbreviate, change_date, family_first
from tasks.families.schema_matching.concepts import Concept

Write = Callable[[str], str]


def plain(value: str) -> str:
    return value


def draw_writing(rng: random.Random, concept: Concept) -> Write:
    """Another form than the plain one, where the kind has any."""
    match concept.kind:
        case "code":
            return rng.choice((lambda v: v.replace("-", ""), str.lower, lambda v: f"#{v}"))
        case "person":
            return rng.choice((family_first, str.upper, plain))
        case "town" | "company" | "product":
            return rng.choice((str.upper, str.lower, plain))
        case "address":
            return rng.choice((abbreviate, str.upper))
        case "phone":
            return rng.choice((lambda v: v.replace("-", "."), lambda v: "+1 " + v.replace("-", " "), plain))
        case "date":
            style = rng.choice(("dots", "words", "short"))
            return lambda value: change_date(rng, value, (style,))
        case "flag":
            yes, no = rng.choice((("1", "0"), ("Y", "N"), ("true", "false"), ("x", "")))
            return lambda value: yes if value == "yes" else no
        case "level":
            return rng.choice((_codes(rng, concept.levels), str.title))
        case "money":
            return rng.choice((lambda v: str(round(float(v) * 100)), lambda v: f"EUR {v}", plain))
        case "weight":
            return rng.choice((lambda v: f"{float(v) * 1000:.0f}", lambda v: f"{float(v) * 2.20462:.2f}", plain))
        case "length":
            return rng.choice((lambda v: f"{float(v) * 10:.0f}", lambda v: f"{float(v) / 2.54:.2f}", plain))
        case _:
            return plain


def _codes(rng: random.Random, levels: tuple[str, ...]) -> Write:
    """Numbers in place of words, in no telling order."""
    numbers = rng.sample(range(1, len(levels) + 1), len(levels))
    codes = {level: str(number) for level, number in zip(levels, numbers, strict=True)}
    return lambda value: codes[value]


def draw_name(rng: random.Random, names: tuple[str, ...], index: int, style: str, number: int) -> str:
    """The name that system `index` gives: a `synonym`, one `shortened`, or an `opaque` one that says nothing."""
    name = names[index % len(names)]
    match style:
        case "opaque":
            return f"{'cf'[index]}{number:02d}"
        case "shortened":
            parts = name.split("_")
            return "_".join(part[0] + "".join(c for c in part[1:] if c not in "aeiou")[:3] for part in parts)
        case _:
            return name
