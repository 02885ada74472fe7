"""Kinds of things that two sources describe: how one is drawn, what looks like it and is another, how it is written."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from tasks.families import _words as words
from tasks.families._corrupt import (
    abbreviate,
    change_case,
    change_code,
    change_date,
    change_phone,
    family_first,
    initials,
    typo,
)

Record = dict[str, str]


@dataclass(frozen=True)
class Kind:
    """`twin` gives another thing that is easily taken for this one, and the fields that tell them apart."""

    plural: str
    draw: Callable[[random.Random], Record]
    twin: Callable[[random.Random, Record], tuple[Record, frozenset[str]]]
    telling: str
    """What makes two of them different, in words."""


def rewrite(rng: random.Random, record: Record, keep: frozenset[str], noise: float) -> Record:
    """The record as another source writes it. Fields of `keep` are not left empty; `noise` 0…1: how much happens."""
    return {field: _rewritten(rng, field, value, field in keep, noise) for field, value in record.items()}


def _rewritten(rng: random.Random, field: str, value: str, is_kept: bool, noise: float) -> str:
    if field not in {"name", "title"} and not is_kept and rng.random() < 0.25 * noise:
        return ""
    if rng.random() > 0.35 + 0.6 * noise:
        return value
    match field:
        case "phone":
            return change_phone(rng, value)
        case "born":
            return change_date(rng, value)
        case "size":
            return _other_unit(rng, value)
        case "price":
            return f"{float(value) * rng.uniform(0.9, 1.1):.2f}"
        case "model":
            return change_code(rng, value)
        case "year":
            return value
        case "author" | "person":
            return rng.choice((family_first, initials, lambda name: typo(rng, name)))(value)
        case _:
            text = abbreviate(value) if rng.random() < 0.6 else value
            text = typo(rng, text) if rng.random() < 0.5 + noise / 3 else text
            return change_case(rng, text) if rng.random() < 0.25 else text


def _other_unit(rng: random.Random, size: str) -> str:
    cm = float(size.removesuffix(" cm"))
    return rng.choice((f"{cm * 10:.0f} mm", f"{cm / 2.54:.1f} in", f"{cm:.0f}cm"))


def _other(rng: random.Random, pool: tuple[str, ...], value: str) -> str:
    """Another word of the pool that no slip turns into this one: it begins with another letter."""
    return rng.choice([each for each in pool if each[0] != value[0]])


def _product(rng: random.Random) -> Record:
    kind = rng.choice(tuple(words.PRODUCT_NOUNS))
    return {
        "name": f"{rng.choice(words.ADJECTIVES).capitalize()} {rng.choice(words.PRODUCT_NOUNS[kind])}",
        "model": f"{chr(65 + rng.randrange(26))}{chr(65 + rng.randrange(26))}-{rng.randint(100, 999)}",
        "maker": rng.choice(words.COMPANY_STEMS),
        "colour": rng.choice(words.COLOURS),
        "size": f"{rng.randint(12, 180)} cm",
        "price": f"{rng.uniform(5, 400):.2f}",
    }


def _product_twin(rng: random.Random, record: Record) -> tuple[Record, frozenset[str]]:
    letters, _, number = record["model"].partition("-")
    field = rng.choice(("model", "model", "size", "colour"))
    changed = {
        "model": f"{letters}-{int(number) + rng.choice((-1, 1, 10))}",
        "size": f"{round(float(record['size'].split()[0]) * rng.choice((0.8, 1.25, 1.4)))} cm",
        "colour": _other(rng, words.COLOURS, record["colour"]),
    }[field]
    return {**record, field: changed}, frozenset({field})


def _person(rng: random.Random) -> Record:
    return {
        "person": words.person(rng),
        "born": words.date(rng, 1940, 2004),
        "address": words.address(rng),
        "town": rng.choice(words.TOWNS),
        "phone": words.phone(rng),
    }


def _person_twin(rng: random.Random, record: Record) -> tuple[Record, frozenset[str]]:
    given, _, family = record["person"].partition(" ")
    if rng.random() < 0.5:  # a twin, or a child named after nobody: one house, one family name
        pool = tuple(name for name in words.GIVEN_NAMES if name[0] != family[0])
        born = record["born"] if rng.random() < 0.4 else words.date(rng, 1940, 2004)
        return {**record, "person": f"{_other(rng, pool, given)} {family}", "born": born}, frozenset({"person"})
    # a namesake in the same town
    other = {**record, "born": words.date(rng, 1940, 2004), "address": words.address(rng), "phone": words.phone(rng)}
    return other, frozenset({"born"})


def _company(rng: random.Random) -> Record:
    form = rng.choice(words.COMPANY_FORMS)[0]
    return {
        "name": f"{words.company(rng)} {form}",
        "address": words.address(rng),
        "town": rng.choice(words.TOWNS),
        "phone": words.phone(rng),
        "year": str(rng.randint(1900, 2020)),
    }


def _company_twin(rng: random.Random, record: Record) -> tuple[Record, frozenset[str]]:
    stem, trade, form = record["name"].split(" ")
    if rng.random() < 0.6:  # the sister company at the same address
        return {**record, "name": f"{stem} {_other(rng, words.COMPANY_TRADES, trade)} {form}"}, frozenset({"name"})
    other = {**record, "phone": words.phone(rng), "address": words.address(rng)}
    return {**other, "town": _other(rng, words.TOWNS, record["town"])}, frozenset({"town", "phone", "address"})


def _book(rng: random.Random) -> Record:
    return {
        "title": f"The {rng.choice(words.ADJECTIVES).capitalize()} {rng.choice(words.NOUNS).capitalize()} "
        f"of {rng.choice(words.TOWNS)}, Vol. {rng.randint(1, 9)}",
        "author": words.person(rng),
        "publisher": words.company(rng),
        "year": str(rng.randint(1950, 2024)),
    }


def _book_twin(rng: random.Random, record: Record) -> tuple[Record, frozenset[str]]:
    if rng.random() < 0.5:
        head, _, volume = record["title"].rpartition(" ")
        return {**record, "title": f"{head} {int(volume) % 9 + 1}"}, frozenset({"title"})
    return {**record, "year": str(int(record["year"]) + rng.randint(1, 4))}, frozenset({"year"})


def _venue(rng: random.Random) -> Record:
    return {
        "name": f"{rng.choice(words.COLOURS).capitalize()} {rng.choice(words.NOUNS).capitalize()} "
        f"{rng.choice(('Kitchen', 'Tavern', 'Bistro', 'Diner', 'Grill'))}",
        "address": words.address(rng),
        "town": rng.choice(words.TOWNS),
        "phone": words.phone(rng),
    }


def _venue_twin(rng: random.Random, record: Record) -> tuple[Record, frozenset[str]]:
    if rng.random() < 0.5:  # another house of the chain
        other = {**record, "address": words.address(rng), "phone": words.phone(rng)}
        return other, frozenset({"address", "phone"})
    first, _, rest = record["name"].partition(" ")
    return {**record, "name": f"{_other(rng, words.COLOURS, first.lower()).capitalize()} {rest}"}, frozenset({"name"})


KINDS: dict[str, Kind] = {
    "products": Kind("products", _product, _product_twin, "another model number, size or colour is another product"),
    "people": Kind("people", _person, _person_twin, "another birth date or given name is another person"),
    "companies": Kind("companies", _company, _company_twin, "another trade or another branch is another company"),
    "books": Kind("books", _book, _book_twin, "another volume or another year is another book"),
    "venues": Kind("venues", _venue, _venue_twin, "another address or name is another venue"),
}
