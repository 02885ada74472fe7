"""How a missing cell is known: from other rows that agree in something, or by a formula from its own row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Row = dict[str, str]


@dataclass(frozen=True)
class Lookup:
    """Rows with the same `key` have the same value; a key that is None or empty says nothing."""

    key: Callable[[Row], str | None]

    def find(self, column: str, row: Row, rows: Sequence[Row]) -> str | None:
        wanted = self.key(row)
        values = {other[column] for other in rows if other[column] and self.key(other) == wanted}
        return values.pop() if wanted and len(values) == 1 else None


@dataclass(frozen=True)
class Formula:
    """The value from the other cells of the row; None where they do not say it."""

    compute: Callable[[Row], str | None]

    def find(self, column: str, row: Row, rows: Sequence[Row]) -> str | None:
        return self.compute(row)


Rule = Lookup | Formula


def impute(rows: Sequence[Row], rules: dict[str, tuple[Rule, ...]]) -> dict[tuple[int, str], str]:
    """The value of every empty cell that a rule finds, by (index of the row, column).

    Found values serve for others: it goes on until nothing more is found.
    """
    rows = [dict(row) for row in rows]
    found: dict[tuple[int, str], str] = {}
    while True:
        before = len(found)
        for index, row in enumerate(rows):
            for column, several in rules.items():
                if row[column]:
                    continue
                value = next((value for rule in several if (value := rule.find(column, row, rows))), None)
                if value is not None:
                    row[column] = found[index, column] = value
        if len(found) == before:
            return found
