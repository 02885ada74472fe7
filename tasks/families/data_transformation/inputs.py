"""Kinds of texts that are changed: how one is drawn, and the fields that it is made of."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from tasks.families import _words as words
from tasks.families._corrupt import change_case

Fields = dict[str, str]


@dataclass(frozen=True)
class Kind:
    """`draw` gives the text and its fields. `roles` says what each field is, which decides the views it can have."""

    name: str
    draw: Callable[[random.Random], tuple[str, Fields]]
    roles: dict[str, str]


def _messy(rng: random.Random, text: str) -> str:
    """At times in another case, at times with a space too many."""
    if rng.random() < 0.3:
        text = change_case(rng, text)
    return text.replace(" ", "  ", 1) if rng.random() < 0.2 else text


def _person(rng: random.Random) -> tuple[str, Fields]:
    given, _, family = words.person(rng).partition(" ")
    middle = rng.choice(words.GIVEN_NAMES) if rng.random() < 0.5 else ""
    text = _messy(rng, " ".join(filter(None, (given, middle, family))))
    found = text.split()
    return text, {"given": found[0], "middle": found[1] if middle else "", "family": found[-1]}


def _date(rng: random.Random) -> tuple[str, Fields]:
    year, month, day = words.date(rng, 1960, 2035).split("-")
    return f"{year}-{month}-{day}", {"year": year, "month": month, "day": day}


def _time_stamp(rng: random.Random) -> tuple[str, Fields]:
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(1990, 2030)
    hour, minute = rng.randint(0, 23), rng.randint(0, 59)
    fields = {"day": f"{day:02d}", "month": f"{month:02d}", "year": str(year)}
    fields |= {"hour": f"{hour:02d}", "minute": f"{minute:02d}"}
    return "{day}.{month}.{year} {hour}:{minute}".format(**fields), fields


def _phone(rng: random.Random) -> tuple[str, Fields]:
    area, middle, last = words.phone(rng).split("-")
    text = rng.choice((f"({area}) {middle}-{last}", f"{area}.{middle}.{last}", f"{area} {middle} {last}"))
    return text, {"area": area, "exchange": middle, "line": last}


def _address(rng: random.Random) -> tuple[str, Fields]:
    number, street, kind = words.address(rng).split(" ")
    town = rng.choice(words.TOWNS)
    text = _messy(rng, f"{number} {street} {kind}, {town}")
    first, second = text.split(",")
    found = first.split()
    return text, {"number": found[0], "street": found[1], "kind": found[2], "town": second.strip()}


def _email(rng: random.Random) -> tuple[str, Fields]:
    given, family = rng.choice(words.GIVEN_NAMES).lower(), rng.choice(words.FAMILY_NAMES).lower()
    unit, firm = rng.choice(words.SUBJECTS), rng.choice(words.COMPANY_STEMS).lower()
    return f"{given}.{family}@{unit}.{firm}.example", {"given": given, "family": family, "unit": unit, "firm": firm}


def _path(rng: random.Random) -> tuple[str, Fields]:
    top, stem = rng.choice(words.NOUNS), rng.choice(words.NOUNS)
    fields = {"top": top, "year": str(rng.randint(1998, 2025)), "stem": stem, "version": f"{rng.randint(1, 30):02d}"}
    fields["ending"] = rng.choice(("csv", "json", "txt", "xlsx", "pdf", "parquet"))
    return "/srv/{top}/{year}/{stem}_v{version}.{ending}".format(**fields), fields


def _log_line(rng: random.Random) -> tuple[str, Fields]:
    year, month, day = words.date(rng, 2018, 2026).split("-")
    fields = {
        "year": year,
        "month": month,
        "day": day,
        "level": rng.choice(("INFO", "WARN", "ERROR", "DEBUG")),
        "service": rng.choice(words.NOUNS),
        "number": str(rng.randint(100, 599)),
        "verb": rng.choice(words.VERBS),
    }
    return "{year}/{month}/{day} [{level}] {service}: {verb} ended with {number}".format(**fields), fields


def _product(rng: random.Random) -> tuple[str, Fields]:
    kind = rng.choice(sorted(words.PRODUCT_NOUNS))
    fields = {
        "maker": rng.choice(words.COMPANY_STEMS),
        "material": rng.choice(words.MATERIALS),
        "noun": rng.choice(words.PRODUCT_NOUNS[kind]).replace("-", ""),
        "code": f"{chr(65 + rng.randrange(26))}{chr(65 + rng.randrange(26))}",
        "number": str(rng.randint(100, 9999)),
    }
    return "{maker} {material} {noun} ({code}-{number})".format(**fields), fields


_DATE = {"year": "year", "month": "month", "day": "two digits"}

KINDS: tuple[Kind, ...] = (
    Kind("names", _person, {"given": "word", "middle": "optional", "family": "word"}),
    Kind("dates", _date, _DATE),
    Kind("time stamps", _time_stamp, {**_DATE, "hour": "hour", "minute": "digits"}),
    Kind("phone numbers", _phone, {"area": "digits", "exchange": "digits", "line": "digits"}),
    Kind("addresses", _address, {"number": "digits", "street": "word", "kind": "word", "town": "word"}),
    Kind("mail addresses", _email, {"given": "word", "family": "word", "unit": "word", "firm": "word"}),
    Kind("paths", _path, {"top": "word", "year": "year", "stem": "word", "version": "two digits", "ending": "word"}),
    Kind("log lines", _log_line, {**_DATE, "level": "word", "service": "word", "number": "digits", "verb": "word"}),
    Kind(
        "product titles",
        _product,
        {"maker": "word", "material": "word", "noun": "word", "code": "word", "number": "digits"},
    ),
)
