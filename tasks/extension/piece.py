"""A task as extension sees it: what may be replaced in it, what it gives, and all that a task of it needs."""

import json
import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from environments.spec import Limits
from tasks.recipe import Recipe
from tasks.templates.instance import ServiceData


@dataclass(frozen=True)
class Typed:
    """A value with the type by which tasks fit together: person, place, year, number …"""

    type: str
    value: str


@dataclass(frozen=True)
class Step:
    """One atomic task inside of a larger one. `documents`: the files in which what it starts from meets its answer."""

    task: str
    question: str
    answer: str
    documents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Work:
    """What an agent has to do for one file: the text of the instruction, and how the result is graded."""

    instruction: str
    grader: str
    data: dict[str, Any]
    accepts: tuple[str, ...]
    reference: dict[str, bytes]
    hidden: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Surroundings:
    """What a task folder needs besides: what runs in the sandbox, its limits, where the task comes from.

    `recipe`: of the Python packages; None where the standard library is enough.
    """

    services: tuple[ServiceData, ...] = ()
    recipe: Recipe | None = None
    limits: Limits = field(default_factory=Limits)
    agent_timeout_sec: float = 900.0
    verifier_timeout_sec: float = 120.0
    tools: tuple[str, ...] = ()
    family: str = ""
    license: str = ""


@dataclass(frozen=True)
class Piece:
    """`inputs`: name to value, each written somewhere in the instruction. `output`: None where there are several.

    `question` and `description` are the task in one sentence, and its answer as a noun phrase ("the mayor of Karsk");
    '' where the template gives none. `works` has more than one part in chains and in joined tasks.
    """

    id: str
    works: tuple[Work, ...]
    files: dict[str, bytes]
    inputs: dict[str, Typed]
    output: Typed | None
    output_path: str = ""
    question: str = ""
    description: str = ""
    steps: tuple[Step, ...] = ()
    parents: tuple[str, ...] = ()
    by: str = ""
    decoys: tuple[dict[str, bytes], ...] = ()
    around: Surroundings = Surroundings()

    @property
    def level(self) -> int:
        """How many atomic tasks it is made of."""
        return max(1, len(self.steps))

    @property
    def instruction(self) -> str:
        if len(self.works) == 1:
            return self.works[0].instruction
        return "\n\n".join(work.instruction.strip() for work in self.works) + "\n"

    @property
    def reference(self) -> dict[str, bytes]:
        return {path: content for work in self.works for path, content in work.reference.items()}

    @property
    def key(self) -> str:
        """12 hex digits of what the agent gets and how it is graded."""
        content = sha256(json.dumps([self.by, self.instruction, [[w.grader, w.data] for w in self.works]]).encode())
        for path, data in sorted(self.files.items()):
            content.update(f"\0{path}\0{len(data)}\0".encode() + data)
        return content.hexdigest()[:12]


class Refused(Exception):
    """These pieces do not go together. `reason` is short and countable, `detail` names what met."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.detail = reason, detail


def holds(text: str, value: str) -> bool:
    """True where a text has the value as words of its own, in whatever case, with or without commas in numbers."""
    return bool(value.strip()) and _pattern(value).search(text) is not None


def replaced(text: str, value: str, phrase: str) -> str:
    """The text with another phrase wherever the value stands as words of its own, in its own case."""
    return re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", lambda found: phrase, text)


def _pattern(value: str) -> re.Pattern[str]:
    """`14320` finds `14,320` too; a space finds any white space."""
    written = re.escape(value.strip()).replace(r"\ ", r"\s+")
    if value.strip().isdigit():
        digits = value.strip()
        written = rf"(?:{written}|{re.escape(f'{int(digits):,}')})"
        return re.compile(rf"(?<![\w.,]){written}(?!\w|[.,]\d)|(?<!\w){written}(?![\w]|[.,]\d)")
    return re.compile(rf"(?<!\w){written}(?!\w)", re.IGNORECASE)
