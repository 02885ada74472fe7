"""Errors as they come about, and a detector that finds them from the table and its notes alone."""

import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import date

from tasks.families import _words as words
from tasks.families._corrupt import change_date, typo
from tasks.families.error_detection.tables import Row, Theme

Cells = list[tuple[str, str]]
"""(id of the row, role of the column)."""

Spoil = Callable[[random.Random, Row, Theme], tuple[str, ...]]


def spoil(rng: random.Random, rows: list[Row], roles: list[str], theme: Theme, count: int) -> Cells:
    """Changes `count` rows in place, one error each of kinds that the columns allow; the cells that are now wrong."""
    kinds = [kind for kind, (_, needs) in ERRORS.items() if needs <= set(roles)]
    order = [*kinds, *rng.choices(kinds, k=max(0, count - len(kinds)))]
    rng.shuffle(order)
    found: Cells = []
    for row, kind in zip(rng.sample(rows, count), order[:count], strict=True):
        before = dict(row)
        changed = ERRORS[kind][0](rng, row, theme)
        found += [(row["id"], role) for role in changed if row[role] != before[role]]
    return sorted(found)


def _typo_in(role: str) -> Spoil:
    def change(rng: random.Random, row: Row, theme: Theme) -> tuple[str, ...]:
        row[role] = typo(rng, row[role])
        return (role,)

    return change


def _other_region(rng: random.Random, row: Row, theme: Theme) -> tuple[str, ...]:
    row["region"] = rng.choice([region for region in words.REGIONS if region != row["region"]])
    return ("region",)


def _swapped(first: str, second: str) -> Spoil:
    def change(rng: random.Random, row: Row, theme: Theme) -> tuple[str, ...]:
        row[first], row[second] = row[second], row[first]
        return first, second

    return change


def _date_style(rng: random.Random, row: Row, theme: Theme) -> tuple[str, ...]:
    row["start"] = change_date(rng, row["start"], ("dots", "words", "short"))
    return ("start",)


def _no_such_day(rng: random.Random, row: Row, theme: Theme) -> tuple[str, ...]:
    year, month, day = row["start"].split("-")
    row["start"] = rng.choice((f"{year}-13-{day}", f"{year}-02-30", f"{year}-00-{day}", f"{year}-{month}-32"))
    return ("start",)


def _other_century(rng: random.Random, row: Row, theme: Theme) -> tuple[str, ...]:
    row["end"] = rng.choice(("19", "22")) + row["end"][2:]
    return ("end",)


def _grams(rng: random.Random, row: Row, theme: Theme) -> tuple[str, ...]:
    row["weight"] = f"{float(row['weight']) * 1000:.1f}"
    return ("weight",)


def _decimal_comma(role: str) -> Spoil:
    def change(rng: random.Random, row: Row, theme: Theme) -> tuple[str, ...]:
        row[role] = row[role].replace(".", ",")
        return (role,)

    return change


def _wrong_sum(rng: random.Random, row: Row, theme: Theme) -> tuple[str, ...]:
    """Two digits change places, or the count was not applied."""
    digits = [i for i in range(len(row["total"]) - 1) if row["total"][i : i + 2].isdigit()]
    places = [i for i in digits if row["total"][i] != row["total"][i + 1]]
    if places and rng.random() < 0.6:
        at, text = rng.choice(places), row["total"]
        row["total"] = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    else:
        row["total"] = row["price"]
    return ("total",)


def _placeholder(role: str) -> Spoil:
    def change(rng: random.Random, row: Row, theme: Theme) -> tuple[str, ...]:
        row[role] = rng.choice(("N/A", "-", "?", "unknown", "999", "TBD"))
        return (role,)

    return change


def _digit_lost(rng: random.Random, row: Row, theme: Theme) -> tuple[str, ...]:
    at = rng.choice([i for i, sign in enumerate(row["phone"]) if sign.isdigit()])
    row["phone"] = row["phone"][:at] + row["phone"][at + 1 :]
    return ("phone",)


