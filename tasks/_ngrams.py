"""Hashes of runs of words, by which a text is recognised without being kept."""

import difflib
import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b

WORDS = 13  # GPT-3's paper (Brown et al., 2020, appendix C) found overlaps with benchmarks by runs of 13 words
CONTEXT = 3  # lines around a change, as in a patch
_WORD = re.compile(r"\w+|[^\w\s]")
_HUNK = re.compile(r"^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@", re.MULTILINE)


def ngram_hashes(texts: Iterable[str], n: int = WORDS) -> frozenset[str]:
    """Sixteen hexadecimal digits for each run of `n` words (case aside) within any one of the texts."""
    found: set[str] = set()
    for text in texts:
        words = _WORD.findall(text.lower())
        for start in range(len(words) - n + 1):
            run = "\0".join(words[start : start + n])
            found.add(blake2b(run.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest())
    return frozenset(found)


def is_patch(text: str) -> bool:
    """A text that is a diff in the unified format."""
    return bool(_HUNK.search(text)) and ("\n+++ " in text or text.startswith("+++ "))


def solved_sides(patch: str) -> Iterator[str]:
    """Each hunk of a patch as its lines are afterwards, without marks: what a model would have to write."""
    lines: list[str] = []
    old = new = 0  # lines of the hunk that are still to come, on each side
    for line in patch.splitlines():
        if old <= 0 and new <= 0:
            if (hunk := _HUNK.match(line)) is not None:
                old, new = (1 if count is None else int(count) for count in hunk.groups())
            continue
        mark = line[:1] or " "
        old -= mark in " -"
        new -= mark in " +"
        if mark in " +":
            lines.append(line[1:])
        if old <= 0 and new <= 0:
            yield "\n".join(lines)
            lines = []
    if lines:  # a patch that was cut short
        yield "\n".join(lines)


def solved_sides_of(before: bytes | None, after: bytes | None) -> Iterator[str]:
    """The same of two versions of one file."""
    old, new = ((data or b"").decode("utf-8", "replace").splitlines() for data in (before, after))
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    for group in matcher.get_grouped_opcodes(CONTEXT):
        yield "\n".join(new[group[0][3] : group[-1][4]])
