"""Numbers as people write them: signs, thousands, exponents, percent, fractions."""

import math
import re
import unicodedata

_MINUS = str.maketrans(dict.fromkeys("\u2212\u2013\ufe63\uff0d", "-"))
_SPACES = "[ \u00a0\u202f\u2009'\u2019_]"
_MOST_DIGITS = 400


def parse_number(text: str, *, decimal: str = ".", thousands: bool = True, fractions: bool = False) -> float | None:
    """The number that this whole text is; None where it is none, or infinite, or its grouping is not by threes."""
    text = unicodedata.normalize("NFKC", text).translate(_MINUS).strip()
    if not text or len(text) > _MOST_DIGITS:
        return None
    if fractions and text.count("/") == 1:
        above, below = (parse_number(part, decimal=decimal, thousands=thousands) for part in text.split("/"))
        return above / below if above is not None and below else None
    comma = "," if decimal == "." else "."
    point = re.escape(decimal)
    whole = "[0-9]+"
    if thousands:
        group = f"(?:{re.escape(comma)}|{_SPACES})"
        whole = f"(?:[0-9]{{1,3}}(?P<gap>{group})[0-9]{{3}}(?:(?P=gap)[0-9]{{3}})*|[0-9]+)"
    if not re.fullmatch(f"[+-]?(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]{{1,4}})?", text):
        return None
    number = float(re.sub(f"{re.escape(comma)}|{_SPACES}", "", text).replace(decimal, "."))
    return number if math.isfinite(number) else None


def numbers_in(text: str) -> list[str]:
    """The runs of a text that could be numbers, each with its sign; a digit inside a word does not count."""
    text = unicodedata.normalize("NFKC", text).translate(_MINUS)
    pattern = r"(?<![\w.,])[+-]?(?:[0-9][0-9,._' ]*[0-9]|[0-9])(?:[eE][+-]?[0-9]{1,4})?(?![\w])"
    return [found.group().strip() for found in re.finditer(pattern, text)]
