"""Prose cut into words, sentences, paragraphs, lists, headings; by rules that a person can say in one sentence."""

import re
import unicodedata

_NEAR = 40  # letters around the end of a sentence that say whether it is one
_WORD = re.compile(r"[^\W_]+(?:['\u2019\-][^\W_]+)*")
_ABBREVIATIONS = {"mr", "mrs", "ms", "dr", "prof", "st", "vs", "etc", "e.g", "i.e", "no", "approx", "fig", "jr", "sr"}
_END = re.compile(r"[.!?…]+[\"'\u201d\u2019)\]]*(?=\s|$)|[\u3002\uff01\uff1f]+")
_BULLET = re.compile(r"\s*[-*•+]\s+\S")
_NUMBERED = re.compile(r"\s*(\d{1,4})[.)]\s+\S")
_HEADING = re.compile(r"#{1,6}\s+(.+?)\s*#*|\*\*(.+?)\*\*:?|(.{1,80}):")
_RULE = re.compile(r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?")
_SCRIPTS = {
    "latin": "LATIN", "cyrillic": "CYRILLIC", "greek": "GREEK", "arabic": "ARABIC", "hebrew": "HEBREW", "cjk": "CJK",
    "hiragana": "HIRAGANA", "katakana": "KATAKANA", "hangul": "HANGUL", "devanagari": "DEVANAGARI", "thai": "THAI",
}  # fmt: skip


def words_of(text: str) -> list[str]:
    """Runs of letters and digits; an apostrophe or hyphen inside does not part them."""
    return _WORD.findall(unicodedata.normalize("NFKC", text))


def sentences_of(text: str) -> list[str]:
    """Ends with . ! ? … before white space, or with a line that is followed by an empty one; `e.g.` ends none."""
    found: list[str] = []
    for paragraph in paragraphs_of(text):
        start = 0
        for end in _END.finditer(paragraph):
            before, after = (
                paragraph[max(start, end.start() - _NEAR) : end.start()],
                paragraph[end.end() : end.end() + _NEAR],
            )
            if not _is_end(before, end.group(), after):
                continue
            found.append(paragraph[start : end.end()].strip())
            start = end.end()
        found.append(paragraph[start:].strip())
    return [sentence for sentence in found if _WORD.search(sentence)]


def _is_end(before: str, mark: str, after: str) -> bool:
    """Not after an abbreviation, a single letter or a number, nor where `...` goes on with a small letter.

    After a number of some length, as in `in 1999. Then`, a capital starts a new sentence; `1. Buy` starts a list.
    """
    after = after.lstrip()
    if mark[:3] in ("...", "\u2026"):
        return not after[:1].islower()
    last = before.rsplit(None, 1)[-1].lower().lstrip("(") if before.strip() else ""
    if not after or not mark.startswith("."):
        return True
    if last.isdigit() and len(last) > 2:
        return after[0].isupper()
    return last not in _ABBREVIATIONS and not re.fullmatch(r"[a-z]|\d+", last)


def paragraphs_of(text: str) -> list[str]:
    return [part for part in re.split(r"\n[ \t\r]*\n", text.replace("\r\n", "\n")) if part.strip()]


def items_of(text: str, *, numbered: bool) -> tuple[list[int], int]:
    """The items' numbers (0 for bullets), and how many lines with text are none of a list."""
    items: list[int] = []
    others = 0
    for line in text.splitlines():
        found = (_NUMBERED if numbered else _BULLET).match(line)
        if found:
            items.append(int(found[1]) if numbered else 0)
        elif line.strip() and not (items and line.startswith((" ", "\t"))):
            others += 1
    return items, others


def tables_of(text: str) -> list[int]:
    """Of each Markdown table, how many rows it has below its header."""
    lines = [line.strip() for line in text.splitlines()]
    found = []
    for index in range(1, len(lines)):
        if "|" in lines[index] and "|" in lines[index - 1] and _RULE.fullmatch(lines[index][:2000]):
            rows = 0
            while index + 1 + rows < len(lines) and "|" in lines[index + 1 + rows]:
                rows += 1
            found.append(rows)
    return found


def headings(text: str) -> list[tuple[str, str]]:
    """(heading, text below it): lines of `# so`, `**so**`, or `so:` alone."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        heading = _HEADING.fullmatch(line.strip()) if len(line) <= 200 else None
        if heading:
            found.append((next(part for part in heading.groups() if part).strip().rstrip(":"), []))
        elif found:
            found[-1][1].append(line)
    return [(name, "\n".join(below)) for name, below in found]


def word_pattern(word: str, case: bool) -> re.Pattern[str]:
    """Whole words only; any white space fits where the phrase has some. A number is whole: no sign, no more digits."""
    word = unicodedata.normalize("NFKC", word).strip()
    inner = r"\s+".join(map(re.escape, word.split()))
    start = r"(?<!\w)" if re.match(r"\w", word) else ""
    end = r"(?!\w)" if re.search(r"\w$", word) else ""
    if re.match(r"\d", word):
        start += r"(?<!\d[.,])(?<!\s[-\u2212\u2013])(?<!^[-\u2212\u2013])"
    if re.search(r"\d$", word):
        end += r"(?![.,]\d)"
    return re.compile(start + inner + end, re.MULTILINE | (0 if case else re.IGNORECASE))


def script_share(text: str, name: str) -> float | None:
    """Share of the letters whose Unicode name starts with the script; None without letters.

    Raises ValueError for an unknown script.
    """
    if name not in _SCRIPTS:
        raise ValueError(f"script {name!r} is none of {', '.join(_SCRIPTS)}")
    letters = [letter for letter in text if letter.isalpha()]
    fitting = sum(unicodedata.name(letter, "").startswith(_SCRIPTS[name]) for letter in letters)
    return fitting / len(letters) if letters else None


def rhyme(one: str, other: str) -> bool:
    """Whether two different words end alike from their last vowel on, by English spelling."""
    one, other = one.lower(), other.lower()
    ends = [re.search(r"[aeiouy]+[^aeiouy]*e?$", word) for word in (one, other)]
    return one != other and all(ends) and ends[0].group() == ends[1].group()  # type: ignore[union-attr]
