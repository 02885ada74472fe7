"""Generated tables, in which one column follows from a few of the others by a rule that nobody states."""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tasks.families import _words as words

Row = dict[str, str]
Test = Callable[[Row], bool]


@dataclass(frozen=True)
class Theme:
    """`numbers`: name low high; `categories`: name to values; `topics`: a word to texts that hold it."""

    name: str
    output: str
    classes: tuple[str, ...]
    numbers: tuple[tuple[str, int, int], ...]
    categories: Mapping[str, tuple[str, ...]]
    text: str
    topics: Mapping[str, tuple[str, ...]]


_SUPPORT = {
    "invoice": ("the invoice shows a wrong amount", "please send the invoice again", "an invoice came twice"),
    "parcel": ("the parcel never arrived", "my parcel is at a neighbour's", "the parcel was open"),
    "password": ("the password is not accepted", "a new password does not come", "I forgot my password"),
    "screen": ("the screen stays dark", "a crack runs over the screen", "the screen flickers at night"),
    "battery": ("the battery is empty after an hour", "the battery gets hot", "no battery was in the box"),
    "contract": ("I want to end the contract", "the contract has the wrong name", "when does the contract begin"),
}
_REPAIR = {
    "pump": ("the pump leaks", "a new pump was put in", "the pump hums"),
    "valve": ("the valve does not close", "one valve was stuck", "a valve was turned by hand"),
    "filter": ("the filter was full", "filter cleaned twice", "no filter was found"),
    "belt": ("the belt is torn", "a belt slipped off", "the belt squeaks"),
    "sensor": ("the sensor shows nothing", "a sensor was wet", "the sensor was set anew"),
}
_GUESTS = {
    "breakfast": ("the breakfast was cold", "breakfast until noon", "we loved the breakfast"),
    "noise": ("noise from the street", "no noise at all", "the noise kept us awake"),
    "view": ("a view of the lake", "the view was a wall", "what a view"),
    "staff": ("the staff helped at once", "staff hard to find", "thanks to the staff"),
    "garden": ("we sat in the garden", "the garden was closed", "children played in the garden"),
}
_LOANS = {
    "late": ("two late payments last year", "never a late payment", "was late once"),
    "guarantor": ("the brother is guarantor", "no guarantor was named", "a guarantor signs too"),
    "savings": ("savings for six months", "the savings are tied up", "has savings elsewhere"),
    "moved": ("moved here in spring", "has moved three times", "moved in with parents"),
    "business": ("runs a small business", "sold the business", "the business is new"),
}
_WISHES = {
    "upright": ("keep upright", "must stay upright all the way", "upright and dry"),
    "evening": ("in the evening only", "after six, evening is best", "evening delivery"),
    "frozen": ("must stay frozen", "frozen goods inside", "keep frozen"),
    "gate": ("leave at the gate", "ring at the gate", "the gate is narrow"),
    "call": ("call before", "please call the porter", "call if nobody opens"),
}

THEMES: tuple[Theme, ...] = (
    Theme(
        "support tickets", "queue", ("north desk", "south desk", "field team", "back office", "specialists"),
        (("age_days", 0, 60), ("messages", 1, 30), ("order_value", 5, 900)),
        {"channel": ("phone", "mail", "chat", "form"), "plan": ("free", "basic", "plus", "firm"),
         "language": ("de", "en", "fr", "it")},
        "message", _SUPPORT,
    ),
    Theme(
        "repair jobs", "crew", ("blue crew", "red crew", "green crew", "night crew", "outside firm"),
        (("machine_age", 1, 40), ("hours_since_check", 2, 900), ("pressure", 10, 200)),
        {"hall": ("A", "B", "C", "D"), "shift": ("early", "late", "night"), "maker": ("Volant", "Terrano", "Kolossa")},
        "note", _REPAIR,
    ),
    Theme(
        "hotel reviews", "forwarded_to", ("kitchen", "house manager", "sales", "nobody", "head office"),
        (("nights", 1, 20), ("room", 100, 480), ("paid", 60, 2400)),
        {"season": ("spring", "summer", "autumn", "winter"), "came_by": ("car", "train", "plane"),
         "guest_kind": ("family", "couple", "group", "single")},
        "comment", _GUESTS,
    ),
    Theme(
        "loan requests", "decision", ("grant", "refuse", "ask for more", "offer less"),
        (("income", 900, 9000), ("debts", 0, 60000), ("years_employed", 0, 40)),
        {"purpose": ("car", "kitchen", "roof", "studies"), "housing": ("rent", "own", "shared"),
         "branch": ("east", "west", "harbour")},
        "remark", _LOANS,
    ),
    Theme(
        "shipments", "route", ("coast road", "mountain rail", "river barge", "air", "ring road"),
        (("weight", 1, 900), ("distance", 5, 1900), ("value", 10, 9000)),
        {"goods": ("glass", "grain", "tools", "paper"), "sender_kind": ("firm", "shop", "person"),
         "zone": ("inner", "outer", "border", "island")},
        "wish", _WISHES,
    ),
)  # fmt: skip


