"""Calls as an agent writes them, and when one is the wanted one."""

import json
import re
from dataclasses import dataclass
from typing import Any

from tasks.graders._reading import Refused, is_near, is_number, parse_json, parse_jsonl, plain, shown

_MARKS = ("$any_of", "$near", "$anything", "$optional", "$pattern")
_MOST_CALLS = 10_000
_MISSING = object()


@dataclass(frozen=True)
class Call:
    name: str
    arguments: dict[str, Any]


def parse_calls(text: str, where: str) -> list[Call]:
    """From a JSON list, {"calls": [...]} or JSON Lines; also in the shape of chat models. Raises Refused."""
    stripped = text.lstrip()
    one_object = stripped.startswith("{") and len([line for line in text.splitlines() if line.startswith("{")]) == 1
    value = parse_json(text, where) if stripped.startswith("[") or one_object else parse_jsonl(text, where)
    if isinstance(value, dict):
        lists = [inner for key, inner in value.items() if key in ("calls", "tool_calls", "actions")]
        value = lists[0] if lists else [value]
    if not isinstance(value, list):
        raise Refused(f"{where}: a list of calls is wanted")
    if len(value) > _MOST_CALLS:
        raise Refused(f"{where}: more than {_MOST_CALLS} calls")
    return [_read_call(each, f"{where}: call {number}") for number, each in enumerate(value, start=1)]


def _read_call(value: Any, where: str) -> Call:
    if isinstance(value, dict) and isinstance(value.get("function"), dict):
        value = value["function"]
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise Refused(f"{where}: an object with `name` and `arguments` is wanted: {shown(value, 60)}")
    arguments = value.get("arguments", {})
    if isinstance(arguments, str):
        arguments = parse_json(arguments, f"{where}: arguments")
    if not isinstance(arguments, dict):
        raise Refused(f"{where}: `arguments` must be an object")
    return Call(value["name"].strip(), arguments)


def check_wanted(value: Any, where: str) -> None:
    """Raises ValueError for a mark that is not understood; nested values are looked through."""
    if isinstance(value, dict):
        marks = [key for key in value if isinstance(key, str) and key.startswith("$")]
        if marks and (marks[0] not in _MARKS or len(value) != 1):
            raise ValueError(f"{where}: one of {', '.join(_MARKS)} alone is wanted, not {marks[0]}")
        if "$pattern" in value:
            re.compile(value["$pattern"])
        for key, inner in value.items():
            check_wanted(inner, f"{where}/{key}")
    elif isinstance(value, list):
        for inner in value:
            check_wanted(inner, where)


def fits(found: Any, wanted: Any, *, ignore_case: bool = False) -> bool:
    """Whether a value is the wanted one.

    Marks: {$any_of: [..]}, {$near: [value, tolerance]}, {$anything: true}, {$optional: value} (may be left out, else
    must be it), {$pattern: text} (whole match).
    """
    if isinstance(wanted, dict):
        mark = next((key for key in wanted if key in _MARKS), None)
        if mark == "$any_of":
            return any(fits(found, each, ignore_case=ignore_case) for each in wanted[mark])
        if mark == "$near":
            value, tolerance = wanted[mark]
            return is_number(found) and is_near(found, value, absolute=tolerance)
        if mark == "$anything":
            return found is not _MISSING
        if mark == "$optional":
            return found is _MISSING or fits(found, wanted[mark], ignore_case=ignore_case)
        if mark == "$pattern":
            return isinstance(found, str) and re.fullmatch(wanted[mark], found[:1000]) is not None
        return isinstance(found, dict) and not wrong_arguments(found, wanted, ignore_case=ignore_case)
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(fits(ours, theirs, ignore_case=ignore_case) for ours, theirs in zip(found, wanted, strict=True))
        )
    if isinstance(wanted, str):
        return isinstance(found, str) and (plain(found) == plain(wanted) if ignore_case else found == wanted)
    if is_number(wanted):
        return is_number(found) and is_near(found, wanted, relative=1e-9)
    return type(found) is type(wanted) and bool(found == wanted)


def wrong_arguments(found: dict[str, Any], wanted: dict[str, Any], *, ignore_case: bool = False) -> list[str]:
    """Names of those that are wrong, missing, or too much."""
    wrong = [
        name for name, value in wanted.items() if not fits(found.get(name, _MISSING), value, ignore_case=ignore_case)
    ]
    return wrong + [name for name in found if name not in wanted]


def slots_of(call: Call, wanted: dict[str, Any]) -> tuple[int, int]:
    """How many arguments the found call and the wanted one have; an optional one counts where it is given."""
    theirs = sum(
        1
        for name, value in wanted.items()
        if name in call.arguments or not (isinstance(value, dict) and "$optional" in value)
    )
    return len(call.arguments), theirs


def written(call: Call) -> str:
    return shown(f"{call.name}({json.dumps(call.arguments, ensure_ascii=False)})", 100)
