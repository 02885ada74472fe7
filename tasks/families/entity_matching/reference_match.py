"""Decides for pairs of records whether they tell of the same thing; reads JSON Lines, prints a label a line.

What must agree is compared strictly once its form is taken away (dates, years, phone numbers are told apart by digits,
sizes by centimetres, codes and house numbers as they are); words may differ by a slip, an initial or an abbreviation.
"""

import json
import re
import sys
from typing import Any

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
LONG = {
    "st": "street", "rd": "road", "ave": "avenue", "ln": "lane", "sq": "square", "dr": "drive", "ct": "court",
    "blvd": "boulevard", "n": "north", "s": "south", "e": "east", "w": "west", "intl": "international",
    "inc": "incorporated", "ltd": "limited", "corp": "corporation", "co": "company", "grp": "group",
    "assoc": "associates", "bros": "brothers",
}  # fmt: skip
UNITS = {"cm": 1.0, "mm": 0.1, "m": 100.0, "in": 2.54, "inch": 2.54, '"': 2.54}


def main() -> None:
    for line in sys.stdin:
        pair = json.loads(line)
        sys.stdout.write(("match" if is_match(pair["left"], pair["right"]) else "different") + "\n")


def is_match(left: dict[str, Any], right: dict[str, Any]) -> bool:
    for field in left:
        ours, theirs = str(left[field] or "").strip(), str(right.get(field) or "").strip()
        if ours and theirs and not agree(field, ours, theirs):
            return False
    return True


def agree(field: str, ours: str, theirs: str) -> bool:
    if field == "price":
        return True
    if field == "phone":
        return re.sub(r"\D", "", ours)[-10:] == re.sub(r"\D", "", theirs)[-10:]
    if field == "size":
        a, b = centimetres(ours), centimetres(theirs)
        return abs(a - b) <= 0.02 * max(a, b)
    dates = parse_date(ours), parse_date(theirs)
    if dates[0] and dates[1]:
        return dates[0] == dates[1]
    return same_words(ours, theirs)


def same_words(ours: str, theirs: str) -> bool:
    codes = numbers(ours), numbers(theirs)
    if codes[0] and codes[1] and codes[0] != codes[1]:
        return False
    a, b = words(ours), words(theirs)
    if len(a) > len(b):
        a, b = b, a
    left = list(b)
    for word in a:
        found = next((other for other in left if alike(word, other)), None)
        if found is None:
            return False
        left.remove(found)
    return bool(a) or codes[0] == codes[1]


def words(text: str) -> list[str]:
    text = re.sub(r"\b([A-Za-z]{1,4})[- ]?(\d+)\b", " ", text)
    return re.findall(r"[a-z]+", text.lower())


def numbers(text: str) -> list[str]:
    """Codes and numbers without hyphens: `KX-204`, `kx 204` and `KX204` are the same."""
    joined = re.sub(r"\b([A-Za-z]{1,4})[- ](\d+)", r"\1\2", text)
    return sorted(re.findall(r"[a-z]*\d+", joined.lower()))


def alike(one: str, other: str) -> bool:
    if one == other or (len(one) == 1 and other.startswith(one)) or (len(other) == 1 and one.startswith(other)):
        return True
    one, other = LONG.get(one, one), LONG.get(other, other)
    return min(len(one), len(other)) >= 4 and one[0] == other[0] and slips(one, other) <= 2


def slips(one: str, other: str) -> int:
    """Damerau's distance: letters left out, put in, changed, or swapped with the next."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]


def centimetres(text: str) -> float:
    found = re.search(r"([\d.]+)\s*([a-z\"]+)", text.lower())
    return float(found[1]) * UNITS.get(found[2], 1.0) if found else 0.0


def parse_date(text: str) -> tuple[int, ...] | None:
    parts = re.findall(r"\d+|[a-z]{3,}", text.lower())
    if len(parts) != 3:
        return None
    names = [part for part in parts if part[:3] in MONTHS and part.isalpha()]
    digits = [int(part) for part in parts if part.isdigit()]
    if names and len(digits) == 2:
        year, day = max(digits), min(digits)
        return year, MONTHS.index(names[0][:3]) + 1, day
    if len(digits) == 3:
        return tuple(digits) if digits[0] > 31 else tuple(reversed(digits))
    return None


if __name__ == "__main__":
    main()
