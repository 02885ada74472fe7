"""What a domain is made of: resources with fields, and operations that change them."""

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["person", "town", "email", "company", "date", "time", "money", "count", "word", "phrase", "code", "ref"]


@dataclass(frozen=True)
class Field:
    """`of`: the words to draw from, the resource that a ref leads to, or (least, most) of a number.

    `label`: how people call it.
    """

    kind: Kind
    of: Any = ()
    label: str = ""


@dataclass(frozen=True)
class Resource:
    """`told`: how people tell one record from others, the shortest first; {a.b} follows a reference.

    `own`: fields that operations set and callers never give when they create one, with their first values. `shows`:
    what a list shows of each record beside its id; the rest is on the record's own page.
    """

    name: str
    plural: str
    prefix: str
    fields: dict[str, Field]
    told: tuple[str, ...]
    shows: tuple[str, ...]
    own: dict[str, Any] = field(default_factory=dict)
    count: tuple[int, int] = (25, 45)
    filters: tuple[str, ...] = ()
    searches: str = ""
    states: tuple[str, ...] = ()  # what `status` of the records at hand may be


@dataclass(frozen=True)
class Operation:
    """One that changes something. `say`: how somebody asks for it; {it} is the record, other names are arguments.

    Without `say` nobody asks for it: it is there to be taken for another.
    `sets`: fields and their new values; `when`: field -> values that it must have before.
    `takes`: arguments by name; for `change` they are fields of the record.
    """

    name: str
    does: Literal["create", "preview", "change", "add", "move", "remove"]
    resource: str
    path: str
    summary: str
    say: str = ""
    method: str = "POST"
    sets: dict[str, Any] = field(default_factory=dict)
    when: dict[str, list[Any]] = field(default_factory=dict)
    takes: dict[str, Field] = field(default_factory=dict)
    amount: str = ""
    ends: tuple[str, str] = ("", "")
    field: str = ""
    sign: int = 1


@dataclass(frozen=True)
class Domain:
    name: str
    title: str
    resources: tuple[Resource, ...]
    operations: tuple[Operation, ...]


def ref(resource: str, label: str = "") -> Field:
    return Field("ref", resource, label or resource.replace("_", " "))


def words(*of: str) -> Field:
    return Field("word", of)


def count(least: int, most: int) -> Field:
    return Field("count", (least, most))


def money(least: int, most: int) -> Field:
    return Field("money", (least, most))


def day(label: str = "date") -> Field:
    return Field("date", (), label)


def phrase(*of: str) -> Field:
    return Field("phrase", of)
