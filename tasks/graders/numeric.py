"""The `numeric` grader: one finite number, within a tolerance, in the unit that was asked for or one of its others."""

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from tasks.graders._numbers import numbers_in, parse_number
from tasks.graders._reading import Refused, is_near, plain, read_line, shown
from tasks.graders.grading import CannotGrade, Grade, Part, Work, failed

_MOST_SENTENCE = 2_000  # letters


@dataclass(frozen=True)
class NumericData:
    """`units`: other units and how many of `unit` one of them is, {"km": 1000} where `unit` is "m".

    `in_text`: the one number of a sentence counts; without it the line is the number, with a unit at most.
    """

    value: float = math.nan
    output: str = "answer.txt"
    absolute_tolerance: float = 0.0
    relative_tolerance: float = 1e-9
    unit: str = ""
    units: dict[str, float] = field(default_factory=dict)
    unit_required: bool = False
    decimal: Literal[".", ","] = "."
    thousands: bool = True
    fractions: bool = False
    in_text: bool = False


class NumericGrader:
    name = "numeric"
    Data = NumericData

    async def grade(self, work: Work, data: Any) -> Grade:
        """Raises CannotGrade where the wanted value or a tolerance is no finite number."""
        if not all(map(math.isfinite, (data.value, data.absolute_tolerance, data.relative_tolerance))):
            raise CannotGrade("numeric: `value` and the tolerances must be finite numbers")
        try:
            line = await read_line(work, data.output)
            found = _read_number(line, data)
        except Refused as reason:
            return failed(data.output, str(reason))
        near = is_near(found, data.value, relative=data.relative_tolerance, absolute=data.absolute_tolerance)
        return Grade(float(near), (Part(data.output, near, "" if near else f"found: {shown(line)}"),))


def _read_number(line: str, data: NumericData) -> float:
    """In `data.unit`. Raises Refused."""
    known = {plain(name): factor for name, factor in {**data.units, data.unit: 1.0}.items() if name}
    line = plain(line, ignore_case=False)
    for name in sorted(known, key=len, reverse=True):
        for rest in _without_unit(line, name):
            number = _parse(rest, data)
            if number is not None:
                return _finite(number * known[name], line)
    if data.unit_required:
        raise Refused(f"{data.output}: no number with one of its units {sorted(known)}: {shown(line)}")
    number = _parse(line, data)
    if number is not None:
        return number
    if data.in_text:
        return _only_number(line, data)
    raise Refused(f"{data.output}: not one finite number: {shown(line)}")


def _only_number(line: str, data: NumericData) -> float:
    if len(line) > _MOST_SENTENCE:
        raise Refused(f"{data.output}: a line of more than {_MOST_SENTENCE} letters")
    found = numbers_in(line)
    if len(found) != 1:
        raise Refused(f"{data.output}: one number is wanted, there are {len(found)}: {shown(line)}")
    number = _parse(found[0].rstrip(".,"), data)
    if number is None:
        raise Refused(f"{data.output}: not a number: {shown(found[0])}")
    return number


def _parse(text: str, data: NumericData) -> float | None:
    return parse_number(text, decimal=data.decimal, thousands=data.thousands, fractions=data.fractions)


def _without_unit(line: str, unit: str) -> list[str]:
    """The line without the unit after it or before it; letters' case does not count."""
    folded = line.casefold()
    rests = []
    if len(folded) == len(line):
        if folded.endswith(unit):
            rests.append(line[: len(line) - len(unit)].strip())
        if folded.startswith(unit):
            rests.append(line[len(unit) :].strip())
    return rests


def _finite(number: float, line: str) -> float:
    if not math.isfinite(number):
        raise Refused(f"not a finite number: {shown(line)}")
    return number
