"""Tables of records for a domain, and how people tell one record from the others."""

import random
import re
import string
from collections import Counter
from functools import cached_property
from typing import Any

from tasks.families import _words
from tasks.families.api_calling.model import Domain, Field, Resource

YEAR = 2027
_NAMESAKES = 0.15  # share of persons that are called as somebody before

Record = dict[str, Any]
Tables = dict[str, dict[str, Record]]


def make_tables(rng: random.Random, domains: list[Domain]) -> Tables:
    tables: Tables = {}
    names = _words.people(rng, 60)  # one town: the same people in every domain
    for domain in domains:
        for resource in domain.resources:
            tables[resource.name] = _records(rng, resource, tables, names)
    return tables


def draw(rng: random.Random, field: Field, tables: Tables, names: list[str]) -> Any:
    """A value of the kind of a field."""
    match field.kind:
        case "person":
            return rng.choice(names)
        case "town":
            return rng.choice(_words.TOWNS[:12])
        case "email":
            return f"{_words.invented(rng).lower()}{rng.randint(10, 99)}@{_words.invented(rng).lower()}.example"
        case "company":
            return _words.company(rng)
        case "date":
            return f"{YEAR}-{rng.randint(3, 11):02d}-{rng.randint(1, 28):02d}"
        case "time":
            return f"{rng.randint(8, 20):02d}:{rng.choice((0, 15, 30, 45)):02d}"
        case "money":
            return round(rng.randint(field.of[0] * 4, field.of[1] * 4) / 4, 2)
        case "count":
            return rng.randint(*field.of)
        case "code":
            letters = {"#": string.digits, "?": string.ascii_uppercase}
            return "".join(rng.choice(letters[sign]) if sign in letters else sign for sign in field.of)
        case "ref":
            return rng.choice(list(tables[field.of]))
        case "word" | "phrase":
            return _phrase(rng, field.of)


def _phrase(rng: random.Random, of: Any) -> str:
    if of == "product":
        return _words.product(rng)
    if of == "title":
        noun, other = rng.sample(_words.NOUNS, 2)
        return f"{rng.choice(_words.ADJECTIVES)} {noun} of the {other}".capitalize()
    return str(rng.choice(of))


def _records(rng: random.Random, resource: Resource, tables: Tables, names: list[str]) -> dict[str, Record]:
    found: dict[str, Record] = {}
    pool = rng.sample(names, min(len(names), 45))
    for _ in range(rng.randint(*resource.count)):
        key = f"{resource.prefix}-{rng.randint(100_000, 999_999)}"
        record: Record = {"id": key}
        for name, field in resource.fields.items():
            record[name] = draw(rng, field, tables, pool)
        if "name" in record and found and rng.random() < _NAMESAKES:
            record["name"] = rng.choice(list(found.values()))["name"]
        elif resource.fields.get("name"):
            pool = [name for name in pool if name != record["name"]] or names
        if resource.states:
            record["status"] = rng.choice(resource.states)
        found[key] = {**record, **resource.own}
    return found


class Descriptions:
    """Texts that mean one record of a table and no other."""

    def __init__(self, tables: Tables, resources: dict[str, Resource]) -> None:
        self._tables = tables
        self._resources = resources

    def of(self, resource: str, key: str) -> str | None:
        """The shortest that is clear; None where none is."""
        for number, texts in enumerate(self._texts[resource]):
            text = texts[key]
            if text is not None and self._counts[resource][number][text] == 1:
                return text
        return None

    def meant_by(self, resource: str, text: str) -> list[str]:
        """Every record that a text could mean."""
        return sorted({key for texts in self._texts[resource] for key, each in texts.items() if each == text})

    def namesakes(self, resource: str, key: str) -> list[str]:
        """Other records that the shortest text means as well."""
        first = self._texts[resource][0]
        return [other for other, text in first.items() if other != key and text is not None and text == first[key]]

    @cached_property
    def _texts(self) -> dict[str, list[dict[str, str | None]]]:
        """Resource -> for each way of telling, id -> text."""
        found: dict[str, list[dict[str, str | None]]] = {}
        for name, resource in self._resources.items():
            table = self._tables[name]
            found[name] = [
                {key: self._filled(told, resource, record, found) for key, record in table.items()}
                for told in resource.told
            ]
        return found

    @cached_property
    def _counts(self) -> dict[str, list[Counter[str | None]]]:
        return {name: [Counter(texts.values()) for texts in ways] for name, ways in self._texts.items()}

    def _filled(
        self, told: str, resource: Resource, record: Record, known: dict[str, list[dict[str, str | None]]]
    ) -> str | None:
        text = told
        for place in re.findall(r"{([\w.]+)}", told):
            name, _, inner = place.partition(".")
            field = resource.fields[name]
            value: str | None
            if inner:
                value = str(self._tables[field.of].get(record[name], {}).get(inner, "nothing"))
            elif field.kind == "ref":
                value = self._clear(known[field.of], record[name])
            else:
                value = spoken(field, record[name])
            if value is None:
                return None
            text = text.replace("{" + place + "}", value)
        return text

    @staticmethod
    def _clear(ways: list[dict[str, str | None]], key: str) -> str | None:
        for texts in ways:
            if (text := texts.get(key)) is not None and list(texts.values()).count(text) == 1:
                return text
        return None


def spoken(field: Field, value: Any) -> str:
    """A value as somebody says it."""
    if field.kind == "date":
        year, month, number = (int(part) for part in value.split("-"))
        return f"{number} {_words.MONTHS[month - 1]} {year}"
    if field.kind == "money":
        return f"{value:.2f}"
    return str(value)
