"""Where a flywheel keeps what. Each step of a round leaves what appears whole, so that a killed run goes on there."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

from agents.training.continual import Continual
from agents.training.options import TrainingResult
from agents.training.prompts import PromptCheck
from agents.training.significance import Comparison

Data = TypeVar("Data", bound=BaseModel)


class Plan(BaseModel):
    """`plan.json`: what a round is about, decided once at its start."""

    model_config = ConfigDict(frozen=True)

    number: int = Field(description="1-based")
    stage: str
    student: str = Field(description="the model that acts, and is trained on: the round before's")
    returning: dict[str, tuple[str, ...]] = Field(description="suite folder -> tasks that were not solved in it")


class Round(BaseModel):
    """`round.json`: what a finished round came to. Accuracies are pass rates on held-out tasks, by stage."""

    model_config = ConfigDict(frozen=True)

    number: int
    stage: str
    model: str
    tasks: int = Field(description="new training tasks")
    returned: int = Field(description="tasks of the round before that came back")
    solved_by_student: int
    solved_by_teacher: int
    rows: int = Field(description="trajectories trained on, those of earlier rounds included")
    training: TrainingResult
    before: dict[str, float] = Field(description="of the model that the round began with")
    after: dict[str, float]
    n: dict[str, int]
    comparison: Comparison = Field(description="before and after on the round's own stage")
    prompts: PromptCheck | None = Field(description="None where the server tells no prompts")
    unsolved: dict[str, tuple[str, ...]] = Field(description="suite folder -> tasks that the student did not solve")


class Report(BaseModel):
    """`report.json`: all rounds so far, the base against the last model, and what was forgotten."""

    model_config = ConfigDict(frozen=True)

    name: str
    rounds: tuple[Round, ...]
    overall: dict[str, Comparison] = Field(description="stage -> the untrained model against the last one")
    continual: Continual
    model: str = Field(description="the last model: a GGUF file")


class Folder:
    """The paths below a flywheel's folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def held_out(self, stage: str) -> Path:
        return self.root / "held-out" / stage

    def round(self, number: int) -> Path:
        return self.root / f"round-{number}"

    def plan(self, number: int) -> Path:
        return self.round(number) / "plan.json"

    def summary(self, number: int) -> Path:
        return self.round(number) / "round.json"

    def suite(self, number: int) -> Path:
        return self.round(number) / "suite"

    def rows(self, number: int) -> Path:
        return self.round(number) / "rows"

    def replayed(self, number: int) -> Path:
        return self.round(number) / "replayed"

    def training(self, number: int) -> Path:
        return self.round(number) / "training"


def read(file: Path, kind: type[Data]) -> Data | None:
    """None where it is not there yet."""
    try:
        return kind.model_validate_json(file.read_text())
    except FileNotFoundError:
        return None


def write(file: Path, data: BaseModel) -> None:
    """Whole or not at all."""
    write_text(file, data.model_dump_json(indent=2) + "\n")


def write_text(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text(text)
    partial.replace(file)