ERRORS: dict[str, tuple[Spoil, frozenset[str]]] = {
    "typo in a town": (_typo_in("town"), frozenset({"town"})),
    "typo in a kind": (_typo_in("kind"), frozenset({"kind"})),
    "town of another region": (_other_region, frozenset({"region"})),
    "town and region swapped": (_swapped("town", "region"), frozenset({"town", "region"})),
    "dates swapped": (_swapped("start", "end"), frozenset({"start", "end"})),
    "date in another style": (_date_style, frozenset({"start"})),
    "no such day": (_no_such_day, frozenset({"start"})),
    "another century": (_other_century, frozenset({"end"})),
    "grams for kilograms": (_grams, frozenset({"weight"})),
    "decimal comma": (_decimal_comma("price"), frozenset({"price"})),
    "wrong sum": (_wrong_sum, frozenset({"total"})),
    "placeholder for a kind": (_placeholder("kind"), frozenset({"kind"})),
    "placeholder for a count": (_placeholder("count"), frozenset({"count"})),
    "digit lost": (_digit_lost, frozenset({"phone"})),
}


def detect(rows: list[Row], roles: list[str], theme: Theme) -> Cells:
    """The wrong cells, by the notes' rules and by what the other rows say; sorted."""
    towns = Counter(row["town"] for row in rows)
    regions = {town: Counter(r["region"] for r in rows if r["town"] == town).most_common(1)[0][0] for town in towns}
    found: Cells = []
    for row in rows:
        wrong = {role for role in roles if not _has_form(role, row[role], theme)}
        if towns[row["town"]] < 3:
            wrong.add("town")
            near = [town for town in towns if towns[town] >= 3 and _is_near(town, row["town"])]
            if not near or regions[near[0]] != row["region"]:
                wrong.add("region")
        elif regions[row["town"]] != row["region"]:
            wrong.add("region")
        wrong |= _dates(row, roles, wrong)
        if "total" in roles and "total" not in wrong and _total(row) not in {None, row["total"]}:
            wrong.add("total")
        found += [(row["id"], role) for role in wrong if role in roles]
    return sorted(found)


def _has_form(role: str, value: str, theme: Theme) -> bool:
    match role:
        case "start" | "end":
            parsed = _date(value)
            return parsed is not None and 2021 <= parsed.year <= 2025
        case "kind":
            return value in theme.kinds
        case "count":
            return value.isdigit() and 2 <= int(value) <= 40
        case "price" | "total":
            return re.fullmatch(r"\d+\.\d\d", value) is not None
        case "weight":
            return re.fullmatch(r"\d+\.\d", value) is not None and float(value) <= theme.most_weight
        case "phone":
            return re.fullmatch(r"\d{3}-\d{3}-\d{4}", value) is not None
        case _:
            return True


def _dates(row: Row, roles: list[str], wrong: set[str]) -> set[str]:
    """Both, where the one is not 1 to 30 days after the other and they would be the other way round."""
    if not {"start", "end"} <= set(roles) or wrong & {"start", "end"}:
        return set()
    start, end = _date(row["start"]), _date(row["end"])
    assert start is not None and end is not None
    return {"start", "end"} if not 1 <= (end - start).days <= 30 else set()


def _total(row: Row) -> str | None:
    """What it must be; a price with a comma is still read."""
    price = row["price"].replace(",", ".")
    if not row["count"].isdigit() or not 2 <= int(row["count"]) <= 40:
        return None
    return f"{int(row['count']) * round(float(price) * 100) / 100:.2f}"


def _date(text: str) -> date | None:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _is_near(one: str, other: str) -> bool:
    """At most one letter more, less or other, or two swapped; the first letter is the same."""
    if one[0] != other[0] or abs(len(one) - len(other)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = one[start:], other[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])
