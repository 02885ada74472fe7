"""What a template file may say. Shapes only: what the fields mean together is checked in `loading.py`."""

from pathlib import PurePosixPath
from typing import Annotated, Any

from packaging.requirements import InvalidRequirement, Requirement
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from environments.diff import check_path
from environments.spec import Limits

Number = int | float
PARAMETER_KINDS = ("range", "choice", "table", "taxonomy", "file", "sql", "python", "value")
# Which fields go with which kind.
_COMPANIONS = {
    "step": "range",
    "weights": "choice",
    "where": "table",
    "database": "sql",
    "arguments": "python",
}


def _plain_path(path: str) -> str:
    check_path(path)
    return path


def _requirement(text: str) -> str:
    try:
        Requirement(text)
    except InvalidRequirement as error:
        raise ValueError(f"is no requirement of a PyPI package, such as 'tabulate==0.9.0': {error}") from error
    return text


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
# Also `openapi:PATH` and `retrieved:K`: what follows the colon is the tool room's to understand.
ToolName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*(:[^\s:]+)?$")]
# `_` begins the names that are Jinja's or ours.
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
# A name, or a Jinja text that gives one: a template may ask for persons once and for places the next time.
TypeName = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]*|\{\{.+\}\})$")]
PlainPath = Annotated[str, AfterValidator(_plain_path)]
Text = Annotated[str, Field(min_length=1)]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def empty_fields(self) -> list[tuple[str | int, ...]]:
        """Places of fields that are written down with nothing behind them."""
        found: list[tuple[str | int, ...]] = []
        for name in type(self).model_fields:
            field = getattr(self, name)
            written = type(self).model_fields[name].alias or name
            if field is None and name in self.model_fields_set:
                found.append((written,))
            inner = field.items() if isinstance(field, dict) else enumerate(field) if isinstance(field, list) else ()
            for key, each in (("", field), *inner):
                if isinstance(each, Part):
                    at = (written,) if key == "" else (written, key)
                    found += [(*at, *place) for place in each.empty_fields()]
        return found


class Parameter(Part):
    """One sampled value; exactly one of PARAMETER_KINDS, and what goes with it."""

    range: tuple[Number, Number] | None = Field(None, description="both ends may be drawn")
    step: Annotated[Number, Field(gt=0)] | None = None
    choice: Annotated[list[Any], Field(min_length=1)] | None = None
    weights: Annotated[list[Annotated[Number, Field(ge=0)]], Field(min_length=1)] | None = None
    table: Text | None = Field(None, description="CSV, JSONL or Parquet file; one row, as a dict")
    where: Text | None = Field(None, description="Jinja expression over the row, which has the parameter's name")
    taxonomy: Text | None = Field(None, description="YAML file with a tree; one leaf, as {id, name, path}")
    file: Text | None = Field(None, description="glob; one file, as {path, text}")
    sql: Text | None = Field(None, description="query; one row, as a dict; :name stands for an earlier parameter")
    database: Text | None = Field(None, description="SQLite database file, or a .sql script that makes one")
    python: Annotated[str, Field(pattern=r"^[^:]+\.py:[A-Za-z_]\w*$")] | None = None
    arguments: dict[VariableName, Any] = Field(default_factory=dict)
    value: Any = Field(None, description="Jinja expression over the parameters before it")

    @property
    def kind(self) -> str:
        return next(kind for kind in PARAMETER_KINDS if kind in self.model_fields_set)

    def misfits(self) -> list[tuple[str, str]]:
        """Field (empty: the whole) and what is wrong with it."""
        kinds = [kind for kind in PARAMETER_KINDS if kind in self.model_fields_set]
        if not kinds:
            return [("", f"says not what it is; give one of {', '.join(PARAMETER_KINDS)}")]
        found = [(kind, f"a parameter is of one kind, and {kinds[0]} is given already") for kind in kinds[1:]]
        for field, kind in _COMPANIONS.items():
            if field in self.model_fields_set and kind not in kinds:
                found.append((field, f"goes with {kind}, which this parameter is not; remove it"))
        if "sql" in kinds and self.database is None:
            field = "database" if "database" in self.model_fields_set else "sql"
            found.append((field, "a query needs a database beside it: `database: FILE`"))
        return found


class FileContent(Part):
    """Where a file's content comes from; exactly one."""

    value: Text | None = Field(None, description="expression: text, bytes, or values to be written as JSON")
    text: str | None = Field(None, description="Jinja text")
    copied: Text | None = Field(None, alias="copy", description="file or folder beside the template")


class ServiceSource(Part):
    """A program that serves the agent on loopback while the sandbox runs."""

    name: Name
    program: Text = Field(description="Python file beside the template")
    data: Text | None = Field(None, description="expression: what the program reads")
    port: int = Field(8000, gt=1023, lt=65536)
    ready: str = Field("/", pattern="^/", description="path that answers once the service is up")


class Surroundings(Part):
    """The sandbox that the agent gets."""

    files: dict[PlainPath, FileContent] = Field(default_factory=dict)
    files_from: Text | None = None
    packages: list[Annotated[str, AfterValidator(_requirement)]] = Field(default_factory=list)
    services: list[ServiceSource] = Field(default_factory=list)
    limits: Limits = Limits()
    agent_timeout_sec: float = Field(900.0, gt=0)
    verifier_timeout_sec: float = Field(120.0, gt=0)


class Reference(Part):
    """The solution; exactly one."""

    files: dict[PlainPath, FileContent] | None = None
    files_from: Text | None = None
    script: Text | None = Field(None, description="bash, Jinja; what it changes in the agent's sandbox")


class Input(Part):
    type: TypeName
    value: Text


class Output(Part):
    type: TypeName
    value: Text
    path: PlainPath | None = Field(None, description="file that the agent writes it to")


class TemplateSource(Part):
    """A template file as it is written."""

    name: Name
    description: Text
    family: Name | None = None
    license: Text = "CC0-1.0"
    tags: list[Text] = Field(default_factory=list)
    parameters: dict[VariableName, Parameter] = Field(default_factory=dict)
    require: list[Text] = Field(default_factory=list)
    phrasings: dict[Name, Text] = Field(min_length=1)
    environment: Surroundings = Surroundings()
    tools: list[ToolName] = Field(default_factory=list)
    grader: Text
    accepts: list[Text] = Field(default_factory=list)
    grading: dict[str, Any] = Field(default_factory=dict)
    grading_from: Text | None = None
    hidden_from: Text | None = None
    reference: Reference
    decoys: Text | None = None
    inputs: dict[VariableName, Input] = Field(default_factory=dict)
    output: Output | None = None


def joined(folder: str, path: str) -> str:
    """A path below another, as text."""
    return PurePosixPath(folder, path).as_posix()
