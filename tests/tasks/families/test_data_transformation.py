"""Transformations by example: the examples say all, and what they leave open is not asked."""

import random

import pytest

from tasks.families.data_transformation.inputs import KINDS, Kind
from tasks.families.data_transformation.programs import VIEWS, Piece, Program, pieces_of
from tasks.families.data_transformation.world import make_world

NAMES = KINDS[0]
DATES = KINDS[1]


def test_a_program_is_pieces_with_texts_between() -> None:
    program = Program(NAMES, (Piece("family", "capitals"), Piece("given", "first letter")), ("[", ", ", "]"))
    assert program.run({"given": "clara", "middle": "", "family": "Holm"}) == "[HOLM, C]"


def test_a_middle_name_that_is_not_there_leaves_nothing_behind() -> None:
    program = Program(NAMES, (Piece("given", "as it is"), Piece("middle", "initial and point")), ("", "", ""))
    assert program.run({"given": "Clara", "middle": "Mia", "family": "Holm"}) == "Clara M."
    assert program.run({"given": "Clara", "middle": "", "family": "Holm"}) == "Clara"


def test_examples_that_another_view_fits_too_do_not_tell() -> None:
    """May is its own short name."""
    program = Program(DATES, (Piece("month", "name"),), ("", ""))
    may, june = ({"year": "2021", "month": month, "day": "03"} for month in ("05", "06"))
    assert not program.is_told_by([may], [june])
    assert program.is_told_by([may, june], [june])


def test_a_piece_that_is_the_same_in_all_examples_might_be_a_fixed_text() -> None:
    program = Program(DATES, (Piece("month", "quarter"),), ("", ""))
    january, february, may = ({"year": "2021", "month": month, "day": "03"} for month in ("01", "02", "05"))
    assert not program.is_told_by([january, february], [may])
    assert program.is_told_by([january, may], [may])


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_fields_are_read_from_the_text(kind: Kind) -> None:
    rng = random.Random(kind.name)
    for _ in range(20):
        text, fields = kind.draw(rng)
        assert set(fields) == set(kind.roles)
        assert all(value in text for value in fields.values())
        for piece in pieces_of(kind):
            assert isinstance(VIEWS[kind.roles[piece.field]][piece.view](fields[piece.field]), str)


def test_no_input_is_among_the_examples() -> None:
    for seed in range(10):
        world = make_world(random.Random(seed), 3)
        examples = world["examples"].splitlines()[1:]
        assert 4 <= len(examples) <= 8
        asked = [line.partition(",")[2] for line in world["inputs"].splitlines()[1:]]
        assert not any(line.startswith(f"{text},") for text in asked for line in examples)


def test_no_output_is_empty_or_has_a_space_at_an_end() -> None:
    for seed in range(300):
        for row in make_world(random.Random(seed), 1 + seed % 3)["grading"]["rows"]:
            assert row["output"] and row["output"] == row["output"].strip(), seed


def test_wrong_arguments_are_told() -> None:
    with pytest.raises(ValueError, match="pieces is from 1 to 5"):
        make_world(random.Random(0), 9)
