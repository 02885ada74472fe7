"""`task.toml` of Harbor's task format, as people write it: what we read of it, checked; the rest is kept.

Facts from the format's public description: `version` or `schema_version`, an optional `[task]` table,
`[metadata]` free, limits as numbers of MB or as strings such as "2G".
"""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from tasks.errors import BadTaskFolder

_UNITS = {"K": 1 / 1024, "M": 1.0, "G": 1024.0, "T": 1024.0 * 1024}


def _megabytes(value: object) -> object:
    """'2G', '512Mi', '1024' or a number, as MiB."""
    if isinstance(value, str):
        if match := re.fullmatch(r"\s*([\d.]+)\s*([KMGT]?)i?B?\s*", value, re.IGNORECASE):
            return max(1, round(float(match.group(1)) * _UNITS[match.group(2).upper() or "M"]))
        raise ValueError("write a size as a number of MB or as a string like '2G'")
    return value


Megabytes = Annotated[int, BeforeValidator(_megabytes), Field(gt=0)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class TaskTable(_Table):
    name: str = ""
    description: str = ""
    keywords: tuple[str, ...] = ()


class AgentTable(_Table):
    timeout_sec: float = Field(900.0, gt=0)
    user: str | int | None = None


class VerifierTable(_Table):
    timeout_sec: float = Field(600.0, gt=0)
    env: dict[str, str] = Field(default_factory=dict)
    user: str | int | None = None


class EnvironmentTable(_Table):
    docker_image: str | None = None
    build_timeout_sec: float = Field(600.0, gt=0)
    cpus: float | None = Field(None, gt=0)
    memory_mb: Megabytes | None = None
    storage_mb: Megabytes | None = None
    memory: Megabytes | None = None
    storage: Megabytes | None = None
    workdir: str | None = Field(None, pattern="^/")
    env: dict[str, str] = Field(default_factory=dict)
    allow_internet: bool | None = None
    network_mode: str | None = None

    @property
    def network(self) -> bool:
        """Only where the task asks for it in so many words; an allow list is no general permission."""
        return bool(self.allow_internet) or self.network_mode in ("public", "bridge", "host")


class SolutionTable(_Table):
    env: dict[str, str] = Field(default_factory=dict)


class TaskToml(_Table):
    """A whole `task.toml`; tables and fields that are not named here are kept in `model_extra`."""

    schema_version: str | float | None = None
    version: str | float | None = None
    task: TaskTable = TaskTable()
    metadata: dict[str, Any] = Field(default_factory=dict)
    agent: AgentTable = AgentTable()
    verifier: VerifierTable = VerifierTable()
    environment: EnvironmentTable = EnvironmentTable()
    solution: SolutionTable = SolutionTable()
    steps: tuple[dict[str, Any], ...] = ()


def read_task_toml(file: Path) -> tuple[TaskToml, dict[str, Any]]:
    """The checked fields, and the document as it is. Raises BadTaskFolder with file, line and field."""
    try:
        text = file.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except FileNotFoundError as error:
        raise BadTaskFolder(f"{file}: there is no such file; a task folder has a task.toml") from error
    except UnicodeDecodeError as error:
        raise BadTaskFolder(f"{file}: is not UTF-8 text ({error})") from error
    except tomllib.TOMLDecodeError as error:
        raise BadTaskFolder(f"{file}: is not valid TOML: {error}") from error
    try:
        return TaskToml.model_validate(document), document
    except ValidationError as error:
        raise BadTaskFolder("\n".join(_explain(file, text, each) for each in error.errors())) from error


def _explain(file: Path, text: str, error: Any) -> str:
    """`FILE:LINE: field: what is wrong (got VALUE)`."""
    path = [str(part) for part in error["loc"] if str(part) not in ("str", "int", "float")]
    line = _line_of(text, path)
    at = f"{file}:{line}" if line else str(file)
    return f"{at}: {'.'.join(path)}: {error['msg'].removeprefix('Value error, ')} (got {error['input']!r:.80})"


def _line_of(text: str, path: list[str]) -> int | None:
    table, found = "", None
    for number, line in enumerate(text.splitlines(), start=1):
        if match := re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line):
            table = match.group(1)
            if table == ".".join(path):
                found = number
        elif (match := re.match(r"\s*([\w.-]+)\s*=", line)) and ".".join(filter(None, (table, match.group(1)))) in (
            ".".join(path),
            ".".join(path[:2]),
        ):
            return number
    return found
