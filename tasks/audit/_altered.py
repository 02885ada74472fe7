"""One file of the reference in another form, and what its variants share."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from random import Random


@dataclass(frozen=True)
class Altered:
    """`kind` says in a word what was done; `line` counts from 1, 0 where the whole file was changed."""

    kind: str
    text: bytes
    line: int = 0
    detail: str = ""


def changed_lines(before: bytes | None, after: bytes) -> set[int]:
    """Lines of `after` that are not in `before`; of a removal, those on both sides of it. Lines count from 1."""
    old, new = (before or b"").splitlines(), after.splitlines()
    found: set[int] = set()
    for tag, _, _, first, last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "delete":
            found |= {line for line in (first, first + 1) if 1 <= line <= len(new)}
        elif tag != "equal":
            found |= set(range(first + 1, last + 1))
    return found


def spread(items: Iterable[Altered], rng: Random, most: int) -> list[Altered]:
    """At most `most`, one of each kind in turn, chosen at random within a kind."""
    by_kind: dict[str, list[Altered]] = defaultdict(list)
    for item in items:
        by_kind[item.kind].append(item)
    kinds = sorted(by_kind)
    rng.shuffle(kinds)
    for kind in kinds:
        rng.shuffle(by_kind[kind])
    chosen: list[Altered] = []
    while len(chosen) < most and any(by_kind.values()):
        chosen += [by_kind[kind].pop() for kind in kinds if by_kind[kind]]
    return chosen[:most]
