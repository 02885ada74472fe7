"""What a memory may hold: tables with typed fields, and the edits that amend them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agents.memory.errors import PieceFault

FieldType = Literal["text", "number", "boolean"]
_JSON_TYPES: dict[FieldType, dict[str, Any]] = {
    "text": {"type": "string", "maxLength": 200},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
}


class Table(BaseModel):
    """`key`: the fields that say which record it is; a record with the same key takes the place of the old one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fields: dict[str, FieldType] = Field(min_length=1)
    key: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_its_key(self) -> "Table":
        if strays := set(self.key) - set(self.fields):
            raise ValueError(f"key: no such field: {', '.join(sorted(strays))}")
        return self


class Schema(BaseModel):
    """Tables by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tables: dict[str, Table] = Field(min_length=1)

    def described(self) -> str:
        """For the prompt, one line a table, the fields of the key marked by a star."""
        return "\n".join(
            f"- {name}: "
            + ", ".join(f"{field}{'*' * (field in table.key)} ({kind})" for field, kind in table.fields.items())
            for name, table in self.tables.items()
        )

    def of_edits(self, most: int) -> dict[str, Any]:
        """JSON schema of a list of at most `most` edits."""
        branches = []
        for name, table in self.tables.items():
            record = {
                "type": "object",
                "properties": {field: _JSON_TYPES[kind] for field, kind in table.fields.items()},
                "required": list(table.fields),
                "additionalProperties": False,
            }
            branches.append(
                {
                    "type": "object",
                    "properties": {"do": {"enum": ["put", "remove"]}, "table": {"const": name}, "record": record},
                    "required": ["do", "table", "record"],
                    "additionalProperties": False,
                }
            )
        edits = {"type": "array", "maxItems": most, "items": {"anyOf": branches}}
        return {"type": "object", "properties": {"edits": edits}, "required": ["edits"], "additionalProperties": False}


FACTS = Schema(
    tables={
        "facts": Table(fields={"subject": "text", "relation": "text", "value": "text"}, key=("subject", "relation"))
    }
)
"""What is used where no schema is given: who or what, in which respect, and what holds."""


class Edit(BaseModel):
    """`put`: add, or replace the record of that key; `remove`: by the key alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    do: Literal["put", "remove"]
    table: str
    record: dict[str, Any]


class TypedStore:
    """Records by table and key. Those that were changed last stand last, so that the text before them stays the same:
    a server with a prefix cache reads again only from the first change on.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._records: dict[tuple[str, tuple[str, ...]], dict[str, Any]] = {}

    def __len__(self) -> int:
        return len(self._records)

    def amend(self, edit: Edit) -> str:
        """What is wrong with the edit, empty where it was taken: unknown table or field, wrong type, no such record."""
        table = self.schema.tables.get(edit.table)
        if table is None:
            return f"no table {edit.table!r}"
        if strays := set(edit.record) - set(table.fields):
            return f"{edit.table} has no field {min(strays)!r}"
        if missing := [field for field in table.key if not _fits(edit.record.get(field), table.fields[field])]:
            return f"{edit.table}.{missing[0]}: no {table.fields[missing[0]]}"
        key = (edit.table, tuple(str(edit.record[field]).casefold() for field in table.key))
        if edit.do == "remove":
            return "" if self._records.pop(key, None) is not None else "no such record"
        for field, kind in table.fields.items():
            if not _fits(edit.record.get(field), kind):
                return f"{edit.table}.{field}: no {kind}"
        if self._records.get(key) != edit.record:
            self._records.pop(key, None)
            self._records[key] = dict(edit.record)
        return ""

    def drop(self, lines: set[str]) -> None:
        """Forget the records that are written so."""
        self._records = {key: record for key, record in self._records.items() if _line(key[0], record) not in lines}

    def lines(self) -> list[str]:
        return [_line(table, record) for (table, _), record in self._records.items()]


def _line(table: str, record: Mapping[str, Any]) -> str:
    return f"{table}: " + " | ".join(f"{field}={value}" for field, value in record.items())


def _fits(value: Any, kind: FieldType) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str) and bool(value.strip())


def load_schema(file: Path) -> Schema:
    """Raises PieceFault naming file and field."""
    try:
        return Schema.model_validate(yaml.safe_load(file.read_text()))
    except OSError as error:
        raise PieceFault(f"{file}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise PieceFault(f"{file}: no YAML: {error}") from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise PieceFault(f"{file}: {problems}; see docs/memory.md for the form") from error
