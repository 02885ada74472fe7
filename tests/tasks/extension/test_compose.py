"""Depth, chain and width on pieces written by hand: what comes out, and what is refused, each for its reason."""

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

from tasks.extension.compose import chain, deepen, widen
from tasks.extension.piece import Piece, Refused, Typed, Work, holds
from tasks.templates.instance import ServiceData

PAGES = {
    "people.csv": b"name,town\nIda Holm,Karsk\nOtto Lind,Velm\n",
    "towns.csv": b"town,mayor\nKarsk,Nora Graf\nVelm,Nora Graf\nOrla,Ida Holm\n",
}


def piece(
    id_: str,
    question: str,
    start: tuple[str, str],
    answer: tuple[str, str],
    *,
    description: str = "",
    files: Mapping[str, bytes] = PAGES,
) -> Piece:
    """A task of one question and one short answer in answer.txt."""
    return Piece(
        id=id_,
        works=(
            Work(
                instruction=f"{question}\nWrite it to `answer.txt`.\n",
                grader="answer",
                data={"output": "answer.txt", "answers": [answer[1]]},
                accepts=("answer.txt",),
                reference={"answer.txt": f"{answer[1]}\n".encode()},
            ),
        ),
        files=dict(files),
        inputs={"subject": Typed(*start)},
        output=Typed(*answer),
        output_path="answer.txt",
        question=question,
        description=description,
    )


BORN = piece(
    "born",
    "In which town was Ida Holm born?",
    ("person", "Ida Holm"),
    ("place", "Karsk"),
    description="the town where Ida Holm was born",
)
MAYOR = piece(
    "mayor",
    "Who is mayor of Karsk?",
    ("place", "Karsk"),
    ("person", "Nora Graf"),
    description="the mayor of Karsk",
)


def test_depth_describes_the_input_and_asks_for_one_answer() -> None:
    deep = deepen(MAYOR, "subject", BORN)
    assert deep.question == "Who is mayor of the town where Ida Holm was born?"
    assert deep.description == "the mayor of the town where Ida Holm was born"
    assert "Karsk" not in deep.instruction and deep.instruction.count("answer.txt") == 1
    assert (deep.inputs, deep.output) == ({"subject": Typed("person", "Ida Holm")}, Typed("person", "Nora Graf"))
    assert deep.works[0].data == MAYOR.works[0].data
    assert deep.level == 2 and [(step.answer, step.documents) for step in deep.steps] == [
        ("Karsk", ("people.csv",)),
        ("Nora Graf", ("towns.csv",)),
    ]
    assert deep.decoys == ({"answer.txt": b"Karsk\n"},)


def test_without_a_description_the_inner_instruction_is_quoted() -> None:
    deep = deepen(MAYOR, "subject", replace(BORN, description=""))
    assert "> In which town was Ida Holm born?" in deep.instruction
    assert "Who is mayor of X?" in deep.instruction


def test_depth_grows_by_what_has_grown() -> None:
    painter = piece(
        "painter",
        "Who painted Otto Lind?",
        ("person", "Otto Lind"),
        ("person", "Ida Holm"),
        description="the person who painted Otto Lind",
        files={**PAGES, "art.csv": b"sitter,painter\nOtto Lind,Ida Holm\n"},
    )
    deep = deepen(MAYOR, "subject", deepen(replace(BORN, files=painter.files), "subject", painter))
    assert deep.question == "Who is mayor of the town where the person who painted Otto Lind was born?"
    assert deep.level == 3 and set(deep.parents) == {"mayor", "born", "painter"}


@pytest.mark.parametrize(
    ("outer", "inner", "reason"),
    [
        (MAYOR, piece("y", "When?", ("person", "Ida Holm"), ("year", "Karsk")), "the types do not fit"),
        (MAYOR, piece("v", "Where?", ("person", "Otto Lind"), ("place", "Velm")), "the values do not fit"),
        (MAYOR, replace(BORN, parents=("mayor",)), "circular: a task would be a step of itself"),
        (
            piece("o", "Who comes from Karsk?", ("place", "Karsk"), ("person", "Ida Holm")),
            BORN,
            "circular: the answer is where it starts",
        ),
        (
            replace(MAYOR, works=(replace(MAYOR.works[0], instruction="Who is mayor there?"),)),
            BORN,
            "the instruction does not name its input",
        ),
        (
            replace(MAYOR, works=(replace(MAYOR.works[0], instruction="Who is mayor of Karsk? Write KARSK."),)),
            BORN,
            "leak: an inner answer stands in the instruction",
        ),
        (
            MAYOR,
            replace(BORN, description="the town, Karsk, where Ida Holm was born"),
            "leak: an inner answer stands in the instruction",
        ),
        (
            MAYOR,
            replace(BORN, description="the town of Nora Graf"),
            "leak: the answer stands in the instruction",
        ),
        (
            MAYOR,
            replace(BORN, files={**PAGES, "couples.csv": b"a,b\nIda Holm,Nora Graf\n"}),
            "shortcut: a document holds the start and the answer",
        ),
        (
            MAYOR,
            replace(BORN, files={"people.csv": b"name,town\nIda Holm,Karsk\n"}),
            "another world: the same name means something else there",
        ),
    ],
)
def test_what_would_be_no_honest_depth_is_refused(outer: Piece, inner: Piece, reason: str) -> None:
    with pytest.raises(Refused, match=re.escape(reason)):
        deepen(outer, "subject", inner)


