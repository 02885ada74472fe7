"""Which tools rollouts get beside the task's own: a YAML file that only the user writes.

use: [bash, read, submit]            # instead of the task's list
functions: [my_package.money:convert]
openapi:
  - {document: shop.json, base_url: "https://shop.example/v1", headers: {Authorization: "Bearer …"}}
  - {document: openapi.json}         # in the sandbox, called from there
mcp:
  - {name: files, command: uvx, args: [mcp-server-files, /data]}
toolsets: [made/toolset]             # tools made from solved tasks
retrieve: {show: 5, ranking: auto}   # many tools: behind find_tools
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.errors import AgentFault
from agents.retrieval.demonstrations import Demonstration
from agents.retrieval.ranking import RankingName
from agents.tools.mcp import Mcp
from agents.tools.openapi import OpenApi

if TYPE_CHECKING:
    from agents.tools.toolbox import ToolSource


class RetrieveConfig(BaseModel):
    """`show`: how many tools are shown from the start, chosen by the instruction. No more than that: all are shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    show: int = Field(5, ge=0, le=50)
    ranking: RankingName = "auto"
    demonstrations: Path | None = Field(None, description="JSON lines of request, tool, arguments")

    def load_demonstrations(self) -> list[Demonstration]:
        """Raises AgentFault naming the line."""
        if self.demonstrations is None:
            return []
        try:
            lines = self.demonstrations.read_text().splitlines()
        except OSError as error:
            raise AgentFault(f"{self.demonstrations}: {error.strerror}") from error
        found = []
        for number, line in enumerate(lines, start=1):
            try:
                found.append(Demonstration.model_validate_json(line))
            except ValidationError as error:
                raise AgentFault(f"{self.demonstrations}, line {number}: {error.errors()[0]['msg']}") from error
        return found


class ToolsConfig(BaseModel):
    """See the module."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    use: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    openapi: tuple[OpenApi, ...] = ()
    mcp: tuple[Mcp, ...] = ()
    toolsets: tuple[Path, ...] = ()
    retrieve: RetrieveConfig | None = None

    def load_functions(self) -> list[Callable[..., Any]]:
        """Raises AgentFault for one that cannot be imported."""
        found = []
        for name in self.functions:
            module, _, attribute = name.partition(":")
            try:
                value = getattr(import_module(module), attribute)
            except (ImportError, AttributeError, ValueError) as error:
                raise AgentFault(f"functions: {name!r} cannot be imported as MODULE:FUNCTION: {error}") from error
            if not callable(value):
                raise AgentFault(f"functions: {name} is no function")
            found.append(value)
        return found

    def sources(self) -> "Sequence[ToolSource]":
        """What gives tools once there is a sandbox. Raises AgentFault."""
        found: list[ToolSource] = [*self.openapi, *self.mcp]
        if self.toolsets:
            from agents.toolmaking.toolset import read_toolset

            found += [read_toolset(folder) for folder in self.toolsets]
        return found


def read_tools_config(path: Path) -> ToolsConfig:
    """Relative paths in it are from the file's folder. Raises AgentFault."""
    try:
        given = yaml.safe_load(path.read_text()) or {}
    except (OSError, yaml.YAMLError) as error:
        raise AgentFault(f"{path}: {error}") from error
    try:
        config = ToolsConfig.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise AgentFault(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    folder = path.resolve().parent
    retrieve = config.retrieve
    if retrieve is not None and retrieve.demonstrations is not None:
        retrieve = retrieve.model_copy(update={"demonstrations": folder / retrieve.demonstrations})
    return config.model_copy(
        update={
            "toolsets": tuple(folder / each for each in config.toolsets),
            "openapi": tuple(
                each.model_copy(update={"document": str(folder / each.document)}) if each.base_url else each
                for each in config.openapi
            ),
            "retrieve": retrieve,
        }
    )
