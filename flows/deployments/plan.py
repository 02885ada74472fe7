"""What a scheduled run is told besides its request, and how its request is filled in when it starts.

In paths of a request, `{date}` is the run's day and `{time}` its day and minute, in the schedule's time zone;
`{newest}` is the last, by name, of the suites that are there. `model: newest` is the model announced last.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from flows.deployments.spec import NEWEST, models_in
from flows.errors import UsageError
from flows.models import ROUTE
from flows.place import Place
from tasks.suite import MANIFEST

NEWEST_MODEL = "gristmill_newest_model"  # variable of the server
SANDBOXES = "gristmill-sandboxes"  # global concurrency limits
MODEL = "gristmill-model-"
DATED = ("{date}", "{time}")


class Watch(BaseModel):
    """An automation's threshold, as the run that measures is told it."""

    model_config = ConfigDict(frozen=True)

    automation: str
    when: Literal["pass_rate", "yield", "disk"]
    below: float | None = None
    drop: float | None = None
    least: int = 10
    free_gb: float | None = None


class Plan(BaseModel):
    """`owner`: tag of the deployments file; `sandboxes`: whether the run occupies its jobs of the limit on them.

    `models`: limits of those that have one, by name; the run occupies those of the models that it asks.
    """

    model_config = ConfigDict(frozen=True)

    deployment: str = ""
    owner: str = ""
    timezone: str = "UTC"
    sandboxes: bool = False
    models: dict[str, int] = Field(default_factory=dict)
    watches: tuple[Watch, ...] = ()


def holds(plan: Plan, request: BaseModel, place: Place) -> dict[str, int]:
    """Global concurrency limit -> slots that the run occupies while it works."""
    limits = {f"{MODEL}{name}": share for name, share in model_shares(plan, request, place).items()}
    return {SANDBOXES: place.jobs, **limits} if plan.sandboxes else limits


def model_shares(plan: Plan, request: BaseModel, place: Place) -> dict[str, int]:
    """Model that has a limit -> requests that the run may have on their way: one a sandbox, on a cluster all.

    Raises UsageError where the rule file of a `route:FILE` cannot be read.
    """
    asked = models_asked(request)
    most = place.jobs if place.cluster().is_local else max(plan.models.values(), default=0)
    return {name: min(most, plan.models[name]) for name in sorted(asked & plan.models.keys())}


def models_asked(request: BaseModel) -> set[str]:
    """Names of all models that a run of `request` may ask. Raises UsageError as `model_shares` does."""
    asked: set[str] = set()
    for name in models_in(request.model_dump(mode="json")):
        asked |= {*_route_models(name)} if name.startswith(ROUTE) else {name}
    return asked


def _route_models(name: str) -> tuple[str, ...]:
    from flows.routing import load_route

    return tuple(load_route(name).models)


def filled_in(request: BaseModel, *, at: datetime, timezone: str, newest_model: Callable[[], str]) -> dict[str, Any]:
    """The request as it is to be done now.

    A generate request whose folder is dated and that gives no seed gets the day (or minute) as its seed: every
    night other tasks, and the same ones when the same night is done again.

    Raises UsageError where `{newest}` finds no suite, or no model has been announced.
    """
    local = at.astimezone(ZoneInfo(timezone))
    words = {"{date}": f"{local:%Y-%m-%d}", "{time}": f"{local:%Y-%m-%dT%H%M}"}

    def fill(value: Any) -> Any:
        if isinstance(value, Mapping):
            new = {key: fill(item) for key, item in value.items()}
            if isinstance(new.get("agent"), str) and new.get("model") == NEWEST:
                new["model"] = newest_model()
            if not value.get("seed") and "n" in value and (mark := _mark_in(str(value.get("out", "")))):
                new["seed"] = int("".join(sign for sign in words[mark] if sign.isdigit()))
            return new
        if isinstance(value, list):
            return [fill(item) for item in value]
        if isinstance(value, str):
            for word, text in words.items():
                value = value.replace(word, text)
            return _newest_suite(value) if "{newest}" in value else value
        return value

    filled: dict[str, Any] = fill(request.model_dump(mode="json"))
    return filled


def _mark_in(path: str) -> str:
    return next((mark for mark in DATED if mark in path), "")


def _newest_suite(path: str) -> str:
    found = _suites_like(path.replace("{newest}", "*"))
    if not found:
        raise UsageError(f"{path}: no suite is there yet; the generation that makes it has to run first")
    return str(found[-1])


def _suites_like(pattern: str) -> list[Path]:
    absolute = Path(pattern).absolute()
    root = Path(absolute.anchor)
    return sorted(file.parent for file in root.glob(str(absolute.relative_to(root) / MANIFEST)))


def name_pattern(path: Path) -> str:
    """Names of the suites that a request's path can mean, as a shell pattern."""
    name = path.name
    for mark in (*DATED, "{newest}"):
        name = name.replace(mark, "*")
    return name
