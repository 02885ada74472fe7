"""What happens to data on its way through forms, exports and people's hands.

Each function gives another writing of the same thing; none changes what is meant.
"""

import random

from tasks.families._words import COMPANY_FORMS, MONTHS

_NEIGHBOURS = {
    "a": "qsz", "b": "vgn", "c": "xdv", "d": "sfe", "e": "wrd", "f": "dgr", "g": "fht", "h": "gjy", "i": "uok",
    "j": "hku", "k": "jli", "l": "kop", "m": "njk", "n": "bmh", "o": "ipl", "p": "ol", "q": "wa", "r": "etf",
    "s": "adw", "t": "ryg", "u": "yij", "v": "cbf", "w": "qes", "x": "zcs", "y": "tuh", "z": "xa",
}  # fmt: skip
ABBREVIATIONS: dict[str, str] = {
    "Street": "St.", "Road": "Rd.", "Avenue": "Ave.", "Lane": "Ln.", "Square": "Sq.", "Drive": "Dr.", "Court": "Ct.",
    "Boulevard": "Blvd.", "North": "N.", "South": "S.", "East": "E.", "West": "W.", "International": "Intl.",
    **dict(COMPANY_FORMS),
}  # fmt: skip


def typo(rng: random.Random, text: str) -> str:
    """One slip in one word of five letters or more: a letter doubled, left out, swapped, or a neighbouring key.

    The first letter stays, as it mostly does. A text without such a word is returned as it is.
    """
    words = text.split(" ")
    places = [index for index, word in enumerate(words) if len(word) >= 5 and word.isalpha()]
    if not places:
        return text
    at = rng.choice(places)
    words[at] = _slip(rng, words[at])
    return " ".join(words)


def _slip(rng: random.Random, word: str) -> str:
    for _ in range(20):
        i = rng.randrange(1, len(word) - 1)
        match rng.choice(("double", "leave out", "swap", "neighbour")):
            case "double":
                changed = word[: i + 1] + word[i:]
            case "leave out":
                changed = word[:i] + word[i + 1 :]
            case "swap":
                changed = word[:i] + word[i + 1] + word[i] + word[i + 2 :]
            case _:
                changed = word[:i] + rng.choice(_NEIGHBOURS.get(word[i].lower(), "e")) + word[i + 1 :]
        if changed != word:
            return changed
    return word + word[-1]


def abbreviate(text: str) -> str:
    """Street kinds, directions and legal forms as people shorten them."""
    return " ".join(ABBREVIATIONS.get(word, word) for word in text.split(" "))


def initials(name: str) -> str:
    """`Clara Holm` as `C. Holm`."""
    given, _, family = name.partition(" ")
    return f"{given[0]}. {family}" if family else name


def family_first(name: str) -> str:
    """`Clara Holm` as `Holm, Clara`."""
    given, _, family = name.partition(" ")
    return f"{family}, {given}" if family else name


def change_case(rng: random.Random, text: str) -> str:
    return rng.choice((text.upper(), text.lower(), text.title()))


def change_date(rng: random.Random, iso: str, styles: tuple[str, ...] = ("dots", "words", "us", "short")) -> str:
    """An ISO date in another style: `03.04.2021`, `3 April 2021`, `April 3, 2021`, `3-Apr-2021`."""
    year, month, day = iso.split("-")
    name = MONTHS[int(month) - 1]
    match rng.choice(styles):
        case "dots":
            return f"{day}.{month}.{year}"
        case "words":
            return f"{int(day)} {name} {year}"
        case "us":
            return f"{name} {int(day)}, {year}"
        case _:
            return f"{int(day)}-{name[:3]}-{year}"


def change_phone(rng: random.Random, phone: str) -> str:
    """`555-204-7719` in another style."""
    a, b, c = phone.split("-")
    return rng.choice((f"({a}) {b}-{c}", f"{a}.{b}.{c}", f"+1 {a} {b} {c}", f"{a}{b}{c}"))


def change_code(rng: random.Random, code: str) -> str:
    """`KX-204` without its hyphen, or with a space, or in small letters."""
    return rng.choice((code.replace("-", ""), code.replace("-", " "), code.lower(), code.replace("-", "").lower()))
