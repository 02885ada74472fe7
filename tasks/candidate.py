"""A candidate: a possible task that has not been validated; and what became of it."""

from collections.abc import Iterator
from hashlib import sha256
from random import Random
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from tasks.repository import Repository


class Candidate(BaseModel):
    """A change of the source that might break tests.

    `files` are the changed files' new contents (path relative to the source; bytes).
    """

    model_config = ConfigDict(frozen=True)

    generator: str
    kind: str = Field(description="what was done, e.g. 'a + b → a - b'")
    path: str
    symbol: str = Field(description="qualified name of the function or class, e.g. 'Lexer.get_tokens'")
    first_line: int = Field(description="first line of the definition in the clean file, 1-based")
    last_line: int
    changed_lines: tuple[int, ...] = Field(description="clean file's lines that the change touches")
    files: dict[str, bytes]
    details: dict[str, str] = Field(default_factory=dict)

    @property
    def id(self) -> str:
        """Content hash, 12 hex digits: the same change has the same id whoever generated it."""
        content = sha256()
        for path, data in sorted(self.files.items()):
            content.update(f"{len(path)} {path} {len(data)} ".encode() + data)
        return content.hexdigest()[:12]


class Rejection(BaseModel):
    """Why a candidate is not a task; kept, and counted in the yield table."""

    model_config = ConfigDict(frozen=True)

    candidate_id: str
    generator: str
    reason: str = Field(description="short and countable: 'no test reaches it', 'survived', 'timeout', ...")
    detail: str = ""


class Generator(Protocol):
    """Turns a repository into candidates. The same seed gives the same candidates in the same order."""

    @property
    def name(self) -> str: ...

    def candidates(self, repository: Repository, rng: Random) -> Iterator[Candidate]: ...
