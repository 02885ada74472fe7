"""Which pieces to put together, in what order: a stream for each level, drawn by the seed."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random

from tasks.extension.compose import chain, deepen, widen
from tasks.extension.piece import Piece, Refused, replaced

MOST_OF_A_LEVEL = 4000  # combinations that are tried for one level
MOST_INNER = 600  # pieces of one level that the next one is built on
WAYS = ("depth", "width", "chain")

Tell = Callable[[str, Refused], None]
Grow = Callable[[Piece, str, Piece, Sequence[Piece]], Piece]


def levels_of(pieces: Sequence[Piece], *, by: str, levels: int, seed: int, tell: Tell) -> Mapping[int, Iterator[Piece]]:
    """Level (2 … `levels`) to its pieces. `tell`: hears of each combination that was refused, and why."""
    if by == "width":
        return {level: _wide(pieces, level, Random(f"{seed} width {level}"), tell) for level in range(2, levels + 1)}
    grow: Grow = deepen if by == "depth" else lambda then, name, first, like: chain(first, then, name, like)
    streams: dict[int, Iterator[Piece]] = {}
    inner: Sequence[Piece] = pieces
    for level in range(2, levels + 1):
        found = list(_grown(pieces, inner, grow, Random(f"{seed} {by} {level}"), tell))
        streams[level] = iter(found)
        inner = found[:MOST_INNER]
    return streams


def _grown(outers: Sequence[Piece], inners: Sequence[Piece], grow: Grow, rng: Random, tell: Tell) -> Iterator[Piece]:
    """All that fits together, in the order of the seed. What gives no value that is asked for is not even tried."""
    giving: dict[tuple[str, str], list[Piece]] = defaultdict(list)
    for piece in inners:
        if piece.output is not None:
            giving[piece.output.type, piece.output.value].append(piece)
    pairs = [
        (outer, name, inner)
        for outer in outers
        for name, wanted in outer.inputs.items()
        for inner in giving[wanted.type, wanted.value]
    ]
    alike = _alike(outers)
    answers = _answers([*outers, *inners])
    rng.shuffle(pairs)
    seen: set[str] = set()
    for outer, name, inner in pairs[:MOST_OF_A_LEVEL]:
        made_of = f"{outer.id} {name} {inner.id}"
        try:
            if len(answers[inner.question, tuple(inner.files)]) > 1 and inner.question:
                raise Refused("not unique: the inner question has several answers", inner.question)
            grown = grow(outer, name, inner, alike[_pattern(outer, name)])
        except Refused as refused:
            tell(made_of, refused)
            continue
        if grown.key not in seen:
            seen.add(grown.key)
            yield _named(grown)


def _wide(pieces: Sequence[Piece], level: int, rng: Random, tell: Tell) -> Iterator[Piece]:
    """Draws of `level` pieces each; every piece is used before one is used again."""
    seen: set[tuple[str, ...]] = set()
    waiting: list[Piece] = []
    for _ in range(MOST_OF_A_LEVEL if len(pieces) >= level else 0):
        if len(waiting) < level:
            waiting = rng.sample(list(pieces), len(pieces))
        drawn = [waiting.pop() for _ in range(level)]
        made_of = tuple(sorted(piece.id for piece in drawn))
        if made_of in seen:
            continue
        seen.add(made_of)
        try:
            yield _named(widen(drawn))
        except Refused as refused:
            tell(" ".join(made_of), refused)


def _named(piece: Piece) -> Piece:
    return replace(piece, id=f"{piece.by}_{piece.level}-{piece.key}")


def _pattern(piece: Piece, name: str) -> str:
    """The question without the input, by which tasks about other things are found."""
    return replaced(piece.question or piece.instruction, piece.inputs[name].value, "\0")


def _alike(pieces: Sequence[Piece]) -> dict[str, list[Piece]]:
    found: dict[str, list[Piece]] = defaultdict(list)
    for piece in pieces:
        for name in piece.inputs:
            found[_pattern(piece, name)].append(piece)
    return found


def _answers(pieces: Sequence[Piece]) -> dict[tuple[str, tuple[str, ...]], set[str]]:
    """Question and files to all answers that tasks give to it."""
    found: dict[tuple[str, tuple[str, ...]], set[str]] = defaultdict(set)
    for piece in pieces:
        if piece.output is not None:
            found[piece.question, tuple(piece.files)].add(piece.output.value)
    return found
