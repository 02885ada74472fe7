"""Rows for a schema, as often as wanted with other values, and the SQLite file that holds them."""

import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from tasks.families import _words as words
from tasks.families.text_to_sql.schema import Column, Schema, Table

Value = str | int | float | None
Rows = list[tuple[Value, ...]]

_SQLITE_VERSION_AT = 96  # https://www.sqlite.org/fileformat.html: the library's version, the only field that varies
_A_VERSION = (3040001).to_bytes(4, "big")

_FIXED: dict[str, tuple[str, ...]] = {
    "rank": ("junior", "senior", "principal", "head", "assistant"),
    "level": ("beginner", "intermediate", "advanced", "graduate"),
    "semester": ("spring 2023", "autumn 2023", "spring 2024", "autumn 2024"),
    "shelf": tuple(words.PRODUCT_NOUNS),
    "channel": ("web", "phone", "store", "market"),
    "speciality": ("cardiology", "neurology", "oncology", "paediatrics", "surgery", "radiology"),
    "outcome": ("cured", "improved", "unchanged", "referred"),
    "weekday": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "seat": ("economy", "premium", "business", "first"),
    "position": ("keeper", "defender", "midfielder", "forward"),
    "competition": ("cup", "league", "friendly", "youth cup"),
    "goal": ("header", "penalty", "free kick", "open play"),
    "cuisine": ("noodles", "grill", "seafood", "vegetarian", "bakery", "curry", "tapas"),
    "course": ("starter", "main", "dessert", "side"),
    "newspaper": ("Herald", "Courier", "Gazette", "Observer", "Tribune"),
    "membership": ("basic", "friend", "patron", "student"),
    "licence": ("class B", "class C", "class CE", "class D"),
    "maker": ("Volant", "Terrano", "Mastadon", "Ridgeway", "Kolossa"),
    "importance": ("lead", "supporting", "cameo", "extra"),
    "climate": ("coastal", "alpine", "continental", "arid"),
    "technology": ("hydro", "wind", "solar", "gas", "biomass"),
    "cause": ("storm", "maintenance", "fire", "overload", "flood"),
    "language": ("Python", "Go", "Rust", "Java", "Kotlin", "Haskell"),
    "status": ("planned", "active", "paused", "finished"),
    "priority": ("low", "normal", "high", "urgent"),
    "soil": ("clay", "loam", "sand", "peat", "chalk"),
    "season": ("spring", "summer", "autumn", "winter"),
    "room": ("single", "double", "suite", "family"),
    "genre": words.GENRES,
    "material": words.MATERIALS,
    "town": words.TOWNS,
    "region": words.REGIONS,
    "hall": ("Old Hall", "North Hall", "Garden House", "Mill House", "Tower Block", "River Wing"),
}


def _two(first: tuple[str, ...], second: tuple[str, ...]) -> Callable[[random.Random], str]:
    return lambda rng: f"{rng.choice(first).capitalize()} {rng.choice(second).capitalize()}"


_HALLS = ("Hall", "Arena", "Gallery", "House", "Stadium")
_CLUBS = ("United", "Rovers", "Athletic", "Sporting", "Dynamo")
_CROPS = ("wheat", "barley", "oats", "maize", "beans", "rape")

_LABELS: dict[str, Callable[[random.Random], str]] = {
    "person": words.person,
    "company": words.company,
    "product": words.product,
    "title": lambda rng: f"The {rng.choice(words.ADJECTIVES).capitalize()} {rng.choice(words.NOUNS).capitalize()}",
    "hall": lambda rng: f"{rng.choice(words.FAMILY_NAMES)} {rng.choice(_HALLS)}",
    "subject": lambda rng: f"{rng.choice(('Applied', 'General', 'Modern', 'Early'))} {rng.choice(words.SUBJECTS)}",
    "ward": lambda rng: f"{rng.choice(words.NOUNS).capitalize()} Ward",
    "airport": lambda rng: f"{rng.choice(words.TOWNS)} {rng.choice(('International', 'Field', 'North', 'South'))}",
    "code": lambda rng: f"{chr(65 + rng.randrange(26))}{chr(65 + rng.randrange(26))}{rng.randint(100, 9999)}",
    "club": lambda rng: f"{rng.choice(_CLUBS)} {rng.choice(words.TOWNS)}",
    "town": lambda rng: rng.choice(words.TOWNS),
    "region": lambda rng: rng.choice(words.REGIONS),
    "venue": _two(words.COLOURS, words.NOUNS),
    "dish": _two(words.ADJECTIVES, ("soup", "stew", "salad", "pie", "noodles", "curry", "tart", "risotto", "omelette")),
    "depot": lambda rng: f"{rng.choice(words.TOWNS)} {rng.choice(('East', 'West', 'Harbour', 'Central'))}",
    "team": _two(words.ADJECTIVES, words.NOUNS),
    "code_name": lambda rng: words.invented(rng),
    "farm": lambda rng: f"{rng.choice(words.FAMILY_NAMES)} Farm",
    "field": _two(words.ADJECTIVES, ("acre", "meadow", "strip", "corner", "slope")),
    "crop": lambda rng: f"{rng.choice(words.COLOURS)} {rng.choice(_CROPS)}",
}


