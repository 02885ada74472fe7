"""What a flow is asked to do: plain data that Prefect can store and show as a run's parameters.

No secrets in here: a model's key stays in the settings of the process that calls it.
"""

from pathlib import Path
from typing import Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agents.agent import AgentLimits
from environments.yaml_model import read_model
from flows.engines import EngineName
from flows.errors import UsageError
from trajectories.exports import Calls, WithAttempts


class Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GenerateRequest(Request):
    """Make `n` validated tasks from a source, a template, or of each family (`all`: of every one).

    Of a source: `generators` empty: all kinds of bugs that need no model; `model`: writes the issue reports, and is
    asked by the generators that need one. Of templates: `phrasing`: one by name, or all.
    """

    source: str = ""
    template: Path | None = None
    family: str = ""
    phrasing: str = ""
    out: Path
    n: int = Field(20, gt=0)
    seed: int = 0
    generators: tuple[str, ...] = ()
    model: str = ""
    contamination: Path | None = Field(None, description="list of benchmarks; tasks that are part of one are marked")

    @model_validator(mode="after")
    def _has_one_origin(self) -> Self:
        given = [name for name in ("source", "template", "family") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"give exactly one of source, template and family{', not ' * bool(given)}"
                             f"{' and '.join(given)}")  # fmt: skip
        of_sources = [name for name in ("generators", "model", "contamination") if getattr(self, name)]
        if not self.source and of_sources:
            raise ValueError(f"{of_sources[0]} goes with a source; a {given[0]} has none")
        if self.source and self.phrasing:
            raise ValueError("phrasing goes with a template or a family; a source has none")
        return self

    @property
    def origin(self) -> str:
        """What the tasks are made from, in a word."""
        return self.source or (f"template {self.template}" if self.template else f"family {self.family}")


class AgentRequest(Request):
    """One row of the pass-rate table: an agent, its model if it needs one, how often and within what."""

    agent: str
    model: str = ""
    attempts: int = Field(1, gt=0)
    limits: AgentLimits = AgentLimits()
    options: dict[str, object] = Field(default_factory=dict, description="the agent's own settings")


class RolloutRequest(Request):
    """Every agent on every task of a suite (or on `tasks`, if any are named), each attempt once."""

    suite: Path
    agents: tuple[AgentRequest, ...] = Field(min_length=1)
    tasks: tuple[str, ...] = ()
    # The file and not what it says: that may hold keys.
    tools: Path | None = Field(None, description="file of tools beside the tasks' own (docs/tools.md)")


Check = Literal["leaks", "cheats", "strength", "contamination", "duplicates"]
# What an audit does unless told otherwise: can a task be cheated? The others ask whether it belongs into the data.
CHECKS: tuple[Check, ...] = ("leaks", "cheats", "strength")


class AuditRequest(Request):
    """Can the tasks of a suite (or `tasks`, if any are named) be solved without the work? Do they belong in data?"""

    suite: Path
    checks: tuple[Check, ...] = CHECKS
    tasks: tuple[str, ...] = ()
    contamination: Path | None = Field(None, description="the list that the check of this name compares with")
    against: tuple[Path, ...] = Field(
        (), description="suites that come before this one: duplicates of theirs are found"
    )
    out: Path | None = Field(None, description="a suite to write of the tasks without a finding")


class ExportRequest(Request):
    """One export of the store; only verified successes unless `include_failures`, none that tried to cheat.

    `attempts: only` writes those that did, as negatives (`label: false`).
    """

    to: str = "trl"
    out: Path
    where: str = ""
    dataset: str = Field("", description="NAME or NAME@VERSION: the rollouts of a frozen dataset alone")
    include_failures: bool = False
    include_privileged: bool = Field(False, description="also rollouts of agents that were given the reference")
    include_findings: bool = Field(False, description="also rollouts of tasks in which an audit found a fault")
    include_marked: bool = Field(False, description="also tasks and rollouts that people marked bad")
    attempts: WithAttempts = "exclude"
    calls: Calls = Field("native", description="json: as text, for models whose chat template knows no tools")
    tokenizer: Path | None = Field(None, description="folder or GGUF file; rows are rendered and checked with it")
    only: Literal["", "jsonl", "parquet"] = Field("", description="one of the two alone; Parquet alone is quickest")
    split_by: str = "repository"
    test_share: float = Field(0.1, ge=0.0, lt=1.0)
    seed: int = 0
    overwrite: bool = False
    push: str = Field("", description="OWNER/NAME: a data set on the Hugging Face hub; needs a token (HF_TOKEN)")
    public: bool = Field(False, description="with push: a data set that is made is public, else private")


class PipelineRequest(Request):
    """The whole way, as read from `gristmill run FILE.yaml`: generate, then rollouts, then exports."""

    generate: GenerateRequest
    audit: bool = Field(False, description="audit the suite before its rollouts; exports leave out what it finds")
    rollout: tuple[AgentRequest, ...] = Field((), description="agents to roll out on the suite that was made")
    export: tuple[ExportRequest, ...] = ()
    backend: str | None = None
    jobs: int | None = Field(None, gt=0)
    engine: EngineName | None = Field(None, description="where batches run: docs/many-machines.md")
    store: str | None = None


def load_pipeline(file: Path) -> PipelineRequest:
    """Read and check a pipeline file. Raises UsageError naming file, field and line."""
    return load_request(file, PipelineRequest, holds="`generate:`, `rollout:` and `export:`")


Read = TypeVar("Read", bound=Request)


def load_request(file: Path, kind: type[Read], *, holds: str, whole: str = "") -> Read:
    """A YAML file as a request. `holds`: what its mapping is expected to have; `whole`: how the file itself is named.

    Raises UsageError naming file, field and line.
    """
    return read_model(file, kind, fault=UsageError, holds=holds, whole=whole)