def draw_table(rng: random.Random, size: int, depth: int, classes: int) -> tuple[Theme, list[str], list[Row]]:
    """A theme, its columns (the output last) and rows; `depth`: how many columns the rule asks one after another."""
    theme = rng.choice(THEMES)
    rows = [_row(rng, theme) for _ in range(size)]
    inputs = list(rows[0])
    rng.shuffle(inputs)
    names = rng.sample(theme.classes, min(classes, len(theme.classes)))
    rule = _rule(rng, theme, rows, rng.sample(inputs, min(depth, len(inputs))), names)
    for row in rows:
        row[theme.output] = rule(row)
    return theme, [*inputs, theme.output], rows


def _row(rng: random.Random, theme: Theme) -> Row:
    topic = rng.choice(sorted(theme.topics))
    letters = rng.choice("BDGKMPRT")
    row = {name: str(rng.randint(low, high)) for name, low, high in theme.numbers}
    row |= {name: rng.choice(values) for name, values in theme.categories.items()}
    row["date"] = words.date(rng, 2021, 2024)
    row["code"] = f"{letters}{rng.choice('ACELNOSY')}-{rng.randint(1000, 9999)}"
    row[theme.text] = f"{rng.choice(theme.topics[topic])}, {rng.choice(words.ADJECTIVES)} {rng.choice(words.NOUNS)}"
    return row


def _rule(
    rng: random.Random, theme: Theme, rows: list[Row], columns: list[str], names: list[str]
) -> Callable[[Row], str]:
    """A decision list: the first column's question splits some off, the next column's the rest, and so on.

    Where there are more classes than questions, a question has an answer for several values.
    """
    tests: list[tuple[Test, str]] = []
    order = [names[index % len(names)] for index in range(max(len(names) - 1, len(columns)))]
    left = rows
    for index, name in enumerate(order):
        column = columns[index % len(columns)]
        test = _test(rng, theme, column, left)
        tests.append((test, name))
        left = [row for row in left if not test(row)] or rows
    last = names[-1]

    def decide(row: Row) -> str:
        return next((name for test, name in tests if test(row)), last)

    return decide


def _test(rng: random.Random, theme: Theme, column: str, rows: list[Row]) -> Test:
    """A question of a column to which a quarter to a half of the rows say yes, about."""
    if column in {name for name, _, _ in theme.numbers}:
        values = sorted(float(row[column]) for row in rows)
        limit = values[int(len(values) * rng.uniform(0.55, 0.75))]
        if rng.random() < 0.5:
            limit = values[int(len(values) * rng.uniform(0.25, 0.45))]
            return lambda row: float(row[column]) < limit
        return lambda row: float(row[column]) > limit
    if column in theme.categories:
        counts = Counter(row[column] for row in rows)
        chosen = rng.choice(sorted(counts))
        return lambda row: row[column] == chosen
    if column == "date":
        month = rng.randint(4, 9)
        return lambda row: int(row["date"][5:7]) > month
    if column == "code":
        letter = rng.choice(sorted({row["code"][0] for row in rows}))
        other = rng.choice(sorted({row["code"][0] for row in rows}))
        return lambda row: row["code"][0] in {letter, other}
    topic = rng.choice(sorted(theme.topics))
    return lambda row: topic in row[theme.text].split(",")[0].split()