@dataclass(frozen=True)
class Pools:
    """The words that all databases of one instance draw from: a query's texts occur in each of them.

    `labels` are by table, the others by table and column. Numbers are few, so that rows tie and a limit is met exactly.
    """

    labels: dict[str, tuple[str, ...]]
    categories: dict[tuple[str, str], tuple[str, ...]]
    numbers: dict[tuple[str, str], tuple[int | float, ...]]


def draw_pools(rng: random.Random, schema: Schema) -> Pools:
    labels: dict[str, tuple[str, ...]] = {}
    categories: dict[tuple[str, str], tuple[str, ...]] = {}
    numbers: dict[tuple[str, str], tuple[int | float, ...]] = {}
    shared: dict[str, tuple[str, ...]] = {}
    for table in schema.tables:
        for column in table.columns:
            if column.kind == "category":
                # One pool a kind of word, so that two tables' towns are the same towns and can be intersected.
                if column.pool not in shared:
                    known = _FIXED[column.pool]
                    shared[column.pool] = tuple(rng.sample(known, min(len(known), rng.randint(4, 7))))
                categories[table.name, column.name] = shared[column.pool]
            elif column.kind == "label":
                make, found = _LABELS[column.pool], dict[str, None]()
                wanted = 24 if column.pool == "region" else 44
                while len(found) < wanted:
                    found[make(rng)] = None
                labels[table.name] = tuple(found)
            elif column.is_numeric:
                numbers[table.name, column.name] = _spread(rng, column)
    return Pools(labels, categories, numbers)


def draw_rows(rng: random.Random, schema: Schema, pools: Pools, *, small: bool = False) -> dict[str, Rows]:
    """Rows by table. Categories are lopsided, and some parents stay without children, so that counts differ."""
    data: dict[str, Rows] = {}
    for table in schema.tables:
        if not table.links:
            count = rng.randint(6, 12) if small else rng.randint(9, 22)
        else:
            count = rng.randint(12, 22) if small else rng.randint(22, 60)
        labels = _labels(rng, table, pools, count)
        count = min(count, len(labels)) if table.label else count
        chosen = {link.column: _parents(rng, [row[0] for row in data[link.parent]]) for link in table.links}
        rows: Rows = []
        for index in range(count):
            rows.append(tuple(_value(rng, table, c, pools, index, labels, chosen) for c in table.columns))
        data[table.name] = rows
    return data


def _value(
    rng: random.Random,
    table: Table,
    column: Column,
    pools: Pools,
    index: int,
    labels: list[str],
    parents: dict[str, list[Value]],
) -> Value:
    if column.optional and rng.random() < 0.15:
        return None
    match column.kind:
        case "key":
            return index + 1
        case "label":
            return labels[index]
        case "category":
            pool = pools.categories[table.name, column.name]
            return pool[min(int(rng.expovariate(0.7)), len(pool) - 1)] if rng.random() < 0.6 else rng.choice(pool)
        case "link":
            return rng.choice(parents[column.name])
        case "date":
            return words.date(rng, 2021, 2024)
        case _:
            return rng.choice(pools.numbers[table.name, column.name])


def _labels(rng: random.Random, table: Table, pools: Pools, count: int) -> list[str]:
    pool = pools.labels.get(table.name, ())
    found = rng.sample(pool, min(count, len(pool)))
    return found


def _parents(rng: random.Random, keys: list[Value]) -> list[Value]:
    """Keys to choose from, some often, some never."""
    kept = rng.sample(keys, max(2, round(len(keys) * rng.uniform(0.6, 0.9))))
    return [key for key in kept for _ in range(rng.choice((1, 1, 2, 4)))]


def _spread(rng: random.Random, column: Column) -> tuple[int | float, ...]:
    span = range(column.low, column.high + 1)
    wide = sorted(rng.sample(span, min(len(span), 22)))
    if column.kind == "money":
        return tuple(round(number + rng.choice((0, 0.25, 0.5, 0.75)), 2) for number in wide)
    return tuple(wide)


def connect(schema: Schema, data: dict[str, Rows]) -> sqlite3.Connection:
    """The rows in a database in memory."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(schema.ddl())
    for table in schema.tables:
        marks = ", ".join("?" * len(table.columns))
        connection.executemany(f"INSERT INTO {table.name} VALUES ({marks})", data[table.name])
    connection.commit()
    return connection


def to_bytes(connection: sqlite3.Connection) -> bytes:
    """The file of a database, the same whichever version of SQLite wrote it."""
    content = bytearray(connection.serialize())
    content[_SQLITE_VERSION_AT : _SQLITE_VERSION_AT + 4] = _A_VERSION
    return bytes(content)


def to_script(schema: Schema, data: dict[str, Rows]) -> str:
    """SQL text that makes the same database."""
    lines = [schema.ddl()]
    for table in schema.tables:
        rows = ",\n".join("(" + ", ".join(sql_value(value) for value in row) + ")" for row in data[table.name])
        lines.append(f"INSERT INTO {table.name} VALUES\n{rows};\n")
    return "\n".join(lines)


def sql_value(value: Value) -> str:
    """As SQL writes it."""
    if value is None:
        return "NULL"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
