"""How one value of a table is compared with the wanted one: exact, text, number, date, url or set."""

import json
import re
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Any
from urllib.parse import unquote, urlsplit

from tasks.graders._numbers import parse_number
from tasks.graders._reading import is_near, is_number, plain

KINDS = ("exact", "text", "number", "date", "url", "set")
_OPTIONS = {
    "text": {"ignore_case", "ignore_punctuation", "ignore_articles"},
    "number": {"absolute", "relative", "decimal"},
    "date": {"day_first"},
    "set": {"separator"},
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ISO = re.compile(
    r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2})(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?)?)?"
)
_NUMERIC = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})")
_DAY_FIRST = re.compile(r"(?:(\d{1,2})(?:st|nd|rd|th|\.)? )?([a-z]{3,9})\.?,? (\d{4})")
_MONTH_FIRST = re.compile(r"([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})")


def read_comparison(given: object) -> dict[str, Any]:
    """A kind, or a mapping with the kind under `as` and its options. Raises ValueError saying what is wrong."""
    options = {"as": given} if isinstance(given, str) else given
    if not isinstance(options, Mapping) or options.get("as") not in KINDS:
        raise ValueError(f"a comparison is one of {', '.join(KINDS)}, or a mapping with `as`, not {given!r}")
    if unknown := set(options) - {"as"} - _OPTIONS.get(options["as"], set()):
        raise ValueError(f"comparison {options['as']} has no option {', '.join(sorted(map(str, unknown)))}")
    return dict(options)


def is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def are_equal(found: object, wanted: object, how: Mapping[str, Any]) -> bool:
    """`how`: from read_comparison. No value and an empty one are the same."""
    if is_empty(found) or is_empty(wanted):
        return is_empty(found) and is_empty(wanted)
    if how["as"] == "number":
        ours, theirs = (_number(value, how.get("decimal", ".")) for value in (found, wanted))
        if ours is None or theirs is None:
            return False
        return is_near(ours, theirs, relative=how.get("relative", 1e-9), absolute=how.get("absolute", 0.0))
    ours_form, theirs_form = normal_form(found, how), normal_form(wanted, how)
    return ours_form is not None and ours_form == theirs_form


def normal_form(value: object, how: Mapping[str, Any]) -> object:
    """Hashable; equal for equal values, but for a number's tolerance. None where it is no such value."""
    if is_empty(value):
        return ""
    kind = how["as"]
    if kind == "number":
        return _number(value, how.get("decimal", "."))
    if kind == "set":
        return _members(value, how.get("separator"))
    text = as_text(value)
    if kind == "exact":
        return text
    if kind == "date":
        return parse_date(text, day_first=how.get("day_first"))
    if kind == "url":
        return normal_url(text)
    flags = {name: bool(how[name]) for name in _OPTIONS["text"] if name in how}
    return plain(text, **flags)


def as_text(value: object) -> str:
    """As a person would write it in a cell: 3 and 3.0 are the same, True is `true`."""
    if isinstance(value, str):
        return value
    if is_number(value) and float(value) == int(value):  # type: ignore[arg-type,call-overload]
        return str(int(value))  # type: ignore[call-overload]
    return json.dumps(value, sort_keys=True, default=str)


def parse_date(text: str, *, day_first: bool | None = None) -> tuple[int, ...] | None:
    """(year,), (year, month) or (year, month, day). 03/04/2024 is no date unless `day_first` says how to read it."""
    text = " ".join(unicodedata.normalize("NFKC", text).lower().split())[:60]
    if found := _ISO.fullmatch(text.upper()):
        return _real_date(*(int(part) for part in found.groups() if part is not None))
    if found := _NUMERIC.fullmatch(text):
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        if found[2] == ".":
            day_first = True  # only written so where the day comes first
        if day_first is None and first != second:
            if max(first, second) <= 12:
                return None
            day_first = first > 12
        return _real_date(year, second, first) if day_first else _real_date(year, first, second)
    if found := _MONTH_FIRST.fullmatch(text):
        return _named(found[3], found[1], found[2])
    if found := _DAY_FIRST.fullmatch(text):
        return _named(found[3], found[2], found[1])
    return None


def normal_url(text: str) -> str | None:
    """Without what does not change where it leads: scheme of the web, `www.`, default port, last slash, fragment."""
    text = text.strip()
    if any(letter.isspace() for letter in text):
        return None
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or (parts.scheme not in ("http", "https") and "://" in text and not parts.scheme):
        return None
    scheme = "web" if parts.scheme in ("http", "https") else parts.scheme
    shown_port = f":{port}" if port not in (None, 80, 443) else ""
    query = f"?{parts.query}" if parts.query else ""
    host = parts.hostname.removeprefix("www.").rstrip(".")
    return f"{scheme}://{host}{shown_port}{unquote(parts.path).rstrip('/')}{query}"


def _named(year: str, month: str, day: str | None) -> tuple[int, ...] | None:
    if month[:3] not in _MONTHS:
        return None
    number = _MONTHS.index(month[:3]) + 1
    if not date(2000, number, 1).strftime("%B").lower().startswith(month.removesuffix(".")) and month != "sept":
        return None
    return _real_date(int(year), number, *([int(day)] if day else []))


def _real_date(*parts: int) -> tuple[int, ...] | None:
    try:
        date(*parts, *(1,) * (3 - len(parts)))
    except ValueError:
        return None
    return parts


def _number(value: object, decimal: str) -> float | None:
    if is_number(value):
        try:
            return float(value)  # type: ignore[arg-type]
        except OverflowError:
            return None
    return parse_number(value, decimal=decimal) if isinstance(value, str) else None


def _members(value: object, separator: str | None) -> frozenset[str]:
    """A JSON list's members, or a text's parts between `separator` (default: `;`, `|` or a comma)."""
    if isinstance(value, str) and value.strip().startswith("["):
        with suppress(ValueError, RecursionError):  # else a text that only looks like a list
            value = json.loads(value)
    parts: list[Any]
    if isinstance(value, list):
        parts = value
    else:
        text = as_text(value)
        parts = text.split(separator) if separator else re.split(r"[;|,\n]", text)
    return frozenset(form for form in (plain(as_text(part)) for part in parts) if form)
