"""A candidate: a possible task that has not been validated; and what became of it."""

import json
from collections.abc import Iterator
from hashlib import sha256
from random import Random
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from environments.diff import Diff
from tasks.repository import Repository


class Place(BaseModel):
    """A definition that a candidate touches, in the clean file. Lines count from 1."""

    model_config = ConfigDict(frozen=True)

    path: str
    symbol: str = Field(description="qualified name of the function or class, e.g. 'Lexer.get_tokens'")
    first_line: int = Field(description="of the definition")
    last_line: int
    changed_lines: tuple[int, ...] = Field(description="lines that the change touches")


class Brief(BaseModel):
    """What an instruction is rendered from. Each brief of a candidate gives a task of its own."""

    model_config = ConfigDict(frozen=True)

    name: str = Field("", pattern=r"^[a-z0-9-]*$", description="goes into the task's id, e.g. 'lazy'")
    template: str = Field("report.md.j2", description="file below tasks/instructions/")
    context: dict[str, Any] = Field(default_factory=dict, description="the template's own variables")
    shows_failures: bool = Field(True, description="False: no failing test is named, and the agent may run none")


class Candidate(BaseModel):
    """A change of the source that might make a task.

    Paths are relative to the source. Without `reference`, the task is to get back to the clean source.
    """

    model_config = ConfigDict(frozen=True)

    generator: str
    kind: str = Field(description="what was done, e.g. 'a + b → a - b'")
    family: str = "repository"
    places: tuple[Place, ...] = Field(min_length=1)
    files: dict[str, bytes] = Field(default_factory=dict, description="laid over the clean source for the agent")
    absent: tuple[str, ...] = Field((), description="clean files that the agent does not get")
    hidden: dict[str, bytes] = Field(
        default_factory=dict, description="files that only the verifier has, over the repository's own tests"
    )
    reference: Diff | None = Field(None, description="from the agent's files to the solved state")
    allowed: tuple[str, ...] = Field((), description="otherwise protected paths that the agent may write")
    briefs: tuple[Brief, ...] = Field((Brief(),), min_length=1)
    details: dict[str, Any] = Field(default_factory=dict, description="plain data, kept in the task's provenance")

    @property
    def path(self) -> str:
        return self.places[0].path

    @property
    def symbol(self) -> str:
        return self.places[0].symbol

    @property
    def is_bug(self) -> bool:
        """The solved state is the clean source, and its own tests alone decide."""
        return self.reference is None and not self.hidden

    @property
    def id(self) -> str:
        """Content hash, 12 hex digits: the same change has the same id whoever generated it."""
        content = sha256()
        for path, data in sorted(self.files.items()):
            content.update(f"{len(path)} {path} {len(data)} ".encode() + data)
        if self.absent or not self.is_bug:
            solved = [(each.path, each.after) for each in self.reference.changes] if self.reference else []
            rest = (sorted(self.absent), sorted(self.hidden.items()), sorted(self.allowed), solved)
            content.update(json.dumps(rest, default=lambda data: sha256(data).hexdigest()).encode())
        return content.hexdigest()[:12]


class Rejection(BaseModel):
    """Why a candidate is not a task; kept, and counted in the yield table."""

    model_config = ConfigDict(frozen=True)

    candidate_id: str
    generator: str
    reason: str = Field(description="short and countable: 'no test reaches it', 'survived', 'timeout', ...")
    detail: str = ""


class Generator(Protocol):
    """Turns a repository into candidates. The same seed gives the same candidates in the same order.

    None stands for "nothing now, maybe later". A generator may have `accepted(candidate)`, which is told of each
    candidate that became a task, in order; and `skipped`, rejections of what it did not even propose, read at the end.
    """

    @property
    def name(self) -> str: ...

    def candidates(self, repository: Repository, rng: Random) -> Iterator[Candidate | None]: ...
