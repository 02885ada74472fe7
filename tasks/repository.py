"""A prepared repository: its source, the Python environment its tests run in, and what its clean tests do.

Made once for a source, cached by content; everything that generates or validates starts from it.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from environments.sandbox import Backend
from environments.spec import Limits, SandboxSpec
from tasks.source import Source


class RungResult(BaseModel):
    """One rung of the ladder that finds a repository's test dependencies, and why it failed (or '')."""

    model_config = ConfigDict(frozen=True)

    rung: str
    reason: str = ""


class Recipe(BaseModel):
    """How to make the environment again, here or elsewhere: content-addressed by `id`."""

    model_config = ConfigDict(frozen=True)

    id: str
    python: str = Field(description="major.minor of the interpreter")
    requirements: tuple[str, ...] = Field(description="every distribution pinned, name==version, sorted")
    import_paths: tuple[str, ...] = Field(description="relative to workdir, put on sys.path, e.g. ('src',) or ('',)")
    ladder: tuple[RungResult, ...] = ()


class Repository(BaseModel):
    """What generators and validation work on."""

    model_config = ConfigDict(frozen=True)

    source: Source
    recipe: Recipe
    stable_tests: tuple[str, ...] = Field(description="passed in every clean run, in file and random order")
    unstable_tests: dict[str, str] = Field(default_factory=dict, description="node id -> why it is excluded")
    clean_seconds: dict[str, float] = Field(default_factory=dict, description="node id -> its clean time")
    reached_by: dict[str, dict[int, tuple[int, ...]]] = Field(
        default_factory=dict,
        description="path -> line -> indexes into stable_tests of the tests that execute the line",
    )

    def agent_spec(self, extra_layers: tuple[Path, ...] = (), limits: Limits | None = None) -> SandboxSpec:
        """Code without protected files, in the environment."""
        raise NotImplementedError

    def verifier_spec(self, extra_layers: tuple[Path, ...] = (), limits: Limits | None = None) -> SandboxSpec:
        """Code with protected files, in the environment."""
        raise NotImplementedError

    def tests_reaching(self, path: str, lines: range) -> tuple[str, ...]:
        """Stable tests that execute any of the lines, in file order."""
        raise NotImplementedError


async def prepare_repository(source: Source, backend: Backend, *, cache: Path) -> Repository:
    """Find and build the environment, run the clean tests (with coverage, repeatedly), or load all that.

    Raises BadSource if no rung gives tests that pass; the message lists every rung's reason.
    """
    raise NotImplementedError
