"""An adapter: how to install a foreign agent, run it, and read what it left, as plain data in one YAML file.

In the texts of `command`, `text_command`, `env` and `files` these names in braces are filled in:

    {agent}        the installed folder, as the sandbox shows it     {python}  its interpreter (installs by pip)
    {base_url}     the model's address inside, ending in /v1         {origin}  the same without /v1
    {model}        the model's name at the endpoint                  {key}     what stands in for the key
    {instruction}  the task's text                                   {out}     a folder for what it writes
    {workdir}      the folder of the task                            {steps}   the limit on model calls

Nothing else in braces is touched.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agents.errors import UnknownAgent
from agents.foreign.formats import FORMATS

BUILT_IN = Path(__file__).with_name("adapters")
OUT = "/tmp/foreign-agent"
NAMES = ("agent", "python", "base_url", "origin", "model", "key", "instruction", "out", "workdir", "steps")
# No secret: an agent that insists on a key gets this word, and the real one is added outside the sandbox.
NO_KEY = "added-outside-the-sandbox"


class Install(BaseModel):
    """What fills the agent's folder, once for a machine. Nothing of it runs then, but for `build` and `script`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pip: tuple[str, ...] = Field((), description="requirements, installed from wheels into an environment of its own")
    build: tuple[str, ...] = Field((), description="names of packages that have no wheel: their own code builds one")
    python: str = Field("", pattern=r"^(3\.\d+)?$", description="for pip; empty: the Python that runs Gristmill")
    npm: tuple[str, ...] = Field((), description="packages, installed without their scripts, below node_modules")
    folder: Path | None = Field(None, description="a folder that is there already, shown as it is")
    script: str = Field("", description="shell text run on this machine in the new folder, by the owner of the file")


class Adapter(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    version: str = ""
    install: Install = Install()
    command: tuple[str, ...] = Field(min_length=1)
    text_command: tuple[str, ...] = Field((), description="in its place for models without native tool calling")
    env: dict[str, str] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict, description="path in the sandbox -> text, written before it")
    trajectory: str = Field("", description="path in the sandbox of what it wrote; empty: what the model was asked")
    format: str = "calls"

    @model_validator(mode="after")
    def _has_a_known_format(self) -> Self:
        if self.format != "calls" and self.format not in FORMATS:
            raise ValueError(f"unknown format {self.format!r}; there are: calls, {', '.join(sorted(FORMATS))}")
        if (self.format == "calls") != (not self.trajectory):
            raise ValueError("trajectory and format go together: both, or neither")
        return self


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with the names of NAMES filled in; other braces stay."""
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), text)


def adapter_names() -> list[str]:
    return sorted(file.stem for file in BUILT_IN.glob("*.yaml"))


def built_in(name: str) -> Adapter:
    return read_adapter(BUILT_IN / f"{name}.yaml")


def read_adapter(file: Path) -> Adapter:
    """Raises UnknownAgent naming file and field. A relative `install.folder` is taken from the file's folder."""
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnknownAgent(f"agent {file}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UnknownAgent(f"agent {file}: no YAML: {error}") from error
    return as_adapter(data, file.absolute().parent, str(file))


def as_adapter(data: Any, place: Path, where: str) -> Adapter:
    """From plain data. Raises UnknownAgent."""
    try:
        adapter = Adapter.model_validate(data)
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'file'}: {item['msg']}" for item in error.errors())
        raise UnknownAgent(f"agent {where}: {told}") from error
    if adapter.install.folder is None:
        return adapter
    folder = (place / adapter.install.folder.expanduser()).resolve()
    return adapter.model_copy(update={"install": adapter.install.model_copy(update={"folder": folder})})
