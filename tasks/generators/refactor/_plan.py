"""A refactor as data: the spans that it edits, the checks that its task carries, and what a brief may say."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.candidate import Place
from tasks.generators.refactor._project import Project


@dataclass(frozen=True, order=True)
class Splice:
    """Bytes `start` to `end` of the clean file at `path` become `text`."""

    path: str
    start: int
    end: int
    text: bytes


@dataclass(frozen=True)
class Check:
    """One test of the task's check file: its name, and statements that call the check library."""

    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """One refactor. `says` holds the variables of the kind's own templates (tasks/instructions/refactor_KIND.md.j2)."""

    kind: str
    symbol: str
    new_name: str
    place: Place
    splices: tuple[Splice, ...]
    checks: tuple[Check, ...]
    says: Mapping[str, Any]
    created: Mapping[str, bytes] = field(default_factory=dict)
    words: frozenset[str] = frozenset()  # identifiers that it takes away or brings

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(sorted({each.path for each in self.splices} | set(self.created)))


class NotSure(Exception):
    """A symbol that is left alone; `reason` is short and countable."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def applied(project: Project, splices: Iterable[Splice]) -> dict[str, bytes]:
    """The files after all edits. Raises NotSure where two of them overlap; equal ones count once."""
    by_path: dict[str, list[Splice]] = {}
    for each in sorted(set(splices)):
        by_path.setdefault(each.path, []).append(each)
    done: dict[str, bytes] = {}
    for path, edits in by_path.items():
        parts: list[bytes] = []
        at, data = 0, project.files[path].data
        for edit in edits:
            if edit.start < at:
                raise NotSure("edits overlap", path)
            parts += [data[at : edit.start], edit.text]
            at = edit.end
        done[path] = b"".join([*parts, data[at:]])
    return done
