"""Transformations: pieces of an input's fields, each seen in some way, with fixed texts between them.

Programs of this form are what FlashFill learns from examples (Gulwani, POPL 2011). A task is only used where every
program that fits the examples gives the same outputs: the examples must say all that is needed.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from tasks.families._words import MONTHS
from tasks.families.data_transformation.inputs import Fields, Kind

View = Callable[[str], str]

VIEWS: dict[str, dict[str, View]] = {
    "word": {
        "as it is": lambda v: v,
        "capitals": str.upper,
        "small letters": str.lower,
        "capital first": lambda v: v[:1].upper() + v[1:].lower(),
        "first letter": lambda v: v[:1].upper(),
        "first letter, small": lambda v: v[:1].lower(),
        "first three": lambda v: v[:3].upper(),
        "first three, small": lambda v: v[:3].lower(),
        "last two": lambda v: v[-2:].lower(),
        "without vowels": lambda v: "".join(c for c in v.lower() if c not in "aeiou"),
        "length": lambda v: str(len(v)),
        "backwards": lambda v: v[::-1].lower(),
    },
    "optional": {
        "initial and point": lambda v: f" {v[:1].upper()}." if v else "",
        "initial": lambda v: v[:1].upper(),
        "in brackets": lambda v: f" ({v.lower()})" if v else "",
        "or a dash": lambda v: v.lower() if v else "-",
    },
    "digits": {
        "as it is": lambda v: v,
        "last two": lambda v: v[-2:],
        "first digit": lambda v: v[:1],
        "first two": lambda v: v[:2],
        "five digits": lambda v: v.zfill(5),
        "hidden but for two": lambda v: "*" * (len(v) - 2) + v[-2:],
        "digit sum": lambda v: str(sum(map(int, v))),
    },
    "two digits": {
        "as it is": lambda v: v,
        "without zero": lambda v: str(int(v)),
        "three digits": lambda v: v.zfill(3),
        "next": lambda v: str(int(v) + 1),
    },
    "year": {
        "as it is": lambda v: v,
        "last two": lambda v: v[2:],
        "decade": lambda v: v[:3] + "0s",
        "with a mark": lambda v: f"'{v[2:]}",
    },
    "month": {
        "as it is": lambda v: v,
        "without zero": lambda v: str(int(v)),
        "name": lambda v: MONTHS[int(v) - 1],
        "short name": lambda v: MONTHS[int(v) - 1][:3],
        "short capitals": lambda v: MONTHS[int(v) - 1][:3].upper(),
        "quarter": lambda v: f"Q{(int(v) - 1) // 3 + 1}",
        "half": lambda v: f"H{(int(v) - 1) // 6 + 1}",
    },
    "hour": {
        "as it is": lambda v: v,
        "without zero": lambda v: str(int(v)),
        "of twelve": lambda v: str((int(v) - 1) % 12 + 1),
        "half of the day": lambda v: "am" if int(v) < 12 else "pm",
    },
}
_BETWEEN = ("", " ", "-", "_", "/", ".", ", ", ":", " | ", "; ", "#", " - ", "+", "@", "~")
_AROUND = (("", ""), ("", ""), ("", ""), ("[", "]"), ("<", ">"), ("(", ")"), ("id:", ""), ("x-", ""), ("", "!"))


@dataclass(frozen=True)
class Piece:
    field: str
    view: str


@dataclass(frozen=True)
class Program:
    """`texts`: what stands before the first piece, between the pieces, and after the last one."""

    kind: Kind
    pieces: tuple[Piece, ...]
    texts: tuple[str, ...]

    def parts(self, fields: Fields) -> list[str]:
        return [see(self.kind, piece, fields) for piece in self.pieces]

    def run(self, fields: Fields) -> str:
        mixed = zip(self.texts, [*self.parts(fields), ""], strict=True)
        return "".join(text + part for text, part in mixed)

    def is_told_by(self, examples: list[Fields], others: list[Fields]) -> bool:
        """Whether, piece by piece, whatever fits all the examples (a constant too) gives the same for the others."""
        for place, piece in enumerate(self.pieces):
            shown = [self.parts(fields)[place] for fields in examples]
            wanted = [self.parts(fields)[place] for fields in others]
            if len(set(shown)) == 1 and set(wanted) != set(shown):
                return False
            for other in pieces_of(self.kind):
                if other == piece or [see(self.kind, other, fields) for fields in examples] != shown:
                    continue
                if [see(self.kind, other, fields) for fields in others] != wanted:
                    return False
        return True


def see(kind: Kind, piece: Piece, fields: Fields) -> str:
    return VIEWS[kind.roles[piece.field]][piece.view](fields[piece.field])


def pieces_of(kind: Kind) -> list[Piece]:
    return [Piece(field, view) for field, role in kind.roles.items() for view in VIEWS[role]]


def draw_program(rng: random.Random, kind: Kind, count: int) -> Program:
    """`count` pieces, of different fields as far as there are."""
    fields = sorted(kind.roles)
    chosen = rng.sample(fields, min(count, len(fields)))
    while len(chosen) < count:
        chosen.append(rng.choice(fields))
    pieces = tuple(Piece(field, rng.choice(sorted(VIEWS[kind.roles[field]]))) for field in chosen)
    first, last = rng.choice(_AROUND)
    between = []
    for one, two in pairwise(pieces):
        glued = kind.roles[two.field] == "optional" and two.view in {"initial and point", "in brackets"}
        # Two numbers that touch could be cut in more than one place.
        bare = not glued and _ends_open(kind, one) and _ends_open(kind, two)
        between.append("" if glued else rng.choice(_BETWEEN[1:] if bare else _BETWEEN))
    return Program(kind, pieces, (first, *between, last))


def _ends_open(kind: Kind, piece: Piece) -> bool:
    return kind.roles[piece.field] != "optional"


def neighbours(rng: random.Random, program: Program) -> list[Program]:
    """Programs with one piece seen in another way, or two pieces in each other's place."""
    found = []
    for place, piece in enumerate(program.pieces):
        others = [view for view in VIEWS[program.kind.roles[piece.field]] if view != piece.view]
        for view in rng.sample(others, min(2, len(others))):
            pieces = (*program.pieces[:place], Piece(piece.field, view), *program.pieces[place + 1 :])
            found.append(Program(program.kind, pieces, program.texts))
    if len(program.pieces) > 1:
        first, second, *rest = program.pieces
        found.append(Program(program.kind, (second, first, *rest), program.texts))
    return found
