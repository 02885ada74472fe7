"""What a value tells: numbers and texts that stand in any code, and those that nobody writes by chance."""

import re
from collections.abc import Sequence

from trajectories._watching.folding import Folded

_TRIVIAL = (-1, 0, 1, 2, "", b"", ())
_EVERYDAY = frozenset({*range(-2, 5), 8, 10, 12, 16, 24, 32, 60, 64, 100, 128, 255, 256, 365, 1000, 1024})
_EVERYDAY_TEXTS = frozenset(
    {"", "utf-8", "utf8", "ascii", "latin-1", "rb", "wb", "__main__", "\n", "\r\n", "None", "True"}
)
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")


def is_trivial(value: Folded) -> bool:
    """A value that says nothing, in whatever company."""
    return value is None or isinstance(value, bool) or value in _TRIVIAL


def is_number(value: Folded) -> bool:
    """A number that is not trivial."""
    return isinstance(value, int | float) and not is_trivial(value)


def are_numbers(values: Sequence[Folded]) -> bool:
    """Whether all of them are, trivial ones as well."""
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def is_telling(value: Folded) -> bool:
    """A value that is compared with by chance seldom."""
    if isinstance(value, int | float):
        return not isinstance(value, bool) and value not in _EVERYDAY
    return is_specific(value) if isinstance(value, str | bytes) else value is not None


def is_everyday(value: Folded) -> bool:
    """A number or a text that conditions are full of."""
    return value in (-1, 0, 1, 2, 10, 100) or (isinstance(value, str) and len(value) < 3)


def is_specific(value: Folded) -> bool:
    """A literal that code does not hold by chance."""
    if isinstance(value, bool) or value is None:
        return False
    if isinstance(value, int):
        return abs(value) >= 1000
    if isinstance(value, float):
        return len(repr(abs(value)).strip("0").replace(".", "")) >= 3
    if isinstance(value, tuple):
        return len(value) >= 2
    text = value.decode(errors="replace") if isinstance(value, bytes) else value
    if text in _EVERYDAY_TEXTS:
        return False
    return len(text) >= 12 or (len(text) >= 6 and re.search(r"[^\w]", text.strip()) is not None)


def as_number(value: Folded) -> Folded:
    """The number that a text spells; other values as they are."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value) else value


def numbers_in(text: str) -> list[int | float]:
    """The numbers of a text in their order, at most 2,000."""
    return [float(word) if "." in word else int(word) for word in _NUMBER.findall(text)[:2000] if len(word) < 50]


def shape(line: str) -> str:
    """A line with its numbers taken out: where only a number changed, a constant was mended."""
    return _NUMBER.sub("0", line.strip())
