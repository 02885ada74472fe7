"""A subset of JSON Schema (draft 2020-12): what a task needs to say which shape an answer has."""

import re
from collections.abc import Iterator
from typing import Any

from tasks.graders._reading import is_number, shown

_WORDS = {
    "type", "enum", "const", "properties", "required", "additionalProperties", "items", "minItems", "maxItems",
    "uniqueItems", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
    "maxLength", "pattern", "minProperties", "maxProperties", "anyOf", "allOf", "oneOf", "not",
    "title", "description", "$schema", "$id", "default", "examples",
}  # fmt: skip
_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
_MOST_PATTERN_TEXT = 10_000  # letters; patterns are the task's, but the text is not


class BadSchema(Exception):
    """The schema itself is wrong, or uses what is not understood."""


def check_schema(schema: Any, where: str = "") -> None:
    """Raises BadSchema for words that would silently not be checked."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        raise BadSchema(f"{where or '/'}: a schema is an object, or true or false")
    if unknown := set(schema) - _WORDS:
        raise BadSchema(f"{where or '/'}: not understood: {', '.join(sorted(map(str, unknown)))}")
    for kind in _types(schema):
        if kind not in _TYPES:
            raise BadSchema(f"{where}/type: {kind!r} is none of {', '.join(_TYPES)}")
    if "pattern" in schema:
        try:
            re.compile(schema["pattern"])
        except (re.error, TypeError) as error:
            raise BadSchema(f"{where}/pattern: {error}") from error
    for word in ("items", "additionalProperties", "not"):
        if word in schema:
            check_schema(schema[word], f"{where}/{word}")
    for name, inner in schema.get("properties", {}).items():
        check_schema(inner, f"{where}/properties/{name}")
    for word in ("anyOf", "allOf", "oneOf"):
        for index, inner in enumerate(schema.get(word, [])):
            check_schema(inner, f"{where}/{word}/{index}")


def violations(value: Any, schema: Any, path: str = "", most: int = 50) -> list[tuple[str, str]]:
    """(place, what is wrong there), at most `most`; none where the value fits. The schema is a checked one."""
    found: list[tuple[str, str]] = []
    for each in _violations(value, schema, path):
        found.append(each)
        if len(found) == most:
            break
    return found


def _violations(value: Any, schema: Any, path: str) -> Iterator[tuple[str, str]]:
    place = shown(path) or "/"
    if isinstance(schema, bool):
        if not schema:
            yield place, "nothing is allowed here"
        return
    kinds = _types(schema)
    if kinds and not any(_is_of(value, kind) for kind in kinds):
        yield place, f"{' or '.join(kinds)} wanted, found: {shown(value, 60)}"
        return
    if "const" in schema and not same(value, schema["const"]):
        yield place, f"{shown(schema['const'], 60)} wanted, found: {shown(value, 60)}"
    if "enum" in schema and not any(same(value, each) for each in schema["enum"]):
        yield place, f"none of the values allowed: {shown(value, 60)}"
    yield from _of_alternatives(value, schema, path, place)
    if isinstance(value, dict):
        yield from _of_object(value, schema, path, place)
    elif isinstance(value, list):
        yield from _of_list(value, schema, path, place)
    elif isinstance(value, str):
        yield from _within(len(value), schema, place, "minLength", "maxLength", "letters")
        if "pattern" in schema and not re.search(schema["pattern"], value[:_MOST_PATTERN_TEXT]):
            yield place, f"does not match {schema['pattern']}: {shown(value, 60)}"
    elif is_number(value):
        yield from _of_number(value, schema, place)


def _of_alternatives(value: Any, schema: dict[str, Any], path: str, place: str) -> Iterator[tuple[str, str]]:
    for inner in schema.get("allOf", []):
        yield from _violations(value, inner, path)
    if "anyOf" in schema and not any(_fits(value, inner) for inner in schema["anyOf"]):
        yield place, "fits none of anyOf"
    if "oneOf" in schema and (count := sum(_fits(value, inner) for inner in schema["oneOf"])) != 1:
        yield place, f"fits {count} of oneOf, not exactly one"
    if "not" in schema and _fits(value, schema["not"]):
        yield place, "fits what it must not"


def _of_object(value: dict[str, Any], schema: dict[str, Any], path: str, place: str) -> Iterator[tuple[str, str]]:
    known = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            yield f"{place.rstrip('/')}/{name}", "missing"
    for name, inner in value.items():
        yield from _violations(inner, known.get(name, schema.get("additionalProperties", True)), f"{path}/{name}")
    yield from _within(len(value), schema, place, "minProperties", "maxProperties", "keys")


def _of_list(value: list[Any], schema: dict[str, Any], path: str, place: str) -> Iterator[tuple[str, str]]:
    yield from _within(len(value), schema, place, "minItems", "maxItems", "members")
    for index, inner in enumerate(value):
        yield from _violations(inner, schema.get("items", True), f"{path}/{index}")
    if schema.get("uniqueItems") and any(same(a, b) for i, a in enumerate(value[:500]) for b in value[:i]):
        yield place, "a member comes twice"


def _of_number(value: float, schema: dict[str, Any], place: str) -> Iterator[tuple[str, str]]:
    yield from _within(value, schema, place, "minimum", "maximum", "")
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        yield place, f"must be above {schema['exclusiveMinimum']}"
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        yield place, f"must be below {schema['exclusiveMaximum']}"
    if "multipleOf" in schema and abs(value / schema["multipleOf"] - round(value / schema["multipleOf"])) > 1e-9:
        yield place, f"no multiple of {schema['multipleOf']}"


def _within(
    value: float, schema: dict[str, Any], place: str, least: str, most: str, what: str
) -> Iterator[tuple[str, str]]:
    if least in schema and value < schema[least]:
        yield place, f"at least {schema[least]} {what} wanted, found {value}".replace("  ", " ")
    if most in schema and value > schema[most]:
        yield place, f"at most {schema[most]} {what} wanted, found {value}".replace("  ", " ")


def same(ours: Any, theirs: Any) -> bool:
    """JSON equality: 1 is 1.0, but true is not 1."""
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(value, theirs[key]) for key, value in ours.items())
    return bool(ours == theirs)


def _fits(value: Any, schema: Any) -> bool:
    return next(_violations(value, schema, ""), None) is None


def _types(schema: dict[str, Any]) -> list[str]:
    kinds = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else list(kinds)


def _is_of(value: Any, kind: str) -> bool:
    if kind == "number":
        return is_number(value)
    if kind == "integer":
        return is_number(value) and float(value).is_integer()
    of = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}[kind]
    return isinstance(value, of)
