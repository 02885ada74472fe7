"""A YAML file into a model, with the line of what is wrong as an error of this room."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from agents.errors import AgentFault
from environments import yaml_model

Model = TypeVar("Model", bound=BaseModel)


def read_model(path: Path, kind: type[Model]) -> Model:
    """An empty file is a model of defaults. Raises AgentFault naming file, line and field."""
    return yaml_model.read_model(path, kind, fault=AgentFault, may_be_empty=True)
