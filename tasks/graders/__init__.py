"""Graders: each looks at what an agent left in one way. One file, one class, one registry entry.

Others add theirs by an entry point:

    [project.entry-points."gristmill.graders"]
    mine = "my_package:MyGrader"
"""

from functools import lru_cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from environments.named import Named
from tasks.errors import TaskFault
from tasks.graders.grading import CannotGrade, Grade, Grader, Part, Ran, Work, failed, share

__all__ = [
    "CannotGrade",
    "Grade",
    "Grader",
    "Part",
    "Ran",
    "Work",
    "failed",
    "get_grader",
    "grader_names",
    "read_data",
    "share",
]

GRADERS = Named(
    "grader",
    "gristmill.graders",
    {
        "answer": "tasks.graders.answer:AnswerGrader",
        "choice": "tasks.graders.choice:ChoiceGrader",
        "numeric": "tasks.graders.numeric:NumericGrader",
        "table": "tasks.graders.table:TableGrader",
        "calls": "tasks.graders.calls:CallsGrader",
        "sql": "tasks.graders.sql:SqlGrader",
        "constraints": "tasks.graders.constraints:ConstraintsGrader",
        "labels": "tasks.graders.labels:LabelsGrader",
        "program": "tasks.graders.program:ProgramGrader",
        "json": "tasks.graders.json_match:JsonGrader",
        "facets": "tasks.graders.facets:FacetsGrader",
        "tree": "tasks.graders.tree:TreeGrader",
        "mutation": "tasks.graders.mutation:MutationGrader",
        "page": "tasks.graders.page:PageGrader",
        "all": "tasks.graders.joint:AllGrader",
        "judge": "tasks.graders.judge:JudgeGrader",  # a language model's opinion: only where no program can tell
    },
    TaskFault,
)


def grader_names() -> list[str]:
    return GRADERS.names()


def get_grader(name: str) -> Grader:
    """The grader of this name. Raises TaskFault for an unknown one."""
    grader: Grader = GRADERS[name]()
    return grader


def read_data(grader: Grader, data: dict[str, Any]) -> Any:
    """The grader's `Data` from plain values. Raises TaskFault naming each field that is wrong, missing or unknown."""
    try:
        return _strict(grader.Data).validate_python(data)
    except ValidationError as error:
        lines = (f"{'.'.join(map(str, each['loc'])) or 'data'}: {each['msg']}" for each in error.errors())
        raise TaskFault(f"grader {grader.name}: " + "; ".join(lines)) from error


@lru_cache(maxsize=64)
def _strict(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(checked(config=ConfigDict(extra="forbid"), frozen=True)(kind))
