"""Which columns of a table make a few-shot task: UnpredicTable's filters (Chan et al. 2022, arXiv:2208.01009)."""

import math
from collections import Counter, defaultdict
from dataclasses import dataclass

Row = dict[str, str]


@dataclass(frozen=True)
class Filters:
    """`min_rows` with an output; lengths in characters; `classes` from and to; `min_balance`: the entropy of the
    classes over that of equal shares; `max_one_to_many`: the share of rows whose inputs occur with another output."""

    min_rows: int = 40
    max_input: int = 600
    max_output: int = 60
    classes: tuple[int, int] = (2, 12)
    min_of_class: int = 6
    min_balance: float = 0.6
    max_one_to_many: float = 0.0


def why_not(column: str, rows: list[Row], filters: Filters) -> str:
    """Why this column cannot be the output; empty where it can."""
    known = [row for row in rows if row[column].strip()]
    if len(known) < filters.min_rows:
        return f"{len(known)} rows have a value, and {filters.min_rows} are needed"
    if (longest := max(len(row[column]) for row in known)) > filters.max_output:
        return f"values of up to {longest} characters are longer than {filters.max_output}"
    if max(sum(len(value) for name, value in row.items() if name != column) for row in known) > filters.max_input:
        return f"inputs are longer than {filters.max_input} characters"
    counts = Counter(row[column] for row in known)
    least, most = filters.classes
    if not least <= len(counts) <= most:
        return f"{len(counts)} different values; from {least} to {most} are wanted"
    if min(counts.values()) < filters.min_of_class:
        return f"a value occurs less than {filters.min_of_class} times"
    if (even := balance(counts)) < filters.min_balance:
        return f"the classes' balance is {even:.2f}, and {filters.min_balance} is needed"
    if (share := one_to_many(column, known)) > filters.max_one_to_many:
        return f"{share:.0%} of the rows have inputs that occur with another output too"
    return ""


def balance(counts: Counter[str]) -> float:
    """1 where all classes are as frequent, towards 0 where one is nearly all."""
    total = sum(counts.values())
    entropy = -sum(count / total * math.log(count / total) for count in counts.values())
    return entropy / math.log(len(counts)) if len(counts) > 1 else 0.0


def one_to_many(column: str, rows: list[Row]) -> float:
    outputs: dict[tuple[str, ...], set[str]] = defaultdict(set)
    keys = [tuple(value for name, value in row.items() if name != column) for row in rows]
    for key, row in zip(keys, rows, strict=True):
        outputs[key].add(row[column])
    return sum(len(outputs[key]) > 1 for key in keys) / len(rows)
