"""One instance of a template: plain data, all that its task folder is written from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

from environments.spec import Limits

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class ServiceData:
    """A program of the sandbox and what it reads."""

    name: str
    program: bytes
    data: bytes
    port: int
    ready: str


@dataclass(frozen=True)
class Instance:
    """What a draw came to. Paths are relative to the working directory."""

    template: str
    family: str
    instruction: str
    grader: str
    grading: Mapping[str, Any]
    files: Files = field(default_factory=dict)
    hidden: Files = field(default_factory=dict)
    services: tuple[ServiceData, ...] = ()
    packages: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    agent_timeout_sec: float = 900.0
    verifier_timeout_sec: float = 120.0
    tools: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ()
    reference: Files | None = None
    reference_script: str = ""
    decoys: tuple[Files, ...] = ()
    description: str = ""
    license: str = ""
    tags: tuple[str, ...] = ()
    seed: int = 0
    index: int = 0
    phrasing: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    leaves: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    output: Mapping[str, Any] | None = None
    source_hash: str = ""

    @cached_property
    def kinship(self) -> str:
        """12 hex digits over all but the wording: the same for all phrasings of a draw."""
        reference = _hashes(self.reference) if self.reference is not None else self.reference_script
        said = [self._given, reference, self.output, self.parameters]
        return _digest(said)

    @cached_property
    def id(self) -> str:
        """TEMPLATE-<12 hex digits of the content>: instruction, files, grading."""
        return f"{self.template}-{_digest([self._given, self.instruction])}"

    @cached_property
    def _given(self) -> list[Any]:
        """What the agent gets and is judged by."""
        services = [[each.name, _hash(each.program), _hash(each.data), each.port, each.ready] for each in self.services]
        files = [_hashes(self.files), _hashes(self.hidden), services, self.packages]
        return [*files, self.grader, self.grading, self.accepts]


def _digest(said: object) -> str:
    return _hash(json.dumps(said, sort_keys=True).encode())[:12]


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()


def _hashes(files: Files) -> list[tuple[str, str]]:
    return [(path, _hash(content)) for path, content in sorted(files.items())]
