"""Reading what an agent left, without trust: every fault becomes one exact sentence, never a traceback."""

import json
import math
import re
import unicodedata
from typing import Any, NoReturn

from tasks.graders.grading import Work

MOST_TEXT = 1_000_000  # bytes of one answer
MOST_DEPTH = 100  # levels of one JSON value
_SHOWN = 120


class Refused(Exception):
    """What the agent left cannot count as an answer; the message says why. Becomes a grade of 0."""


async def read_text(work: Work, path: str, *, max_bytes: int = MOST_TEXT) -> str:
    """A file's text. Raises Refused where there is no such regular file, or it is larger or not UTF-8."""
    content = await work.read(path, max_bytes=max_bytes)
    if content is None:
        raise Refused(f"there is no regular file {path} of at most {max_bytes} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(f"{path} is not UTF-8: byte {error.start}") from None
    if "\0" in text:
        raise Refused(f"{path} holds a NUL byte")
    return text


async def read_line(work: Work, path: str, *, max_bytes: int = 100_000) -> str:
    """The one line of a file that has text in it, stripped. Raises Refused where there are none or several."""
    lines = [line.strip() for line in (await read_text(work, path, max_bytes=max_bytes)).splitlines() if line.strip()]
    if len(lines) != 1:
        raise Refused(f"{path}: one line is wanted, there are {len(lines)}")
    return lines[0]


def parse_json(text: str, where: str) -> Any:
    """Strict JSON: no NaN, no infinity, no key twice, at most MOST_DEPTH levels. Raises Refused."""
    try:
        value = json.loads(
            text, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_without_duplicates
        )
        _check_depth(value)
    except RecursionError:
        raise Refused(f"{where}: too deeply nested") from None
    except json.JSONDecodeError as error:
        raise Refused(f"{where}: no JSON: line {error.lineno}: {error.msg}") from None
    except ValueError as error:
        raise Refused(f"{where}: no JSON that can be read: {str(error)[:_SHOWN]}") from None
    return value


def parse_jsonl(text: str, where: str) -> list[Any]:
    """One JSON value a line; empty lines do not count. Raises Refused naming the line."""
    lines = enumerate(text.splitlines(), start=1)
    return [parse_json(line, f"{where}: line {number}") for number, line in lines if line.strip()]


def shown(value: object, most: int = _SHOWN) -> str:
    """A short form for details: one line that any file or terminal takes."""
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)
    except (ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    text = text[: most + 1].encode("utf-8", "backslashreplace").decode()
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return text if len(text) <= most else text[: most - 1] + "…"


_SIGN = re.compile(r"(?<![\w.])[-\u2013\u2212](?=\d)")


def plain(
    text: str,
    *,
    ignore_case: bool = True,
    ignore_space: bool = True,
    ignore_punctuation: bool = False,
    ignore_articles: bool = False,
    normalise_unicode: bool = True,
) -> str:
    """Text in the form in which two writings of the same thing are equal.

    Unicode: NFKC (full width, ligatures, composed letters) without invisible format characters. Articles: English.
    """
    if normalise_unicode:
        text = unicodedata.normalize("NFKC", text)
        text = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    if ignore_case:
        text = text.casefold()
        if normalise_unicode:
            text = unicodedata.normalize("NFKC", text)  # casefold can leave parts that compose
    if ignore_punctuation:
        text = _SIGN.sub("\u2212", text)  # a number's sign is no punctuation
        text = "".join(" " if unicodedata.category(letter)[0] == "P" else letter for letter in text)
    if ignore_articles:
        text = " ".join(word for word in text.split(" ") if word.lower() not in ("a", "an", "the"))
    return " ".join(text.split()) if ignore_space or ignore_punctuation else text


def is_number(value: object) -> bool:
    """A JSON number that is finite; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer that no float holds
        return False


def is_near(found: float, wanted: float, *, relative: float = 0.0, absolute: float = 0.0) -> bool:
    """Within either tolerance; the relative one is a share of what is wanted."""
    try:
        distance = abs(found - wanted)
    except OverflowError:
        return False
    return bool(distance <= max(absolute, relative * abs(wanted)))


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large")
    return number


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object names a key twice")
    return found


def _check_depth(value: Any) -> None:
    """Without recursion, so that it holds for any value."""
    pending = [(value, 1)]
    while pending:
        each, depth = pending.pop()
        if depth > MOST_DEPTH:
            raise RecursionError
        if isinstance(each, dict):
            pending += [(inner, depth + 1) for inner in each.values()]
        elif isinstance(each, list):
            pending += [(inner, depth + 1) for inner in each]
