"""One instance: a site, which of its things are wanted, and the table of what is true of them."""

import csv
import io
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tasks.families import _words
from tasks.families.wide_search.entities import Entity, make_entities
from tasks.families.wide_search.pages import Site, build
from tasks.families.wide_search.subjects import SUBJECTS, Subject

# Scope: things on the site, rows wanted, columns besides the name.
SCOPES = {1: (120, (5, 9), 3), 2: (220, (10, 18), 4), 3: (360, (20, 36), 5), 4: (560, (40, 75), 6)}
_CORRECTED = 0.25  # share of pages with a wrong value, where notices count


@dataclass(frozen=True)
class Column:
    """`told`: what the instruction says of it. `place`: card, page (the thing's own) or linked (region, company)."""

    name: str
    told: str
    place: str
    comparison: Any
    value: Callable[[Entity], Any]


@dataclass(frozen=True)
class Condition:
    told: str
    place: str
    holds: Callable[[Entity], bool]


@dataclass(frozen=True)
class World:
    plural: str
    conditions: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    has_notices: bool
    service: dict[str, Any]
    grading: dict[str, Any]
    reference: dict[str, str]
    decoys: tuple[dict[str, str], ...]


def make_world(rng: random.Random, diffusion: int, scope: int) -> World:
    """`diffusion`: 1 all stands in the lists, 2 on the things' own pages, 3 also on those of regions and companies,
    4 and some of it is put right by notices. `scope`: 1 to 4, of SCOPES."""
    total, rows, width = SCOPES[scope]
    while True:
        subject = rng.choice(SUBJECTS)
        entities = make_entities(rng, subject, total, corrected=_CORRECTED if diffusion == 4 else 0.0)
        conditions = _conditions(rng, subject, entities, diffusion, rows)
        if conditions:
            break
    wanted = [entity for entity in entities if all(each.holds(entity) for each in conditions)]
    columns = _columns(rng, subject, diffusion, width)
    title = f"The {rng.choice(_words.ADJECTIVES)} register of {subject.plural}".replace("  ", " ")
    site = Site(title, subject, entities, shows_all=diffusion == 1)
    table = [{"name": each.name, **{column.name: column.value(each) for column in columns}} for each in wanted]
    comparisons = {"name": "text", **{column.name: column.comparison for column in columns}}
    return World(
        plural=subject.plural,
        conditions=tuple(each.told for each in conditions),
        columns=(("name", "as the site writes it"), *((each.name, each.told) for each in columns)),
        has_notices=diffusion == 4,
        service=build(rng, site),
        grading={"columns": comparisons, "rows": table, "key": ["name"], "output": "answer.csv"},
        reference={"answer.csv": as_csv(table)},
        decoys=tuple(
            {"answer.csv": as_csv(each)} for each in _decoys(rng, table, wanted, columns, conditions, entities)
        ),
    )


def as_csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["name"], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: "; ".join(value) if isinstance(value, list) else value for key, value in row.items()})
    return text.getvalue()


def _columns(rng: random.Random, subject: Subject, diffusion: int, width: int) -> list[Column]:
    found = list(_possible_columns(subject, diffusion))
    places = {1: ("card",), 2: ("card", "page"), 3: ("page", "linked"), 4: ("page", "linked")}[diffusion]
    fitting = [each for each in found if each.place in places]
    must = [each for each in fitting if each.place == places[-1]]
    chosen = rng.sample(must, min(2, len(must)))
    if diffusion == 4:  # a value that notices may put right
        chosen.append(
            rng.choice([each for each in fitting if each.name in _correctable(subject) and each not in chosen])
        )
    rest = [each for each in fitting if each not in chosen]
    chosen += rng.sample(rest, min(len(rest), max(0, width - len(chosen))))
    return sorted(chosen, key=found.index)


def _correctable(subject: Subject) -> set[str]:
    return {_date_name(subject), *(_measure_name(each.name, each.unit) for each in subject.measures)}


def _possible_columns(subject: Subject, diffusion: int) -> Iterator[Column]:
    shown = "card" if diffusion == 1 else "page"  # where the date and the first measure stand
    yield Column(
        "kind", f"{', '.join(subject.kinds[:-1])} or {subject.kinds[-1]}", "card", "text", lambda each: each.kind
    )
    yield Column("region", "name of the region", "card", "text", lambda each: each.region.name)
    yield Column(_date_name(subject), "date, as YYYY-MM-DD", shown, "date", lambda each: each.date)
    for number, measure in enumerate(subject.measures):
        # A whole number in this unit: half a unit beside it is another one.
        yield Column(
            _measure_name(measure.name, measure.unit),
            f"{measure.name} in {measure.unit_name}, rounded to a whole number",
            shown if number == 0 else "page",
            {"as": "number", "absolute": 0.5},
            lambda each, name=measure.name: each.measures[name],  # type: ignore[misc]
        )
    yield Column("features", "all of them, with a semicolon between two", "page", {"as": "set", "separator": ";"},
                 lambda each: list(each.features))  # fmt: skip
    yield Column("website", "full address", "page", "url", lambda each: each.website)
    yield Column(subject.maker, f"name of the {subject.maker}", "page", "text", lambda each: each.maker.name)
    yield Column("governor", "who governs its region", "linked", "text", lambda each: each.region.governor)
    yield Column("region_code", "code of its region", "linked", "text", lambda each: each.region.code)
    yield Column(
        f"{subject.maker}_seat", f"town of its {subject.maker}", "linked", "text", lambda each: each.maker.seat
    )
    yield Column(f"{subject.maker}_founded", f"year in which its {subject.maker} was founded", "linked", "number",
                 lambda each: each.maker.founded)  # fmt: skip


