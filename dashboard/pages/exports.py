"""The export builder: choose, look at the first rows as they would be written, take the command line."""

import shlex
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dashboard import access
from dashboard.rendering import page
from trajectories.datasets import list_datasets
from trajectories.errors import BadDataset, BadExport, BadFilter
from trajectories.exports import Calls, WithAttempts, export_names
from trajectories.exports.preview import Preview, preview
from trajectories.store import Store

MENU = ("Exports", "/exports")

router = APIRouter()


class Choice(BaseModel):
    """The form's fields: options of `gristmill export`, and how many rows are looked at."""

    model_config = ConfigDict(frozen=True)

    to: str = "trl"
    out: str = "export"
    where: str = ""
    dataset: str = ""
    include_failures: bool = False
    include_privileged: bool = False
    include_findings: bool = False
    include_marked: bool = False
    attempts: WithAttempts = "exclude"
    calls: Calls = "native"
    split_by: str = "repository"
    test_share: float = Field(0.1, ge=0.0, le=0.9)
    seed: int = 0
    limit: int = Field(5, ge=1, le=50)

    @property
    def command(self) -> str:
        """The command line that writes what is looked at; options at their defaults are left out."""
        words = ["gristmill", "export", "--to", self.to, "--out", self.out]
        default = Choice()
        for name in ("where", "dataset", "attempts", "calls", "split_by", "test_share", "seed"):
            value = getattr(self, name)
            if value != getattr(default, name):
                words += [f"--{name.replace('_', '-')}", str(value)]
        for name in ("include_failures", "include_privileged", "include_findings", "include_marked"):
            if getattr(self, name):
                words.append(f"--{name.replace('_', '-')}")
        return shlex.join(words)


@router.get("/exports")
def exports(request: Request, store: Annotated[Store, Depends(access.store)]) -> Response:
    """With `look`, the first rows. Nothing is written: the command does that."""
    given = {name: value for name, value in request.query_params.items() if name in Choice.model_fields and value}
    fault, seen, choice = "", None, Choice()
    try:
        choice = Choice.model_validate(given)
        if "look" in request.query_params:
            seen = _look(store, choice)
    except ValidationError as error:
        fault = "; ".join(f"{each['loc'][0]}: {each['msg']}" for each in error.errors())
    except (BadExport, BadFilter, BadDataset) as error:
        fault = str(error)
    context: dict[str, Any] = {"choice": choice, "fault": fault, "seen": seen, "formats": export_names()}
    datasets = [each.reference for each in list_datasets(store)]
    written = list(reversed(store.exports()))[:20]
    return page(request, "exports.html", status=400 if fault else 200, datasets=datasets, written=written, **context)


def _look(store: Store, choice: Choice) -> Preview:
    return preview(store, **choice.model_dump(exclude={"out"}))
