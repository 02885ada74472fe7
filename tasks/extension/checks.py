"""What makes an extended task honest: its inner steps are needed, and none of their answers is given away.

After TaskCraft (Shi et al. 2025), whose checks ask a model; here the files and the answers are known, so that what can
be read without a step can be computed.
"""

from collections.abc import Mapping, Sequence

from tasks.extension.documents import says, where_they_meet
from tasks.extension.piece import Piece, Refused, holds


def check_fit(outer: Piece, name: str, inner: Piece) -> None:
    """The inner task gives just what the outer one asks for, and in the same world. Raises Refused."""
    wanted = outer.inputs[name]
    if inner.output is None or inner.output.type != wanted.type:
        raise Refused("the types do not fit", f"{inner.output.type if inner.output else 'nothing'} for {wanted.type}")
    if inner.output.value != wanted.value:
        raise Refused("the values do not fit", f"{inner.output.value!r} for {wanted.value!r}")
    if {inner.id, *inner.parents} & {outer.id, *outer.parents}:
        raise Refused("circular: a task would be a step of itself", inner.id)
    if says(outer.files, wanted.value) and not (
        outer.files.items() <= inner.files.items() or inner.files.items() <= outer.files.items()
    ):
        raise Refused("another world: the same name means something else there", wanted.value)


def check_circle(outer: Piece, inner: Piece) -> None:
    """What is asked for is not what it starts from. Raises Refused."""
    assert outer.output is not None
    starts = [each.value for each in inner.inputs.values()]
    known = [*starts, *(step.answer for step in inner.steps)]
    if any(outer.output.value.casefold() == value.casefold() for value in known):
        raise Refused("circular: the answer is where it starts", outer.output.value)
    if inner.output is not None and inner.output.value.casefold() in (value.casefold() for value in starts):
        raise Refused("circular: the inner answer is where it starts", inner.output.value)


def check_told(instruction: str, hidden: Sequence[str], answer: str) -> None:
    """The instruction tells neither the inner answers nor its own. Raises Refused."""
    for value in hidden:
        if holds(instruction, value):
            raise Refused("leak: an inner answer stands in the instruction", value)
    if holds(instruction, answer):
        raise Refused("leak: the answer stands in the instruction", answer)


def check_shortcut(files: Mapping[str, bytes], starts: Sequence[str], answer: str) -> None:
    """No row or page holds the answer beside what the task starts from. Raises Refused."""
    for start in starts:
        if path := next(where_they_meet(files, start, answer), None):
            raise Refused("shortcut: a document holds the start and the answer", f"{path}: {start} and {answer}")


def check_depends(outer: Piece, name: str, like: Sequence[Piece]) -> None:
    """The answer depends on the input: tasks of the same question about others are not all answered alike.

    `like`: pieces with the same question but for the input. Fewer than three tell nothing. Raises Refused.
    """
    answers = {each.output.value.casefold() for each in like if each.output}
    if len({each.inputs[name].value for each in like if name in each.inputs}) >= 3 and len(answers) == 1:
        raise Refused("not needed: the answer is the same for every input", next(iter(answers)))
