"""Tables in which some columns say something about others: products, venues, staff, meter readings."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from tasks.families import _words as words
from tasks.families.imputation.rules import Formula, Lookup, Row, Rule


@dataclass(frozen=True)
class Theme:
    """`rules`: by which a column's empty cells are found. `hints` tell a reader how columns hang together."""

    name: str
    key: str
    draw: Callable[[random.Random, int], list[Row]]
    rules: dict[str, tuple[Rule, ...]]
    hints: tuple[str, ...]


def _products(rng: random.Random, size: int) -> list[Row]:
    """Product lines belong to makers; two lines share a word, and belong to different makers."""
    makers = rng.sample(words.COMPANY_STEMS, 5)
    stems = rng.sample(words.ADJECTIVES, 6)
    lines = [*(stem.capitalize() for stem in stems), f"{stems[0].capitalize()} Pro", f"{stems[1].capitalize()} Plus"]
    owners = {line: makers[index % 5] for index, line in enumerate(lines)}
    kinds = rng.sample(sorted(words.PRODUCT_NOUNS), 4)
    nouns = [(noun, kind) for kind in kinds for noun in rng.sample(words.PRODUCT_NOUNS[kind], 4)]
    rates = dict(zip(kinds, rng.sample((5, 7, 10, 16, 19, 21), 4), strict=True))
    rows = []
    for index in range(size):
        line, (noun, kind) = rng.choice(lines), rng.choice(nouns)
        net = rng.randint(4, 900) * 100  # cents, so that tax comes out even
        rows.append(
            {
                "sku": f"P{index + 101}",
                "name": f"{line} {rng.choice(words.COLOURS)} {noun} {rng.randint(100, 999)}",
                "maker": owners[line],
                "category": kind,
                "tax_percent": str(rates[kind]),
                "net_price": f"{net / 100:.2f}",
                "gross_price": f"{net * (100 + rates[kind]) / 10000:.2f}",
            }
        )
    return rows


def _line(row: Row) -> str:
    """The words before the colour: the product line."""
    return " ".join(row["name"].split()[:-3])


def _gross(row: Row) -> str | None:
    if not row["net_price"] or not row["tax_percent"]:
        return None
    return f"{round(float(row['net_price']) * 100) * (100 + int(row['tax_percent'])) / 10000:.2f}"


def _net(row: Row) -> str | None:
    if not row["gross_price"] or not row["tax_percent"]:
        return None
    return f"{round(float(row['gross_price']) * 10000) / (100 + int(row['tax_percent'])) / 100:.2f}"


def _venues(rng: random.Random, size: int) -> list[Row]:
    towns = rng.sample(words.TOWNS, 8)
    codes = rng.sample(range(201, 989), 8)
    districts = rng.sample([f"{a}{b}" for a in "BDGKMPRT" for b in "ACELNOSY"], 8)
    few = rng.sample(words.REGIONS, 3)
    regions = [*few, *(rng.choice(few) for _ in range(5))]
    cuisines = {"Wok": "noodles", "Trattoria": "pasta", "Smokehouse": "grill", "Creamery": "ices", "Crust": "bakery"}
    rows = []
    for index in range(size):
        at = rng.randrange(8)
        house = rng.choice(sorted(cuisines))
        rows.append(
            {
                "venue": f"V{index + 101}",
                "name": f"{rng.choice(words.COLOURS).capitalize()} {rng.choice(words.NOUNS).capitalize()} {house}",
                "address": words.address(rng),
                "town": towns[at],
                "postcode": f"{districts[at]}{rng.randint(1, 9)} {rng.randint(100, 999)}",
                "region": regions[at],
                "phone": f"{codes[at]}-{rng.randint(200, 989)}-{rng.randint(0, 9999):04d}",
                "cuisine": cuisines[house],
            }
        )
    return rows