def test_an_answer_that_is_the_same_for_all_needs_no_inner_step() -> None:
    like = [
        MAYOR,
        *(
            piece(town, f"Who is mayor of {town}?", ("place", town), ("person", "Nora Graf"))
            for town in ("Velm", "Orla")
        ),
    ]
    with pytest.raises(Refused, match="not needed"):
        deepen(MAYOR, "subject", BORN, like)
    assert deepen(MAYOR, "subject", BORN, like[:2]).level == 2


def test_a_chain_hands_in_both_and_the_second_does_not_say_what_the_first_gives() -> None:
    both = chain(BORN, MAYOR, "subject")
    assert "## Step 1" in both.instruction and "## Step 2" in both.instruction
    assert "Who is mayor of the answer to the question in step 1?" in both.instruction
    assert "Karsk" not in both.instruction
    assert both.reference == {"answer_1.txt": b"Karsk\n", "answer_2.txt": b"Nora Graf\n"}
    assert [work.data["output"] for work in both.works] == ["answer_1.txt", "answer_2.txt"]
    assert both.output_path == "answer_2.txt"
    assert {"answer_1.txt": b"Karsk\n"} in both.decoys


def test_a_chain_goes_on_with_the_next_number() -> None:
    letters = piece("letters", "How many letters has Nora Graf?", ("person", "Nora Graf"), ("number", "8"), files={})
    three = chain(chain(BORN, MAYOR, "subject"), letters, "subject")
    assert sorted(three.reference) == ["answer_1.txt", "answer_2.txt", "answer_3.txt"]
    assert "How many letters has the answer to the question in step 2?" in three.instruction
    assert three.level == 3


def test_width_joins_what_is_independent() -> None:
    other = piece("sum", "What is the digit sum of 1850?", ("year", "1850"), ("number", "14"), files={"R.md": b"sums"})
    joint = widen([MAYOR, other])
    assert joint.files == {**PAGES, "R.md": b"sums"} and joint.output is None
    assert joint.reference == {"answer_1.txt": b"Nora Graf\n", "answer_2.txt": b"14\n"}
    assert [list(decoy) for decoy in joint.decoys] == [["answer_2.txt"], ["answer_1.txt"]]


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ([MAYOR], "the same task twice"),
        ([BORN], "not independent: one gives what the other starts from"),
        ([replace(BORN, id="b", output=Typed("place", "Velm"), parents=("mayor",))], "they share a task"),
        ([piece("f", "What is 2?", ("n", "2"), ("n", "3"), files={"towns.csv": b"other"})], "same name differ"),
        ([piece("t", "Does Nora Graf sing?", ("n", "x"), ("n", "yes"))], "leak: the answer stands"),
    ],
)
def test_what_is_not_independent_is_not_joined(others: list[Piece], reason: str) -> None:
    with pytest.raises(Refused, match=re.escape(reason)):
        widen([MAYOR, *others])


def test_two_services_on_one_port_do_not_go_together() -> None:
    def served(piece_: Piece, name: str, port: int) -> Piece:
        service = ServiceData(name, b"", b"", port, "/")
        return replace(piece_, around=replace(piece_.around, services=(service,)))

    other = piece("sum", "What is 1+1?", ("n", "1+1"), ("n", "2"), files={})
    with pytest.raises(Refused, match="the same port: 8000"):
        widen([served(MAYOR, "a", 8000), served(other, "b", 8000)])
    joint = widen([served(MAYOR, "a", 8000), served(other, "b", 8001)])
    assert [service.name for service in joint.around.services] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "value", "there"),
    [
        ("the mayor of Karsk.", "Karsk", True),
        ("KARSK lies there", "Karsk", True),
        ("Karskau lies there", "Karsk", False),
        ("14,320 people", "14320", True),
        ("114320 people", "14320", False),
        ("in 1850, or so", "1850", True),
        ("1,850.5 tons", "1850", False),
        ("Nora\nGraf", "Nora Graf", True),
    ],
)
def test_a_value_is_found_as_words_of_its_own(text: str, value: str, there: bool) -> None:
    assert holds(text, value) is there
