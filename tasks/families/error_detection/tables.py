"""Clean tables: what their columns hold, and what is true of every cell."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from tasks.families import _words as words

Row = dict[str, str]


@dataclass(frozen=True)
class Theme:
    """Names of the columns by role; `kinds` are the values of the `kind` column."""

    name: str
    plural: str
    columns: dict[str, str]
    kinds: tuple[str, ...]
    most_weight: int


def _theme(name: str, plural: str, columns: str, kinds: str, most_weight: int) -> Theme:
    roles = ("id", "person", "town", "region", "start", "end", "kind", "count", "price", "total", "weight", "phone")
    return Theme(name, plural, dict(zip(roles, columns.split(), strict=True)), tuple(kinds.split()), most_weight)


THEMES: tuple[Theme, ...] = (
    _theme(
        "shipments", "shipments",
        "shipment sender town region sent arrived goods pieces piece_price total weight_kg phone",
        "furniture textiles ceramics machinery stationery produce", 90,
    ),
    _theme(
        "clinic stays", "stays",
        "case patient town region admitted discharged ward sessions session_fee amount weight_kg phone",
        "cardiology neurology oncology surgery paediatrics radiology", 160,
    ),
    _theme(
        "tool hire", "hires",
        "hire customer town region taken returned tool days daily_rate charge weight_kg phone",
        "excavator generator scaffold compressor chainsaw trencher", 240,
    ),
    _theme(
        "pet boarding", "bookings",
        "booking owner town region arrival departure animal nights night_rate bill weight_kg phone",
        "terrier spaniel tortoise parakeet hamster greyhound", 70,
    ),
    _theme(
        "press orders", "orders",
        "order client town region ordered delivered product copies copy_price invoice weight_kg phone",
        "brochure calendar poster leaflet catalogue postcard", 120,
    ),
    _theme(
        "harvest deliveries", "deliveries",
        "delivery farmer town region picked received crop crates crate_price payment weight_kg phone",
        "barley apricot beetroot cabbage cherries artichoke", 300,
    ),
)  # fmt: skip

OPTIONAL = ("person", "end", "total", "weight", "phone")


def draw_table(rng: random.Random, theme: Theme, size: int) -> list[Row]:
    """`size` rows by role, all right. Each town lies in one region and occurs at least four times."""
    towns = dict(zip(rng.sample(words.TOWNS, 9), _regions(rng, 9), strict=True))
    order = [town for town in towns for _ in range(4)]
    order += rng.choices(sorted(towns), k=size - len(order))
    rng.shuffle(order)
    ids = rng.sample(range(1000, 9999), size)
    return [_row(rng, theme, str(key), town, towns[town]) for key, town in zip(ids, order, strict=True)]


def _regions(rng: random.Random, count: int) -> list[str]:
    few = rng.sample(words.REGIONS, 4)
    return [*few, *(rng.choice(few) for _ in range(count - len(few)))]


def _row(rng: random.Random, theme: Theme, key: str, town: str, region: str) -> Row:
    start = date(rng.randint(2021, 2024), rng.randint(1, 12), rng.randint(1, 28))
    count, cents = rng.randint(2, 40), rng.randint(150, 9900)
    return {
        "id": key,
        "person": words.person(rng),
        "town": town,
        "region": region,
        "start": start.isoformat(),
        "end": (start + timedelta(days=rng.randint(1, 30))).isoformat(),
        "kind": rng.choice(theme.kinds),
        "count": str(count),
        "price": f"{cents / 100:.2f}",
        "total": f"{count * cents / 100:.2f}",
        "weight": f"{rng.uniform(1.5, theme.most_weight):.1f}",
        "phone": words.phone(rng),
    }


def notes(theme: Theme, roles: list[str]) -> str:
    """The file that says what holds of each column; all that is needed to find a wrong cell is there or in the data."""
    said: dict[str, Callable[[], str]] = {
        "id": lambda: "identifies the row; always right",
        "person": lambda: "a person's name, free text; names are not checked",
        "town": lambda: "a town; each lies in one region",
        "region": lambda: "the region of the town",
        "start": lambda: "a date, YYYY-MM-DD, from 2021 to 2024",
        "end": lambda: f"a date, YYYY-MM-DD, 1 to 30 days after `{theme.columns['start']}`",
        "kind": lambda: "one of " + ", ".join(theme.kinds),
        "count": lambda: "a whole number from 2 to 40, counted by machine: if it is one, it is right",
        "price": lambda: (
            "with a point and two decimals, from 1.50 to 99.00, from the price list: if it is so, it is right"
        ),
        "total": lambda: f"`{theme.columns['count']}` times `{theme.columns['price']}`, typed in by hand",
        "weight": lambda: f"in kg, with a point and one decimal, from 1.5 to {theme.most_weight}.0",
        "phone": lambda: "ten digits, written 555-555-5555",
    }
    lines = [f"# {theme.name.capitalize()}", "", f"`data.csv` has one row for each of the {theme.plural}.", ""]
    return "\n".join([*lines, *(f"- `{theme.columns[role]}`: {said[role]()}" for role in roles)]) + "\n"
