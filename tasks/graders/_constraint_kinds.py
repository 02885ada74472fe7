"""The kinds of constraints that a program can check. Each takes the text and its options, and says what is wrong.

An empty answer means: fulfilled. Raises BadConstraint, or TypeError for options that a kind does not have.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from tasks.graders._prose import (
    headings,
    items_of,
    paragraphs_of,
    rhyme,
    script_share,
    sentences_of,
    tables_of,
    word_pattern,
    words_of,
)  # fmt: skip
from tasks.graders._reading import Refused, parse_json, plain, shown

Check = Callable[..., str]


class BadConstraint(Exception):
    """The constraint itself cannot be used; the message says why."""


def _counted(count: int, what: str, least: int | None, most: int | None, exactly: int | None) -> str:
    if least is None and most is None and exactly is None:
        raise BadConstraint("`min`, `max` or `exactly` is needed")
    if (exactly is not None and count != exactly) or (least is not None and count < least):
        return f"{count} {what}"
    return f"{count} {what}" if most is not None and count > most else ""


def _counter(what: str, parts: Callable[[str], Sequence[Any]]) -> Check:
    def check(text: str, *, exactly: int | None = None, **limits: int) -> str:
        if unknown := set(limits) - {"min", "max"}:
            raise BadConstraint(f"unknown: {', '.join(sorted(unknown))}")
        return _counted(len(parts(text)), what, limits.get("min"), limits.get("max"), exactly)

    return check


def include(text: str, *, words: list[str], least: int = 1, case: bool = False) -> str:
    """Each of the words or phrases, as whole words, at least `least` times."""
    counts = {word: len(word_pattern(word, case).findall(_composed(text))) for word in _texts(words)}
    missing = [word for word, count in counts.items() if count < least]
    return f"too few: {', '.join(missing)}" if missing else ""


def include_any(text: str, *, words: list[str], case: bool = False) -> str:
    found = any(word_pattern(word, case).search(_composed(text)) for word in _texts(words))
    return "" if found else "none of them is there"


def avoid(text: str, *, words: list[str], case: bool = False) -> str:
    """None of them as a whole word; invisible letters within a word do not hide it."""
    found = [word for word in _texts(words) if word_pattern(word, case).search(_composed(text))]
    return f"there: {', '.join(found)}" if found else ""


def frequency(text: str, *, word: str, case: bool = False, exactly: int | None = None, **limits: int) -> str:
    """How often one word or phrase comes."""
    if unknown := set(limits) - {"min", "max"}:
        raise BadConstraint(f"unknown: {', '.join(sorted(unknown))}")
    count = len(word_pattern(word, case).findall(_composed(text)))
    return _counted(count, f"times {word}", limits.get("min"), limits.get("max"), exactly)


def starts_with(text: str, *, value: str, case: bool = True) -> str:
    ours, theirs = _composed(text).lstrip(), _composed(value)
    if not case:
        ours, theirs = ours.casefold(), theirs.casefold()
    return "" if ours.startswith(theirs) else f"it starts with {shown(ours, 40)}"


def ends_with(text: str, *, value: str, case: bool = True) -> str:
    ours, theirs = _composed(text).rstrip(), _composed(value)
    if not case:
        ours, theirs = ours.casefold(), theirs.casefold()
    return "" if ours.endswith(theirs) else f"it ends with {shown(ours[-40:], 40)}"


def is_format(text: str, *, value: str, least: int = 1, keys: list[str] | None = None, only: bool = False) -> str:
    """json, bullets, numbered, table, title (a first line that is a heading or <<so>>), or paragraphs without lists."""
    if value == "json":
        return _json_fault(text, keys or [])
    if value in ("bullets", "numbered"):
        items, others = items_of(text, numbered=value == "numbered")
        if len(items) < least:
            return f"{len(items)} items"
        if value == "numbered" and items != list(range(items[0], items[0] + len(items))):
            return "the numbers are not in order"
        return f"{others} lines besides" if only and others else ""
    if value == "table":
        tables = tables_of(text)
        return "" if len(tables) == 1 and tables[0] >= least else f"{len(tables)} tables, of {sum(tables)} rows"
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if value == "title":
        return "" if re.fullmatch(r"#{1,2} \S.*|<<[^<>]+>>|\*\*[^*]+\*\*", first) else "the first line is no title"
    if value == "paragraphs":
        lists = [items_of(text, numbered=numbered)[0] for numbered in (True, False)]
        return "it has a list or a table" if any(lists) or tables_of(text) else ""
    raise BadConstraint(f"format {value!r} is none of json, bullets, numbered, table, title, paragraphs")


def _json_fault(text: str, keys: list[str]) -> str:
    inner = re.fullmatch(r"\s*```(?:json)?\s*\n(.*?)\n\s*```\s*", text, re.DOTALL)
    try:
        value = parse_json(inner[1] if inner else text, "the text")
    except Refused as reason:
        return str(reason)
    if not isinstance(value, dict | list):
        return "an object or a list is wanted"
    missing = [key for key in keys if not isinstance(value, dict) or key not in value]
    return f"keys missing: {', '.join(missing)}" if missing else ""


def letter_case(text: str, *, value: str) -> str:
    """upper, lower, or title (each word of four letters and more starts with a capital)."""
    letters = [letter for letter in text if letter.isalpha()]
    if not letters:
        return "there are no letters"
    if value == "upper":
        return "" if not any(map(str.islower, letters)) else "there are small letters"
    if value == "lower":
        return "" if not any(map(str.isupper, letters)) else "there are capital letters"
    if value == "title":
        wrong = [word for word in words_of(text) if len(word) >= 4 and word[0].islower()]
        return f"small: {shown(', '.join(wrong[:5]))}" if wrong else ""
    raise BadConstraint(f"case {value!r} is none of upper, lower, title")


def forbid(text: str, *, characters: str) -> str:
    """None of these characters, nor another writing of one (full width, say)."""
    if not characters:
        raise BadConstraint("`characters` is empty")
    wide = set(text) | set(unicodedata.normalize("NFKC", text))
    found = [letter for letter in dict.fromkeys(characters) if letter in wide]
    return f"there: {' '.join(found)}" if found else ""


def script(text: str, *, value: str, share: float = 0.9) -> str:
    """Most letters are of one script: latin, cyrillic, greek, arabic, hebrew, cjk, hiragana, katakana, hangul, …"""
    try:
        part = script_share(text, value)
    except ValueError as error:
        raise BadConstraint(str(error)) from error
    if part is None:
        return "there are no letters"
    return "" if part >= share else f"{part:.2f} of the letters are {value}"


def sections(text: str, *, headings: list[str], exactly: bool = False) -> str:
    """These headings in this order, each with text below it; `exactly`: no others between or after them."""
    found = _headed(text)
    names = [name for name, _ in found]
    wanted = [plain(name) for name in _texts(headings)]
    if exactly and names != wanted:
        return f"the headings are {shown(', '.join(names))}"
    place = 0
    for name in wanted:
        if name not in names[place:]:
            return f"no heading {name} in its place"
        place = names.index(name, place) + 1
        if not found[place - 1][1].strip():
            return f"nothing stands below {name}"
    return ""


def _headed(text: str) -> list[tuple[str, str]]:
    return [(plain(name), below) for name, below in headings(text)]


def repeat(text: str, *, value: str, times: int) -> str:
    """A text comes exactly so many times, word for word."""
    count = _composed(text).count(_composed(value)) if value else 0
    return "" if value and count == times else f"{count} times"


def no_repeats(text: str, *, of: str = "sentences") -> str:
    """No sentence, line or word comes twice; writing it in another case does not make it another."""
    cuts: dict[str, Callable[[str], list[str]]] = {
        "sentences": sentences_of,
        "lines": lambda whole: whole.splitlines(),
        "words": words_of,
    }
    if of not in cuts:
        raise BadConstraint(f"of {of!r} is none of sentences, lines, words")
    parts = [form for form in (plain(part, ignore_punctuation=True) for part in cuts[of](text)) if form]
    part, count = Counter(parts).most_common(1)[0] if parts else ("", 0)
    return f"{count} times: {shown(part, 60)}" if count > 1 else ""


def not_rhyme(text: str, *, share: float = 0.2) -> str:
    """At most this share of neighbouring lines (or next but one) end alike; by spelling, so for hints only."""
    lines = [words for line in text.splitlines() if (words := words_of(line))]
    pairs = [(lines[i][-1], lines[j][-1]) for i in range(len(lines)) for j in (i + 1, i + 2) if j < len(lines)]
    alike = sum(rhyme(one, other) for one, other in pairs)
    return f"{alike} of {len(pairs)} pairs of lines end alike" if pairs and alike / len(pairs) > share else ""


def pattern(text: str, *, value: str, whole: bool = False) -> str:
    """A regular expression, somewhere or for the whole text."""
    try:
        compiled = re.compile(value, re.MULTILINE)
    except re.error as error:
        raise BadConstraint(f"value: {error}") from error
    found = compiled.fullmatch(text.strip()) if whole else compiled.search(text)
    return "" if found else "it does not match"


def words_in_sentence(text: str, **limits: int) -> str:
    """Each sentence has at least `min` and at most `max` words."""
    if not limits or set(limits) - {"min", "max"}:
        raise BadConstraint("`min` or `max` is needed, and nothing else")
    for sentence in sentences_of(text):
        count = len(words_of(sentence))
        if not limits.get("min", 0) <= count <= limits.get("max", count):
            return f"{count} words in: {shown(sentence, 60)}"
    return ""


def _texts(words: Any) -> list[str]:
    if not isinstance(words, list) or not words or not all(isinstance(word, str) and word.strip() for word in words):
        raise BadConstraint(f"a list of texts is wanted, not {json.dumps(words, default=str)[:80]}")
    return words


def _composed(text: str) -> str:
    """One way of writing each letter; without the invisible ones that could hide a word or fake one."""
    return plain(text, ignore_case=False, ignore_space=False)


CHECKS: dict[str, Check] = {
    "words": _counter("words", words_of),
    "sentences": _counter("sentences", sentences_of),
    "paragraphs": _counter("paragraphs", paragraphs_of),
    "lines": _counter("lines", lambda text: [line for line in text.splitlines() if line.strip()]),
    "characters": _counter("characters", lambda text: text.strip()),
    "bullets": _counter("bullets", lambda text: items_of(text, numbered=False)[0]),
    "words_in_sentence": words_in_sentence,
    "include": include,
    "include_any": include_any,
    "avoid": avoid,
    "frequency": frequency,
    "starts_with": starts_with,
    "ends_with": ends_with,
    "format": is_format,
    "case": letter_case,
    "forbid": forbid,
    "script": script,
    "sections": sections,
    "repeat": repeat,
    "no_repeats": no_repeats,
    "not_rhyme": not_rhyme,
    "pattern": pattern,
}