def _date_name(subject: Subject) -> str:
    return subject.date[0].replace(" ", "_")


def _measure_name(name: str, unit: str) -> str:
    return f"{name}_{unit}".replace(" ", "_").replace("/", "_per_").lower()


def _conditions(
    rng: random.Random, subject: Subject, entities: list[Entity], diffusion: int, rows: tuple[int, int]
) -> list[Condition]:
    """One to three whose things are as many as wanted; none where chance does not find them."""
    places = {1: ("card",), 2: ("card", "page"), 3: ("card", "page", "linked"), 4: ("card", "page", "linked")}[
        diffusion
    ]
    for _ in range(300):
        offered = [each for each in _possible_conditions(rng, subject, entities, diffusion) if each.place in places]
        chosen = rng.sample(offered, rng.randint(1, min(3, len(offered))))
        if diffusion > 1 and all(each.place != places[-1] for each in chosen):
            continue
        count = sum(all(each.holds(entity) for each in chosen) for entity in entities)
        if rows[0] <= count <= rows[1]:
            return chosen
    return []


def _possible_conditions(
    rng: random.Random, subject: Subject, entities: list[Entity], diffusion: int
) -> Iterator[Condition]:
    shown = "card" if diffusion == 1 else "page"
    other = rng.choice(entities)
    year, feature = int(other.date[:4]), rng.choice(subject.features)
    measure = rng.choice(subject.measures)
    level = other.measures[measure.name] - 0.5  # between whole numbers: no rounding of a unit decides
    place = shown if measure is subject.measures[0] else "page"
    kinds = rng.sample(subject.kinds, rng.choice((1, 1, 2)))
    yield Condition(f"its kind is {' or '.join(kinds)}", "card", lambda each: each.kind in kinds)
    regions = rng.sample(sorted({each.region.name for each in entities}), rng.choice((1, 2, 3)))
    yield Condition(f"its region is {' or '.join(regions)}", "card", lambda each: each.region.name in regions)
    said = subject.date[1].replace("on {value}", "{value}")
    if rng.random() < 0.5:
        yield Condition(f"it {said.format(value=f'before {year}')}", shown, lambda each: int(each.date[:4]) < year)
    else:
        when = f"in {year} or later"
        yield Condition(f"it {said.format(value=when)}", shown, lambda each: int(each.date[:4]) >= year)
    yield Condition(f"its {measure.name} is at least {level:g} {measure.unit_name}", place,
                    lambda each: each.measures[measure.name] >= level)  # fmt: skip
    yield Condition(f"it has this feature: {feature}", "page", lambda each: feature in each.features)
    coast = rng.choice(("north", "south"))
    yield Condition(f"its region lies on the {coast}ern coast", "linked", lambda each: each.region.coast == coast)
    founded = other.maker.founded
    yield Condition(f"its {subject.maker} was founded in {founded} or earlier", "linked",
                    lambda each: each.maker.founded <= founded)  # fmt: skip


def _decoys(
    rng: random.Random,
    table: list[dict[str, Any]],
    wanted: list[Entity],
    columns: list[Column],
    conditions: list[Condition],
    entities: list[Entity],
) -> Iterator[list[dict[str, Any]]]:
    """A row too few; the rows of one condition less; a value of another row; values as uncorrected pages have them."""
    yield table[:-1]
    looser = [each for each in entities if all(one.holds(each) for one in conditions[:-1])]
    if len(conditions) > 1 and len(looser) > len(table):
        yield [{"name": each.name, **{column.name: column.value(each) for column in columns}} for each in looser]
    row = rng.randrange(len(table))
    names = [name for name in table[row] if name != "name" and any(each[name] != table[row][name] for each in table)]
    if names:
        name = rng.choice(names)
        other = next(each[name] for each in table if each[name] != table[row][name])
        yield [{**each, name: other} if index == row else each for index, each in enumerate(table)]
    uncorrected = [{"name": each.name, **{column.name: column.value(_as_on_page(each)) for column in columns}}
                   for each in wanted]  # fmt: skip
    if uncorrected != table:
        yield uncorrected


def _as_on_page(entity: Entity) -> Entity:
    measures = {name: entity.corrected.get(name, value) for name, value in entity.measures.items()}
    return Entity(**{**vars(entity), "measures": measures, "date": entity.corrected.get("date", entity.date)})
