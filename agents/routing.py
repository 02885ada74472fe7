"""Which model (or LoRA adapter: the registry has each by its name) a task goes to: by rules, or by measured pass rates.

The second is Thompson sampling: a pass rate is drawn for each model from what its rollouts leave to believe, and the
best draw takes the task (Thompson, "On the likelihood that one unknown probability exceeds another", Biometrika 1933;
Chapelle and Li, "An empirical evaluation of Thompson sampling", NeurIPS 2011). A share of the tasks, `explore`, goes
to any of them evenly, so that a model that had bad luck early, or became better, is seen again.
"""

import random
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from agents.tools._lines import read_model
from tasks.difficulty import Difficulty, difficulty_of
from tasks.task import Task

Patterns = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda given: (given,) if isinstance(given, str) else given),
    Field(min_length=1, description="of file names (`sql_*`), any of which holds"),
]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Measured(_Strict):
    """Take of these the model that solves the family most often, as far as that is known."""

    models: tuple[str, ...] = Field(min_length=2)
    explore: Share = Field(0.1, description="share of tasks that any of them takes evenly")


class Rule(_Strict):
    """Where all that is given here holds for a task, it goes to `model`, or to one of `measured`."""

    family: Patterns | None = None
    tag: Patterns | None = None
    difficulty: dict[str, tuple[float, float]] = Field(
        default_factory=dict, description="a figure of the task's measured difficulty: least and most, both included"
    )
    model: str = Field("", description="of the registry; an adapter has a name of its own there")
    measured: Measured | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if bool(self.model) == bool(self.measured):
            raise ValueError("give model, or measured, and not both")
        if unknown := [name for name in self.difficulty if name not in Difficulty.model_fields]:
            raise ValueError(f"no difficulty {unknown[0]!r}; there are: {', '.join(Difficulty.model_fields)}")
        return self

    def holds(self, task: Task) -> bool:
        """A task whose difficulty was not measured meets no rule that asks for one."""
        if self.family and not _matches([task.family], self.family):
            return False
        if self.tag and not _matches(tags_of(task), self.tag):
            return False
        if not self.difficulty:
            return True
        figures = difficulty_of(task.provenance)
        known = figures.model_dump() if figures else {}
        return all(
            known.get(name) is not None and least <= known[name] <= most
            for name, (least, most) in self.difficulty.items()
        )


class Route(_Strict):
    """A rule file: the first rule that holds says where a task goes."""

    rules: tuple[Rule, ...] = Field(min_length=1)

    @property
    def models(self) -> tuple[str, ...]:
        """Every model that a task may go to, in the file's order."""
        each = (name for rule in self.rules for name in (rule.measured.models if rule.measured else (rule.model,)))
        return tuple(dict.fromkeys(each))

    def rule_of(self, task: Task) -> Rule | None:
        return next((rule for rule in self.rules if rule.holds(task)), None)


def tags_of(task: Task) -> list[str]:
    """`tags` and `difficulty` of task.toml's metadata, its template's tags, its repository, generator and its kind."""
    metadata: Any = task.config.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    origin = task.provenance
    said: list[Any] = []
    for written in (metadata.get("tags", ()), origin.details.get("tags", ())):
        said += [*written] if isinstance(written, (list, tuple)) else [written]
    said += [metadata.get("difficulty"), origin.repository, origin.generator, origin.details.get("kind")]
    return [str(tag) for tag in said if tag]


def thompson(measured: Measured, counts: Mapping[str, tuple[int, int]], seed: int) -> str:
    """One of the models. counts: model -> rollouts with a known outcome, and how many of them solved.

    The prior is even, Beta(1, 1): a model of which nothing is known is tried often.
    """
    chance = random.Random(seed)
    if chance.random() < measured.explore:
        return chance.choice(measured.models)
    drawn = []
    for name in measured.models:
        n, solved = counts.get(name, (0, 0))
        drawn.append(chance.betavariate(1 + solved, 1 + n - solved))
    return measured.models[drawn.index(max(drawn))]


def read_route(file: Path) -> Route:
    """Raises AgentFault with file and line of each fault."""
    return read_model(file, Route)


def _matches(texts: Iterable[str], patterns: Iterable[str]) -> bool:
    patterns = tuple(patterns)
    return any(fnmatchcase(text, pattern) for text in texts for pattern in patterns)
