"""What every method gives: data that the writer gets, and what has to be found in them."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """`says`: a sentence with the value in it. `slip`: the value that a hasty reader of the procedure would find."""

    section: str
    asks: str
    says: str
    value: str
    slip: str


@dataclass(frozen=True)
class Case:
    """`sections`: heading and what belongs below it, in order. `fixed`: text of sections without findings."""

    field: str
    objective: str
    procedure: tuple[str, ...]
    data_name: str
    data: str
    sections: tuple[tuple[str, str], ...]
    fixed: dict[str, str]
    findings: tuple[Finding, ...]


def as_csv(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([columns, *rows])
    return out.getvalue()
