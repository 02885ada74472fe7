"""The three ways of extension, as pure functions: pieces in, one piece out, or Refused.

Depth: an input of a task becomes the answer of another, which is not handed in (TaskCraft). Chain: the same, with both
handed in, one instruction after the other (Chain-of-Instructions, Hayati et al. 2024). Width: tasks that have nothing
to do with each other, in one.
"""

from collections.abc import Sequence
from dataclasses import replace

from tasks.extension import checks
from tasks.extension.documents import where_they_meet
from tasks.extension.merge import apart, merged_files, merged_surroundings
from tasks.extension.piece import Piece, Refused, Step, Typed, Work, replaced

_NAMED = "the answer to the question in step {number}"
_LONG_WORDED = (
    "First find out, without handing it in, what the answer to this other task would be; it is called X below.\n\n"
    "> {inner}\n\nWith this X, do the following.\n\n"
)


def deepen(outer: Piece, name: str, inner: Piece, like: Sequence[Piece] = ()) -> Piece:
    """`outer` with its input `name` described by `inner`. Raises Refused."""
    if len(outer.works) != 1 or len(inner.works) != 1:
        raise Refused("several parts: depth needs tasks of one part")
    if outer.output is None:
        raise Refused("the outer task has no typed output")
    checks.check_fit(outer, name, inner)
    checks.check_circle(outer, inner)
    checks.check_depends(outer, name, like)
    value, work = outer.inputs[name].value, outer.works[0]
    phrase, before = inner.description, ""
    if not phrase:
        phrase, before = "X", _LONG_WORDED.format(inner="\n> ".join(inner.instruction.strip().splitlines()))
    instruction = before + replaced(work.instruction, value, phrase)
    if instruction == before + work.instruction:
        raise Refused("the instruction does not name its input", value)
    files = merged_files([outer, inner])
    inner_answers = [step.answer for step in inner.steps] or [value]
    checks.check_told(instruction, [value, *inner_answers], outer.output.value)
    checks.check_shortcut(files, [*_starts(inner), *inner_answers[:-1]], outer.output.value)
    handed_in = inner.output_path == outer.output_path and inner.reference
    return replace(
        outer,
        works=(replace(work, instruction=instruction),),
        files=files,
        inputs=_inputs(outer, name, inner),
        question=replaced(outer.question, value, phrase) if inner.description else "",
        description=replaced(outer.description, value, phrase) if inner.description else "",
        steps=(*steps_of(inner), *steps_of(outer)),
        parents=(*outer.parents, outer.id, *inner.parents, inner.id),
        by="depth",
        decoys=(*outer.decoys, *((dict(inner.reference),) if handed_in else ())),
        around=merged_surroundings([outer, inner]),
    )


def chain(first: Piece, then: Piece, name: str, like: Sequence[Piece] = ()) -> Piece:
    """Both instructions, the second with what the first gives for its input `name`; both are graded. Raises Refused."""
    if then.output is None or len(then.works) != 1:
        raise Refused("several parts: a chain grows by tasks of one part")
    checks.check_fit(then, name, first)
    checks.check_circle(then, first)
    checks.check_depends(then, name, like)
    value, number = then.inputs[name].value, len(first.works)
    works = [*first.works, then.works[0]]
    if number == 1:
        works[0] = replace(works[0], instruction=f"## Step 1\n\n{works[0].instruction.strip()}\n")
    told = replaced(works[-1].instruction, value, _NAMED.format(number=number))
    if told == works[-1].instruction:
        raise Refused("the instruction does not name its input", value)
    works[-1] = replace(works[-1], instruction=f"## Step {number + 1}\n\n{told.strip()}\n")
    works, paths = apart(works, [*_paths(first), then.output_path])
    files = merged_files([first, then])
    instruction = "\n".join(work.instruction for work in works)
    checks.check_told(instruction, [step.answer for step in steps_of(first)], then.output.value)
    between = [step.answer for step in steps_of(first)[:-1]]
    checks.check_shortcut(files, [*_starts(first), *between], then.output.value)
    return replace(
        then,
        works=tuple(works),
        files=files,
        inputs=_inputs(then, name, first),
        output_path=paths[-1],
        question="",
        description="",
        steps=(*steps_of(first), *steps_of(then)),
        parents=(*first.parents, first.id, then.id),
        by="chain",
        decoys=_each_missing(works),
        around=merged_surroundings([first, then]),
    )


def widen(pieces: Sequence[Piece]) -> Piece:
    """All of the pieces in one task; each is graded, and one unsolved fails it. Raises Refused."""
    if len({piece.id for piece in pieces}) != len(pieces):
        raise Refused("the same task twice")
    for piece in pieces:
        if len(piece.works) != 1:
            raise Refused("several parts: width joins tasks of one part")
        others = [other for other in pieces if other is not piece]
        for other in others:
            _check_apart(piece, other)
    numbered = [
        replace(piece.works[0], instruction=f"## Part {at}\n\n{piece.works[0].instruction.strip()}\n")
        for at, piece in enumerate(pieces, start=1)
    ]
    works, _ = apart(numbered, [piece.output_path for piece in pieces])
    return Piece(
        id="",
        works=tuple(works),
        files=merged_files(pieces),
        inputs={f"{name}_{at}": typed for at, p in enumerate(pieces, start=1) for name, typed in p.inputs.items()},
        output=None,
        steps=tuple(step for piece in pieces for step in steps_of(piece)),
        parents=tuple(each for piece in pieces for each in (*piece.parents, piece.id)),
        by="width",
        decoys=_each_missing(works),
        around=merged_surroundings(pieces),
    )


def steps_of(piece: Piece) -> tuple[Step, ...]:
    """A piece that is not extended is one step."""
    if piece.steps:
        return piece.steps
    answer = piece.output.value if piece.output else ""
    starts = _starts(piece)
    found = tuple(where_they_meet(piece.files, starts[0], answer)) if starts and answer else ()
    return (Step(piece.id, piece.question or piece.instruction.strip(), answer, found),)


def _check_apart(piece: Piece, other: Piece) -> None:
    """Neither helps with the other, nor tells its answer. Raises Refused."""
    if {piece.id, *piece.parents} & {other.id, *other.parents}:
        raise Refused("not independent: they share a task")
    if piece.output is not None:
        if any(piece.output == typed for typed in other.inputs.values()):
            raise Refused("not independent: one gives what the other starts from", piece.output.value)
        checks.check_told(other.instruction, [], piece.output.value)


def _starts(piece: Piece) -> list[str]:
    return [typed.value for typed in piece.inputs.values()]


def _inputs(outer: Piece, name: str, inner: Piece) -> dict[str, Typed]:
    """What is still to be read in the instruction; names that both have are told apart by a number."""
    found = {each: typed for each, typed in outer.inputs.items() if each != name}
    for each, typed in inner.inputs.items():
        free = next(new for new in (each, *(f"{each}_{at}" for at in range(2, 99))) if new not in found)
        found[free] = typed
    return found


def _paths(piece: Piece) -> list[str]:
    """Where each part's answer goes: its only file, or the output of the last."""
    return [next(iter(work.reference), "") for work in piece.works]


def _each_missing(works: Sequence[Work]) -> tuple[dict[str, bytes], ...]:
    """For each part, all that is right but for it: a grader that lets this pass does not look at the part."""
    return tuple(
        {path: content for other in works if other is not work for path, content in other.reference.items()}
        for work in works
    )
