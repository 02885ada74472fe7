"""What somebody wants done: steps that a service really takes, told without any id."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tasks.families.api_calling.model import Domain, Field, Operation, Resource
from tasks.families.api_calling.records import Descriptions, draw, spoken
from tasks.families.api_calling.server import Engine

_MOST_TRIES = 400
_LOOKED_UP = ("money", "date")


@dataclass(frozen=True)
class Step:
    """One call, how it is asked for, and which steps (from 0) must come before it."""

    name: str
    arguments: dict[str, Any]
    said: str
    after: tuple[int, ...] = ()
    looks_up: int = 0  # how many of its values are ids or come from another record


@dataclass
class _Draft:
    """What is known while one step is made."""

    arguments: dict[str, Any] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    after: list[int] = field(default_factory=list)
    touched: list[tuple[str, str]] = field(default_factory=list)
    read: list[tuple[str, str]] = field(default_factory=list)
    looks_up: int = 0


class Planner:
    """Plans against a living engine, so that each step is possible once those before it are done."""

    def __init__(self, rng: random.Random, domains: list[Domain], engine: Engine, names: list[str]) -> None:
        self._rng = rng
        self._engine = engine
        self._names = names
        self.resources: dict[str, Resource] = {each.name: each for domain in domains for each in domain.resources}
        self._operations = [each for domain in domains for each in domain.operations if each.say]
        self.first = Descriptions(engine.service["tables"], self.resources)
        self._touched: set[tuple[str, str]] = set()
        self._read: set[tuple[str, str]] = set()
        self._made: list[tuple[int, str, str]] = []  # step, resource, id
        self.steps: list[Step] = []

    def plan(self, count: int, *, chained: float, looked_up: float) -> bool:
        """Fill `steps`; False where this service does not give as many.

        `chained`: how often a step uses what an earlier one made; `looked_up`: how often a value is another record's.
        """
        used: set[str] = set()
        for _ in range(_MOST_TRIES):
            if len(self.steps) == count:
                return self._is_still_clear()
            operation = self._rng.choice(self._operations)
            made = self._rng.choice(self._made) if self._made and self._rng.random() < chained else None
            if made is not None:
                on_it = [each for each in self._operations if each.does == "change" and each.resource == made[1]]
                operation = self._rng.choice(on_it)
            elif not self._made and self._rng.random() < chained:
                operation = self._rng.choice([each for each in self._operations if each.does == "create"])
            if operation.name in used:
                continue
            draft = _Draft()
            if self._fill(operation, draft, made, looked_up) and self._take(operation, draft):
                used.add(operation.name)
        return False

    def _fill(self, operation: Operation, draft: _Draft, made: tuple[int, str, str] | None, looked_up: float) -> bool:
        if "{id}" in operation.path:
            if made is not None:
                step, resource, key = made
                draft.after.append(step)
                draft.said["it"] = f"the {resource.replace('_', ' ')} of point {step + 1}"
                draft.touched.append((resource, key))
                draft.arguments["id"] = key
                draft.looks_up += 1
            elif not self._choose(operation.resource, "id", "it", draft, is_target=True):
                return False
        for end in filter(None, operation.ends):
            if not self._choose(operation.resource, end, end, draft, is_target=True):
                return False
        for name, what in operation.takes.items():
            if what.kind == "ref":
                if not self._choose(what.of, name, name, draft, is_target=False):
                    return False
            elif not (what.kind in _LOOKED_UP and self._rng.random() < looked_up and self._borrow(name, what, draft)):
                value = draw(self._rng, what, self._engine.tables, self._names)
                draft.arguments[name], draft.said[name] = value, spoken(what, value)
        return True

    def _choose(self, resource: str, name: str, said_as: str, draft: _Draft, *, is_target: bool) -> bool:
        """A record that can be told; a target is nobody else's target or source."""
        keys = list(self._engine.service["tables"][resource])
        for key in self._rng.sample(keys, min(12, len(keys))):
            place = (resource, key)
            if place in self._touched or place in draft.touched or (is_target and place in self._read):
                continue
            if (text := self.first.of(resource, key)) is None:
                continue
            draft.arguments[name], draft.said[said_as] = key, text
            (draft.touched if is_target else draft.read).append(place)
            draft.looks_up += 1
            return True
        return False

    def _borrow(self, name: str, what: Field, draft: _Draft) -> bool:
        """The value of another record's field, told by where it stands."""
        places = list(self._fields_like(what.kind))
        for resource, other in self._rng.sample(places, len(places)):
            label = self.resources[resource].fields[other].label or other.replace("_", " ")
            keys = list(self._engine.service["tables"][resource])
            key = self._rng.choice(keys)
            text = self.first.of(resource, key)
            value = self._engine.service["tables"][resource][key][other]
            is_taken = (resource, key) in self._touched or (resource, key) in draft.touched
            # The text must not say the value itself.
            if text is None or is_taken or spoken(what, value) in text:
                continue
            draft.arguments[name], draft.said[name] = value, f"the {label} of {text}"
            draft.read.append((resource, key))
            draft.looks_up += 1
            return True
        return False

    def _fields_like(self, kind: str) -> Iterator[tuple[str, str]]:
        for resource in self.resources.values():
            for name, each in resource.fields.items():
                if each.kind == kind:
                    yield resource.name, name

    def _take(self, operation: Operation, draft: _Draft) -> bool:
        """Execute it. False where the service refuses, or nothing changes."""
        before = self._engine.changes()
        status, body = self._engine.call(operation.name, draft.arguments)
        if status >= 400 or self._engine.changes() == before:
            return False
        if operation.does == "create":
            self._made.append((len(self.steps), operation.resource, body["id"]))
        self._touched.update(draft.touched)
        self._read.update(draft.read)
        said = re.sub(r"{(\w+)}", lambda match: draft.said[match[1]], operation.say)
        self.steps.append(Step(operation.name, draft.arguments, said, tuple(draft.after), draft.looks_up))
        return True

    def _is_still_clear(self) -> bool:
        """Whether the texts mean the same records when all is done as before: an agent looks at any time."""
        last = Descriptions(self._engine.tables, self.resources)
        for resource, key in (*self._touched, *self._read):
            text = self.first.of(resource, key) if key in self._engine.service["tables"][resource] else None
            if text is not None and set(last.meant_by(resource, text)) - {key}:
                return False
        return True
