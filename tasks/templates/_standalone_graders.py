"""The graders of this task, by name: their own modules lie beside this file."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

from tasks.graders.grading import CannotGrade, Grade, Grader, Part, Ran, Work, failed, share

__all__ = ["CannotGrade", "Grade", "Grader", "Part", "Ran", "Work", "failed", "get_grader", "read_data", "share"]

_PLACES = Path(__file__).resolve().parents[2] / "graders.json"


def get_grader(name: str) -> Any:
    module, _, attribute = json.loads(_PLACES.read_text(encoding="utf-8"))[name].partition(":")
    return getattr(import_module(module), attribute)()


def grader_names() -> list[str]:
    return sorted(json.loads(_PLACES.read_text(encoding="utf-8")))


def read_data(grader: Any, data: dict[str, Any]) -> Any:
    return grader.Data(**data)
