"""Which tools rollouts get beside the task's own: a YAML file that only the user writes.

use: [bash, read, submit]            # instead of the task's list
functions: [my_package.money:convert, money.py:convert]   # a module, or a file
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
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.errors import AgentFault
from agents.retrieval.demonstrations import Demonstration
from agents.retrieval.ranking import RankingName
from agents.tools._lines import read_model
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
            module, _, attribute = name.rpartition(":")
            try:
                value = getattr(_of_file(Path(module)) if module.endswith(".py") else import_module(module), attribute)
            except Exception as error:  # a module of somebody else's may raise anything
                raise AgentFault(
                    f"functions: {name!r} cannot be imported as MODULE:FUNCTION or FILE.py:FUNCTION: "
                    f"{type(error).__name__}: {error}"
                ) from error
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


def _of_file(path: Path) -> ModuleType:
    spec = spec_from_file_location(f"gristmill_tools_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_tools_config(path: Path) -> ToolsConfig:
    """Relative paths in it are from the file's folder. Raises AgentFault naming file, line and field."""
    config = read_model(path, ToolsConfig)
    folder = path.resolve().parent
    retrieve = config.retrieve
    if retrieve is not None and retrieve.demonstrations is not None:
        retrieve = retrieve.model_copy(update={"demonstrations": folder / retrieve.demonstrations})
    return config.model_copy(
        update={
            "functions": tuple(
                str(folder / each) if each.rpartition(":")[0].endswith(".py") else each for each in config.functions
            ),
            "toolsets": tuple(folder / each for each in config.toolsets),
            "openapi": tuple(
                each.model_copy(update={"document": str(folder / each.document)}) if each.base_url else each
                for each in config.openapi
            ),
            "retrieve": retrieve,
        }
    )
