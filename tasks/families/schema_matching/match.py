"""Matches columns by their values: first the rows that tell of the same thing, then the columns that agree on them."""

import re
from collections import Counter
from statistics import median

from tasks.families.entity_matching.reference_match import LONG, parse_date

Table = dict[str, list[str]]
_AGREE = 0.85  # share of common rows; two in a hundred values have changed since


def match_columns(ours: Table, theirs: Table) -> list[tuple[str, str]]:
    """(our column, their column) of each pair in which both fit best; sorted."""
    our_forms, their_forms = ({name: list(map(form, values)) for name, values in t.items()} for t in (ours, theirs))
    rows = common_rows(our_forms, their_forms)
    scores = {
        (a, b): max(
            _by_form([(our_forms[a][i], their_forms[b][j]) for i, j in rows]),
            agreement([(ours[a][i], theirs[b][j]) for i, j in rows]),
        )
        for a in ours
        for b in theirs
    }
    found = []
    for (a, b), score in scores.items():
        rivals = [other for (c, d), other in scores.items() if (c == a) != (d == b)]
        if score >= _AGREE and score > max(rivals, default=0.0):
            found.append((a, b))
    return sorted(found)


def common_rows(ours: Table, theirs: Table) -> list[tuple[int, int]]:
    """Pairs of rows by the two columns of distinct forms that share most."""
    best: list[tuple[int, int]] = []
    telling = [column for column in ours.values() if len(set(column)) == len(column)]
    for right in (column for column in theirs.values() if len(set(column)) == len(column)):
        places = {value: index for index, value in enumerate(right)}
        for left in telling:
            best = max(best, [(i, places[value]) for i, value in enumerate(left) if value in places], key=len)
    return best


def agreement(pairs: list[tuple[str, str]]) -> float:
    """The share of common rows on which two columns say the same in another unit or code."""
    return max(_by_unit(pairs), _by_code(pairs)) if pairs else 0.0


def _by_form(pairs: list[tuple[str, str]]) -> float:
    return sum(a == b != "" for a, b in pairs) / len(pairs) if pairs else 0.0


def form(value: str) -> str:
    """Without case, signs, order of words, abbreviations; dates as year-month-day."""
    digits = re.sub(r"\D", "", value)
    if len(digits) >= 10 and not re.search("[a-z]", value.lower()):
        return digits[-10:]
    if date := parse_date(value):
        return "-".join(map(str, date))
    if re.fullmatch(r"#?[A-Za-z]{2}-?\d{4}", value):
        return re.sub(r"\W", "", value).lower()
    return " ".join(sorted(LONG.get(word, word) for word in re.findall(r"[a-z]+|\d+(?:\.\d+)?", value.lower())))


def _by_unit(pairs: list[tuple[str, str]]) -> float:
    """Numbers that differ by one factor throughout."""
    numbers = [(a, b) for a, b in ((_number(a), _number(b)) for a, b in pairs) if a is not None and b is not None]
    ratios = [b / a for a, b in numbers if a]
    if len(numbers) < len(pairs) * _AGREE or not ratios:
        return 0.0
    factor = median(ratios)
    # What rounding may do to the coarser of the two.
    return sum(abs(b - a * factor) <= 0.006 * abs(b) + 0.06 * max(1.0, factor) for a, b in numbers) / len(pairs)


def _by_code(pairs: list[tuple[str, str]]) -> float:
    """Few values that stand for one another."""
    if len({a for a, _ in pairs}) > 5 or len({a for a, _ in pairs}) != len({b for _, b in pairs}):
        return 0.0
    counts = Counter(pairs)
    partner = {a: max(counts, key=lambda pair: counts[pair] if pair[0] == a else -1)[1] for a, _ in sorted(counts)}
    if len(set(partner.values())) < len(partner):
        return 0.0
    return sum(partner[a] == b for a, b in pairs) / len(pairs)


def _number(text: str) -> float | None:
    found = re.fullmatch(r"(?:EUR )?(-?\d+(?:\.\d+)?)", text)
    return float(found[1]) if found else None