def _staff(rng: random.Random, size: int) -> list[Row]:
    departments = rng.sample(words.SUBJECTS, 6)
    managers = words.people(rng, 6)
    wings = rng.sample("ABCDEFGHJK", 6)
    bases = {grade: rng.randint(24, 60) * 100 for grade in ("G1", "G2", "G3", "G4")}
    domain = rng.choice(words.COMPANY_STEMS).lower()
    rows = []
    for index, name in enumerate(words.people(rng, size)):
        at = rng.randrange(6)
        grade, step = rng.choice(sorted(bases)), rng.randint(1, 4)
        given, _, family = name.lower().partition(" ")
        rows.append(
            {
                "staff_no": f"S{index + 101}",
                "name": name,
                "email": f"{given}.{family}@{departments[at]}.{domain}.example",
                "department": departments[at],
                "manager": managers[at],
                "room": f"{wings[at]}{rng.randint(100, 499)}",
                "grade": grade,
                "step": str(step),
                "salary": str(bases[grade] + 250 * step),
            }
        )
    return rows


def _email(row: Row) -> str | None:
    """The department's part of the address."""
    return row["email"].partition("@")[2].partition(".")[0] or None


def _grade_step(row: Row) -> str | None:
    return f"{row['grade']} {row['step']}" if row["grade"] and row["step"] else None


def _readings(rng: random.Random, size: int) -> list[Row]:
    stations = rng.sample(words.TOWNS, 5)
    heights = {station: str(rng.randint(10, 2400)) for station in stations}
    keepers = dict(zip(stations, words.people(rng, 5), strict=True))
    rows = []
    for index in range(size):
        station = rng.choice(stations)
        start, used = rng.randint(1000, 90000), rng.randint(3, 900)
        tenths = rng.randint(-12, 38) * 5  # Celsius in steps of 0.5: Fahrenheit has one decimal then
        rows.append(
            {
                "reading": f"R{index + 101}",
                "station": station,
                "altitude_m": heights[station],
                "keeper": keepers[station],
                "meter_before": str(start),
                "meter_after": str(start + used),
                "used": str(used),
                "celsius": f"{tenths / 10:.1f}",
                "fahrenheit": f"{tenths / 10 * 1.8 + 32:.1f}",
            }
        )
    return rows


def _sum(first: str, sign: int, second: str) -> Formula:
    def compute(row: Row) -> str | None:
        return str(int(row[first]) + sign * int(row[second])) if row[first] and row[second] else None

    return Formula(compute)


def _fahrenheit(row: Row) -> str | None:
    return f"{float(row['celsius']) * 1.8 + 32:.1f}" if row["celsius"] else None


def _celsius(row: Row) -> str | None:
    return f"{(float(row['fahrenheit']) - 32) / 1.8:.1f}" if row["fahrenheit"] else None


def _of(column: str) -> Lookup:
    return Lookup(lambda row: row[column] or None)


def _before(column: str, sign: str) -> Lookup:
    return Lookup(lambda row: row[column].partition(sign)[0] or None)


_DISTRICT = Lookup(lambda row: row["postcode"][:2] or None)
_WING = Lookup(lambda row: row["room"][:1] or None)

THEMES: tuple[Theme, ...] = (
    Theme(
        "products",
        "sku",
        _products,
        {
            "maker": (Lookup(_line),),
            "category": (Lookup(lambda row: row["name"].split()[-2]),),
            "tax_percent": (_of("category"),),
            "gross_price": (Formula(_gross),),
            "net_price": (Formula(_net),),
        },
        ("a name begins with the product line; a line belongs to one maker", "the tax rate goes with the category"),
    ),
    Theme(
        "venues",
        "venue",
        _venues,
        {
            "town": (_before("phone", "-"), _DISTRICT),
            "region": (_of("town"),),
            "cuisine": (Lookup(lambda row: row["name"].split()[-1]),),
        },
        ("phone numbers begin with the town's code, postcodes with the town's letters",),
    ),
    Theme(
        "staff",
        "staff_no",
        _staff,
        {
            "department": (Lookup(_email), _WING),
            "manager": (_of("department"),),
            "salary": (Lookup(_grade_step),),
        },
        ("each department has one wing of the building and one manager", "salaries go by grade and step"),
    ),
    Theme(
        "meter readings",
        "reading",
        _readings,
        {
            "altitude_m": (_of("station"),),
            "keeper": (_of("station"),),
            "used": (_sum("meter_after", -1, "meter_before"),),
            "meter_after": (_sum("meter_before", 1, "used"),),
            "meter_before": (_sum("meter_after", -1, "used"),),
            "fahrenheit": (Formula(_fahrenheit),),
            "celsius": (Formula(_celsius),),
        },
        ("used is the difference of the meter's two figures", "each station has one keeper"),
    ),
)
