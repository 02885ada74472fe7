"""The `json` grader: a JSON file equal to the wanted value, or of the wanted shape, place by place."""

from dataclasses import dataclass, field
from typing import Any

from tasks.graders._json_compare import Rules, compare
from tasks.graders._json_schema import BadSchema, check_schema, violations
from tasks.graders._reading import Refused, parse_json, read_text
from tasks.graders.grading import CannotGrade, Grade, Part, Work, failed

_MOST_PARTS = 200
_MOST_PARTIAL = 0.999


@dataclass(frozen=True)
class JsonData:
    """Paths are JSON pointers in which `*` stands for any key or index: /orders/*/id.

    `ignore`: places that are not looked at. `unordered`: lists whose order does not matter. `extra_keys`: keys that
    nobody asked for are allowed. `schema`: a subset of JSON Schema (docs/verifiers.md); alone with `only_schema`.
    `partial`: the share of places that are right is the reward; else 0 or 1.
    """

    expected: Any = None
    output: str = "answer.json"
    schema: dict[str, Any] = field(default_factory=dict)
    only_schema: bool = False
    ignore: list[str] = field(default_factory=list)
    unordered: list[str] = field(default_factory=list)
    extra_keys: bool = False
    absolute_tolerance: float = 0.0
    relative_tolerance: float = 1e-9
    ignore_case: bool = False
    partial: bool = True


class JsonGrader:
    name = "json"
    Data = JsonData

    async def grade(self, work: Work, data: Any) -> Grade:
        """Raises CannotGrade for a schema with words that are not understood, or nothing to compare with."""
        if data.only_schema and not data.schema:
            raise CannotGrade("json: `only_schema` needs a `schema`")
        try:
            check_schema(data.schema)
        except BadSchema as error:
            raise CannotGrade(f"json: schema: {error}") from error
        try:
            found = parse_json(await read_text(work, data.output), data.output)
        except Refused as reason:
            return failed(data.output, str(reason))
        parts: list[Part] = []
        if data.schema:
            wrong = violations(found, data.schema)
            parts += [Part(f"schema {where}", False, why) for where, why in wrong] or [Part("schema", True)]
        if not data.only_schema:
            rules = Rules(
                ignore=tuple(data.ignore),
                unordered=tuple(data.unordered),
                extra_keys=data.extra_keys,
                absolute=data.absolute_tolerance,
                relative=data.relative_tolerance,
                ignore_case=data.ignore_case,
            )
            parts += compare(found, data.expected, rules)
        right = sum(part.passed for part in parts)
        if parts and right == len(parts):
            reward = 1.0
        else:
            reward = min(_MOST_PARTIAL, right / max(1, len(parts))) if data.partial else 0.0
        return Grade(reward, tuple(sorted(parts, key=lambda part: part.passed)[:_MOST_PARTS]))
