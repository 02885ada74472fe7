"""A recipe: selectors in a row, as read from YAML."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from environments.named import Named
from trajectories.errors import BadSelection
from trajectories.selection.item import Selector

SELECTORS = Named(
    "selector",
    "gristmill.selectors",
    {
        "quality": "trajectories.selection.quality:Quality",
        "reviewed": "trajectories.selection.reviewed:Reviewed",
        "decontaminate": "trajectories.selection.quality:Decontaminate",
        "dedupe": "trajectories.selection.dedupe:Dedupe",
        "balance": "trajectories.selection.balance:Balance",
        "mixture": "trajectories.selection.balance:Mixture",
        "curriculum": "trajectories.selection.balance:Curriculum",
        "sample": "trajectories.selection.balance:Sample",
        "facility_location": "trajectories.selection.diversity:FacilityLocation",
        "clusters": "trajectories.selection.diversity:Clusters",
        "influence": "trajectories.selection.influence:Influence",
    },
    BadSelection,
)


class Step(BaseModel):
    """One selector by name, with its options."""

    model_config = ConfigDict(frozen=True)

    name: str
    options: dict[str, Any]

    def selector(self) -> Selector:
        """Raises BadSelection."""
        try:
            made: Selector = SELECTORS[self.name](**self.options)
        except ValidationError as error:
            lines = (f"{self.name}.{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            raise BadSelection("; ".join(lines)) from error
        return made


class Recipe(BaseModel):
    """Selectors, applied in this order."""

    model_config = ConfigDict(frozen=True)

    steps: tuple[Step, ...] = ()


def selector_names() -> list[str]:
    return SELECTORS.names()


def load_recipe(file: Path) -> Recipe:
    """Read and check a recipe. Raises BadSelection naming the file, the line and what is wrong."""
    try:
        text = file.read_text(encoding="utf-8")
        node, data = yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)
    except OSError as error:
        raise BadSelection(f"{file}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadSelection(f"{file}: is not YAML: {error}") from error
    if not isinstance(data, dict) or set(data) != {"select"} or not isinstance(data["select"], list):
        raise BadSelection(f"{file}:1: expected `select:` with a list of selectors, and nothing else")
    assert isinstance(node, yaml.MappingNode)
    steps = []
    for given, place in zip(data["select"], node.value[0][1].value, strict=True):
        at = f"{file}:{place.start_mark.line + 1}"
        if isinstance(given, str):
            given = {given: {}}
        if not isinstance(given, dict) or len(given) != 1:
            raise BadSelection(f"{at}: expected one selector with its options, e.g. `- sample: {{n: 100}}`")
        ((name, options),) = given.items()
        step = Step(name=str(name), options=options or {}) if isinstance(options, dict | None) else None
        if step is None:
            raise BadSelection(f"{at}: {name}: expected a mapping of options (got {options!r})")
        try:
            step.selector()
        except BadSelection as error:
            raise BadSelection(f"{at}: {error}") from error
        steps.append(step)
    return Recipe(steps=tuple(steps))
