"""A task: an instruction, an environment, a verifier, a reference solution, and provenance.

On disk it is one folder in Harbor's format (`tasks/folder.py` reads and writes it).
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from environments.diff import Diff
from environments.spec import SandboxSpec


class Provenance(BaseModel):
    """Where a task comes from, down to the revision; follows every row made from it."""

    model_config = ConfigDict(frozen=True)

    source: str = Field(description="as given: pypi:NAME==VERSION, git+URL@REV or a path")
    source_hash: str = Field(description="sha256 of the snapshot")
    revision: str = ""
    license: str = Field("", description="SPDX expression or classifier; empty where none is stated")
    repository: str = Field("", description="name by which train/test splits are made, e.g. sqlparse")
    generator: str = ""
    seed: int = 0
    details: dict[str, Any] = Field(default_factory=dict, description="generator's own: kind, path, symbol, lines")


class Task(BaseModel):
    """A validated task, ready to be rolled out. Plain data; specs point at folders on this machine.

    `agent_spec` never holds tests or reference; `verifier_spec` is the same environment with the
    protected files (tests, conftest, CI, build configuration) laid over.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    folder: Path
    instruction: str
    family: str = Field("repository", description="kind of task, for pass-rate tables and splits")
    provenance: Provenance
    agent_spec: SandboxSpec
    verifier_spec: SandboxSpec
    verifier: str = Field("pytest", description="name in the verifier registry")
    verifier_data: dict[str, Any] = Field(default_factory=dict, description="what the verifier reads")
    reference: Diff | None = Field(None, description="None where the folder has no solution")
    solve_script: bytes | None = Field(None, description="solution/solve.sh of a folder written by others")
    agent_timeout_sec: float = 900.0
    verifier_timeout_sec: float = 600.0
    tools: tuple[str, ...] = Field((), description="tools allowed; empty means all")
    status: Literal["validated", "unvalidated"] = "validated"
    config: dict[str, Any] = Field(default_factory=dict, description="task.toml as read, unknown fields kept")
