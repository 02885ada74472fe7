"""Pieces by name, and the names of agents with pieces: `AGENT+PIECE:OPTION=VALUE+PIECE…`.

Users add theirs by the entry point group `gristmill.pieces`.
"""

import re
from collections.abc import Sequence

from pydantic import ValidationError

from agents.memory.errors import BadPiece
from agents.memory.piece import Piece
from environments.named import Named

PIECES = Named(
    "piece",
    "gristmill.pieces",
    {
        "workflows": "agents.memory.workflows:Workflows",
        "demonstrations": "agents.memory.demonstrations:Demonstrations",
        "edit_state": "agents.memory.edit_state:EditState",
        "stream_memory": "agents.memory.stream.piece:StreamMemory",
        "subgoals": "agents.strategies.subgoals:Subgoals",
        "best_of_n": "agents.strategies.best_of_n:BestOfN",
        "majority": "agents.strategies.majority:Majority",
    },
    BadPiece,
)


def piece_names() -> list[str]:
    return PIECES.names()


def split_name(name: str) -> tuple[str, list[str]]:
    """The agent's own name, and its pieces as they were written. A `+` inside of a value is not a border."""
    agent, *pieces = re.split(r"\+(?=[a-z_])", name)
    return agent, pieces


def with_pieces(agent: str, pieces: Sequence[str]) -> str:
    """The one name of an agent with these pieces, options in the order of the alphabet. Raises BadPiece."""
    written, more = split_name(agent)
    return "+".join([written, *(label_of(each) for each in (*more, *pieces))])


def label_of(written: str) -> str:
    """`NAME:OPTION=VALUE` of a piece with only the options that were given, sorted. Raises BadPiece."""
    name, options = _parsed(written)
    make_piece(written)
    return ":".join([name, *(f"{key}={value}" for key, value in sorted(options.items()))])


def make_piece(written: str) -> Piece:
    """The piece that `NAME:OPTION=VALUE:…` asks for. Raises BadPiece naming the option, and those there are."""
    name, options = _parsed(written)
    kind = PIECES[name]
    try:
        piece: Piece = kind.model_validate(options)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        known = ", ".join(kind.model_fields) or "none"
        raise BadPiece(f"piece {name}: {problems}. Its options: {known}") from error
    return piece


def _parsed(written: str) -> tuple[str, dict[str, str]]:
    name, *parts = re.split(r":(?=[a-z_]+=)", written)
    options = {}
    for part in parts:
        key, _, value = part.partition("=")
        options[key] = value
    if not re.fullmatch(r"[\w-]+", name):
        raise BadPiece(f"piece {written!r}: cannot be read; write NAME or NAME:OPTION=VALUE, several with `+` between")
    return name, options
