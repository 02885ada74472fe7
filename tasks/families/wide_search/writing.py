"""The same value in many forms: dates, numbers, units. All but the day-first numbers are told from one another."""

import random

from tasks.families._words import MONTHS
from tasks.families.wide_search.subjects import Measure


def written_date(rng: random.Random, day: str) -> str:
    year, month, number = (int(part) for part in day.split("-"))
    name = MONTHS[month - 1]
    return rng.choice(
        (
            day,
            f"{number} {name} {year}",
            f"{name} {number}, {year}",
            f"{number}.{month}.{year}",
            f"{number} {name[:3]} {year}",
        )
    )


def written_number(rng: random.Random, value: float, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    separator = rng.choice((",", "\u202f", "", ","))
    return text.replace(",", separator)


def written_measure(rng: random.Random, measure: Measure, value: int) -> str:
    """In the asked unit or another; so exact that the asked whole number comes out again."""
    if rng.random() < 0.55:
        return f"{written_number(rng, value, 0)} {measure.unit}"
    unit, size = rng.choice(measure.others)
    decimals = 0
    while abs(round(value / size, decimals) * size - value) > 0.05:
        decimals += 1
    return f"{written_number(rng, value / size, decimals)} {unit}"
