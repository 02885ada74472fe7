"""Tasks that are the same work twice, across generators and repositories: exact and near duplicates; the first is kept.

What is compared is the edit that the reference makes, with its surroundings, as words of the syntax tree: layout and
comments do not count, and identifiers and constants are numbered by their first use.

- *Exact*: the changed definitions are the same on both sides, after numbering. So the same change in a copy of a file
  whose names were changed is one, and so are two wrong constants at one place: the same line gets the same mend.
- *Near*, with the parameters of The Heap (Katzy et al., 2025: MinHash-LSH over 7-shingles, Jaccard 0.7): the edits are
  alike (the windows of 7 words that hold a part of it) *and* the definitions that they are made in are alike. Two bugs
  in one function share the second and not the first; one kind of bug in two functions the first and not the second.
  The edit is looked at twice, with names numbered and with names as they are: numbers shift where a copy has one
  variable more, names differ where a copy was renamed.

Definitions of few words keep their names: `return self.width` and `return self.height` are of one shape.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from environments.diff import Diff
from tasks._code_tokens import ChangedPiece, Word, changed_pieces
from tasks._minhash import Bands, hash_of, jaccard
from tasks.suite import Suite

SHINGLE = 7  # words
THRESHOLD = 0.7  # Jaccard
SHORT = 40  # words of a change, both sides, below which names stay
MOST_ALIGNED = 4000  # words of a changed stretch; longer ones are taken as replaced in whole

_BRIEF = re.compile(r"(-[0-9a-f]{12})-[a-z0-9-]+$")  # what the brief adds to a task's id, after its candidate's

Files = Mapping[str, bytes | None]


class Duplicate(BaseModel):
    """What a task repeats."""

    model_config = ConfigDict(frozen=True)

    of: str = Field(description="id of the task that was there first")
    kind: Literal["duplicate", "near duplicate"]
    similarity: float = Field(description="Jaccard of the edits' shingles; 1.0 for exact duplicates")


class DuplicatePair(Duplicate):
    """A task of a written suite that repeats another."""

    task_id: str
    suite: str = Field(description="name of the task's suite")
    suite_of: str = Field(description="name of the suite of the first one")
    suite_number: int = Field(description="of the task's suite among those that were given, from 0")


class DuplicateReport(BaseModel):
    """What `find_duplicates` saw."""

    model_config = ConfigDict(frozen=True)

    tasks: int
    duplicates: tuple[DuplicatePair, ...] = ()
    without_reference: tuple[str, ...] = Field((), description="tasks that have no reference to compare")


@dataclass(frozen=True)
class _Kept:
    """A task that is in the index."""

    task_id: str
    place: str  # hash of the definitions that are to be, with their names
    positions: frozenset[int]  # of the words there that the edit touches
    edits: tuple[frozenset[int], frozenset[int]]  # shingles: numbered, named
    around: tuple[frozenset[int], frozenset[int]]  # of the definitions


class DuplicateIndex:
    """The tasks kept so far. Deterministic: the first of each kind is kept, whatever comes later.

    About 10 kB a task.
    """

    def __init__(self) -> None:
        self._exact: dict[str, str] = {}
        self._kept: list[_Kept] = []
        self._bands = (Bands(), Bands())
        self._around: dict[str, tuple[frozenset[int], frozenset[int]]] = {}

    def add(self, task_id: str, before: Files, after: Files) -> Duplicate | None:
        """Keep a task, or say which one it repeats (then it is not kept).

        before, after: path -> contents of the files that the reference changes (None: not there), as the agent gets
        them and solved. A reference that changes no word of code repeats nothing and is not kept.
        """
        pieces = changed_pieces(before, after)
        if not pieces:
            return None
        digest = _digest(_numbered(pieces))
        if (first := self._exact.get(digest)) is not None:
            return Duplicate(of=first, kind="duplicate", similarity=1.0)
        new = self._describe(task_id, pieces)
        keys = [bands.keys(edit) for bands, edit in zip(self._bands, new.edits, strict=True)]
        best = max(self._near(new, keys), key=lambda found: found.similarity, default=None)
        if best is not None:
            return best
        self._exact[digest] = task_id
        for bands, key in zip(self._bands, keys, strict=True):
            bands.put(key, len(self._kept))
        self._kept.append(new)
        return None

    def add_reference(self, task_id: str, reference: Diff) -> Duplicate | None:
        """`add` of what a reference changes."""
        changes = reference.changes
        before = {change.path: change.before for change in changes}
        return self.add(task_id, before, {change.path: change.after for change in changes})

    def _near(self, new: _Kept, keys: Sequence[list[tuple[int, int]]]) -> Iterator[Duplicate]:
        for view, bands in enumerate(self._bands):
            for number in bands.meeting(keys[view]):
                kept = self._kept[number]
                alike = jaccard(new.edits[view], kept.edits[view])
                if alike < THRESHOLD or jaccard(new.around[view], kept.around[view]) < THRESHOLD:
                    continue
                # In code that repeats itself, two places of one definition look alike from near.
                if kept.place == new.place and jaccard(new.positions, kept.positions) < THRESHOLD:
                    continue
                yield Duplicate(of=kept.task_id, kind="near duplicate", similarity=alike)

    def _describe(self, task_id: str, pieces: Sequence[ChangedPiece]) -> _Kept:
        solved = [piece.after or piece.before for piece in pieces]
        place = _digest(solved)
        scripts, positions, offset = [], set(), 0
        for piece, whole in zip(pieces, solved, strict=True):
            hunks = list(_hunks(piece))
            scripts.append(hunks)
            positions |= {offset + at for hunk in hunks for at in range(hunk.start, max(hunk.end, hunk.start + 1))}
            offset += len(whole) + 1
        names = (_numbers_of(pieces), _Names())
        numbered, named = (
            frozenset(
                shingle
                for piece, hunks in zip(pieces, scripts, strict=True)
                for hunk in hunks
                for shingle in _shingles(hunk.words(piece, view))
            )
            for view in names
        )
        if place not in self._around:
            self._around[place] = (
                frozenset(shingle for words in solved for shingle in _shingles([names[0].of(word) for word in words])),
                frozenset(shingle for words in solved for shingle in _shingles([names[1].of(word) for word in words])),
            )
        return _Kept(task_id, place, frozenset(positions), (numbered, named), self._around[place])


def find_duplicates(suites: Iterable[Suite]) -> DuplicateReport:
    """Tasks of written suites that repeat one that comes before, in the order of the suites and their tasks.

    Tasks that differ only in how one change is told (briefs of one candidate) are not duplicates of one another.
    Raises BadTaskFolder.
    """
    index = DuplicateIndex()
    pairs: list[DuplicatePair] = []
    without: list[str] = []
    homes: dict[str, tuple[str, str]] = {}
    told: dict[str, Duplicate | None] = {}
    count = 0
    for number, suite in enumerate(suites):
        for task in suite.tasks():
            count += 1
            if task.reference is None:
                without.append(task.id)
                continue
            key = f"{number} {task.id}"
            sibling = f"{number} " + _BRIEF.sub(r"\1", task.id)
            homes[key] = (suite.manifest.name, task.id)
            if sibling not in told:
                told[sibling] = index.add_reference(key, task.reference)
            found = told[sibling]
            if found is not None:
                first_suite, first = homes[found.of]
                pairs.append(
                    DuplicatePair(
                        **found.model_dump(exclude={"of"}),
                        of=first,
                        task_id=task.id,
                        suite=suite.manifest.name,
                        suite_of=first_suite,
                        suite_number=number,
                    )
                )
    return DuplicateReport(tasks=count, duplicates=tuple(pairs), without_reference=tuple(without))


# ---------------------------------------------------------------- words to shingles


@dataclass(frozen=True)
class _Hunk:
    """Words `start` to `end` of the solved side in place of words `old_start` to `old_end` of the other."""

    start: int
    end: int
    old_start: int
    old_end: int

    def words(self, piece: ChangedPiece, names: "_Numbers | _Names") -> list[str]:
        """The edit between as many words of its surroundings that every shingle holds a part of it."""
        reach = SHINGLE - 1
        before = piece.after[max(0, self.start - reach) : self.start]
        after = piece.after[self.end : self.end + reach]
        return [
            *(names.of(word) for word in before),
            *(f"- {names.of(word)}" for word in piece.before[self.old_start : self.old_end]),
            *(f"+ {names.of(word)}" for word in piece.after[self.start : self.end]),
            *(names.of(word) for word in after),
        ]


def _hunks(piece: ChangedPiece) -> Iterator[_Hunk]:
    old, new = piece
    shortest = min(len(old), len(new))
    head = next((at for at in range(shortest) if old[at] != new[at]), shortest)
    tail = next((at for at in range(shortest - head) if old[-1 - at] != new[-1 - at]), shortest - head)
    inner_old, inner_new = old[head : len(old) - tail], new[head : len(new) - tail]
    if max(len(inner_old), len(inner_new)) > MOST_ALIGNED:
        yield _Hunk(head, len(new) - tail, head, len(old) - tail)
        return
    matcher = difflib.SequenceMatcher(a=inner_old, b=inner_new, autojunk=False)
    for tag, old_start, old_end, start, end in matcher.get_opcodes():
        if tag != "equal":
            yield _Hunk(head + start, head + end, head + old_start, head + old_end)


class _Names:
    """Words as they are."""

    def of(self, word: Word) -> str:
        return f"{word.kind} {word.text}"


class _Numbers:
    """Identifiers and constants by their first use."""

    def __init__(self) -> None:
        self._numbers: dict[Word, int] = {}

    def learn(self, words: Iterable[Word]) -> None:
        for word in words:
            if word.kind:
                self._numbers.setdefault(word, len(self._numbers))

    def of(self, word: Word) -> str:
        return f"{word.kind} {self._numbers[word]}" if word.kind else word.text


def _numbers_of(pieces: Sequence[ChangedPiece]) -> _Numbers | _Names:
    """Numbers for the words of both sides; of a short change, the names."""
    if sum(len(piece.before) + len(piece.after) for piece in pieces) < SHORT:
        return _Names()
    names = _Numbers()
    for piece in pieces:
        names.learn((*piece.after, *piece.before))
    return names


def _numbered(pieces: Sequence[ChangedPiece]) -> list[list[str]]:
    """Both sides of each piece, numbered together; short ones as they are."""
    names = _numbers_of(pieces)
    return [[names.of(word) for word in side] for piece in pieces for side in (piece.after, piece.before)]


def _shingles(words: Sequence[str]) -> Iterator[int]:
    for start in range(max(1, len(words) - SHINGLE + 1)):
        yield hash_of("\0".join(words[start : start + SHINGLE]))


def _digest(parts: Iterable[Iterable[object]]) -> str:
    return sha256("\1".join("\0".join(map(str, words)) for words in parts).encode("utf-8", "surrogatepass")).hexdigest()
