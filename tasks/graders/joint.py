"""The `all` grader: several graders together, for tasks that were merged or chained; reward 1 only where all give 1."""

from dataclasses import dataclass, field
from typing import Any

from tasks.graders import get_grader, read_data
from tasks.graders.grading import CannotGrade, Grade, Part, Work

_MOST_PARTIAL = 0.999
_FIELDS = {"grader", "data", "name", "weight"}


@dataclass(frozen=True)
class AllData:
    """`graders`: [{grader, data, name, weight}]; name and weight (above 0, default 1) are optional.

    `output` is not read: each grader reads its own.
    """

    graders: list[dict[str, Any]] = field(default_factory=list)
    output: str = "."
    in_order: bool = False


class AllGrader:
    """Reward: the weighted mean. `in_order`: a grader counts only while all before it give 1, as for a chain."""

    name = "all"
    Data = AllData

    async def grade(self, work: Work, data: Any) -> Grade:
        """Raises CannotGrade where one of them does, or none is named, or its data are wrong."""
        _check(data)
        grades: list[tuple[str, float, Grade]] = []
        for number, each in enumerate(data.graders, start=1):
            name = str(each.get("name") or f"{number} {each['grader']}")
            if data.in_order and any(grade.reward < 1 for _, _, grade in grades):
                grades.append(
                    (name, float(each.get("weight", 1)), Grade(0.0, (Part("after", False, "an earlier one"),)))
                )
                continue
            grader, inner = _grader_with_data(each["grader"], each.get("data", {}))
            grades.append((name, float(each.get("weight", 1)), await grader.grade(work, inner)))
        parts = [
            Part(f"{name}: {part.name}", part.passed, part.detail) for name, _, grade in grades for part in grade.parts
        ]
        evidence = "\n".join(f"{name}: {grade.reward:.4f} {grade.evidence}".rstrip() for name, _, grade in grades)
        if all(grade.reward >= 1 for _, _, grade in grades):
            return Grade(1.0, tuple(parts), evidence)
        mean = sum(weight * grade.reward for _, weight, grade in grades) / sum(weight for _, weight, _ in grades)
        return Grade(min(_MOST_PARTIAL, mean), tuple(parts), evidence)


def _check(data: AllData) -> None:
    if not data.graders:
        raise CannotGrade("all: `graders` needs at least one")
    for number, each in enumerate(data.graders, start=1):
        if "grader" not in each or set(each) - _FIELDS:
            raise CannotGrade(f"all: grader {number} needs `grader` and takes {', '.join(sorted(_FIELDS))} only")
        weight = each.get("weight", 1)
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < 1e9:
            raise CannotGrade(f"all: grader {number}: `weight` must be a number above 0")


def _grader_with_data(name: str, data: dict[str, Any]) -> tuple[Any, Any]:
    """Raises CannotGrade for an unknown grader or wrong data."""
    try:
        grader = get_grader(name)
        return grader, read_data(grader, data)
    except Exception as error:
        # By its name: the module of TaskFault does not travel with the graders.
        if type(error).__name__ not in ("TaskFault", "KeyError", "TypeError"):
            raise
        raise CannotGrade(f"all: {name}: {error}") from error
