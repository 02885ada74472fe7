"""What a flywheel is asked to do, as read from its YAML file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from agents.agent import AgentLimits
from agents.training.options import TrainingOptions
from flows.errors import UsageError
from flows.requests import AgentRequest, GenerateRequest, Request, load_request
from tasks.templates import family_templates
from trajectories.errors import BadSelection
from trajectories.selection import Recipe
from trajectories.selection.recipe import Step

NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"


class Stage(Request):
    """One kind of task. With a family and a template: that template of the family; a template alone: a file."""

    name: str = Field(pattern=NAME)
    family: str = ""
    template: str = ""

    @model_validator(mode="after")
    def _has_origin(self) -> Self:
        if not (self.family or self.template):
            raise ValueError("give a family, a template, or a template of a family")
        return self

    def generate(self, out: Path, *, n: int, seed: int) -> GenerateRequest:
        """Raises BadTemplate for an unknown family, UsageError for an unknown template of it."""
        if not self.template:
            return GenerateRequest(family=self.family, out=out, n=n, seed=seed)
        file = Path(self.template)
        if self.family:
            files = {each.stem: each for files in family_templates(self.family).values() for each in files}
            if self.template not in files:
                raise UsageError(f"family {self.family} has no template {self.template!r}; it has: {', '.join(files)}")
            file = files[self.template]
        return GenerateRequest(template=file, out=out, n=n, seed=seed)


class Student(Request):
    """The agent whose model is trained."""

    agent: str = "react"
    options: dict[str, object] = Field(default_factory=dict, description="the agent's own settings")
    limits: AgentLimits = AgentLimits()
    attempts: int = Field(1, gt=0, description="at each training task, from the round after `warm_up` on")
    max_tokens: int = Field(200, gt=0, description="of one answer")
    temperature: float = Field(0.2, ge=0)


class Teacher(Request):
    """An agent that shows how a task is solved which the student does not solve. Never one with the reference."""

    agent: str
    model: str = ""
    options: dict[str, object] = Field(default_factory=dict)
    limits: AgentLimits = AgentLimits()

    @property
    def request(self) -> AgentRequest:
        return AgentRequest(agent=self.agent, model=self.model, options=self.options, limits=self.limits)


class FlywheelRequest(Request):
    """Rounds of generate, roll out, select, export, train, serve, evaluate. All of it lies below `folder`."""

    name: str = Field("flywheel", pattern=NAME)
    folder: Path
    model: str = Field("local", description="`local`, or a GGUF file: the model that is trained")
    stages: tuple[Stage, ...] = Field(min_length=1, description="from easy to hard")
    rounds: int | None = Field(None, gt=0, description="default: one a stage")
    adapt: bool = Field(True, description="the next stage by the pass rate; false: the next one in any case")
    raise_at: float = Field(0.7, ge=0, le=1, description="held-out pass rate from which the next round is harder")
    lower_at: float = Field(0.2, ge=0, le=1, description="… below which it is easier")
    n: int = Field(100, gt=0, description="new training tasks of a round")
    held_out: int = Field(40, gt=0, description="tasks of each stage that are never trained on")
    student: Student = Student()
    teacher: Teacher | None = None
    warm_up: int = Field(1, ge=0, description="first rounds in which the teacher alone acts on the training tasks")
    replay: float = Field(0.0, ge=0, description="rows of earlier rounds for each new row")
    start: Literal["last", "base"] = Field("last", description="the weights that a round's training begins with")
    select: tuple[Any, ...] = Field((), description="selectors, as in a recipe of `dataset create --select`")
    training: TrainingOptions = TrainingOptions()
    seed: int = 0
    backend: str | None = None
    jobs: int | None = Field(None, gt=0)
    store: str | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        names = [stage.name for stage in self.stages]
        if len(set(names)) != len(names):
            raise ValueError(f"stages: a name stands twice in {', '.join(names)}")
        if self.teacher is None and self.warm_up:
            raise ValueError("warm_up needs a teacher; without one give warm_up: 0")
        if self.lower_at > self.raise_at:
            raise ValueError("lower_at is above raise_at")
        try:
            for step in self.recipe.steps:
                step.selector()
        except BadSelection as error:
            raise ValueError(f"select: {error}") from error
        return self

    @property
    def recipe(self) -> Recipe:
        steps = []
        for given in self.select:
            named: Any = {given: {}} if isinstance(given, str) else given
            if not isinstance(named, Mapping) or len(named) != 1:
                raise BadSelection(f"expected one selector with its options (got {given!r})")
            ((name, options),) = named.items()
            steps.append(Step(name=str(name), options=dict(options or {})))
        return Recipe(steps=tuple(steps))

    @property
    def all_rounds(self) -> int:
        return self.rounds or len(self.stages)

    @property
    def student_request(self) -> AgentRequest:
        student = self.student
        return AgentRequest(agent=student.agent, options=student.options, limits=student.limits)


def load_flywheel(file: Path) -> FlywheelRequest:
    """Read and check a file; templates are relative to it. Raises UsageError naming file, line and field."""
    request = load_request(file, FlywheelRequest, holds="`folder:` and `stages:`", whole="flywheel")
    stages = [
        stage.model_copy(update={"template": str((file.parent / stage.template).absolute())})
        if stage.template and not stage.family
        else stage
        for stage in request.stages
    ]
    return request.model_copy(update={"stages": tuple(stages)})
