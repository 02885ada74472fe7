"""The things that a site tells of, and what is true of them."""

import random
from dataclasses import dataclass, field
from typing import Any

from tasks.families import _words
from tasks.families.wide_search.subjects import Subject


@dataclass(frozen=True)
class Region:
    """A page of its own, with what its things' pages do not say."""

    name: str
    governor: str
    code: str
    coast: str

    @property
    def path(self) -> str:
        return f"/regions/{self.name.lower()}"


@dataclass(frozen=True)
class Maker:
    name: str
    seat: str
    founded: int

    @property
    def path(self) -> str:
        return f"/companies/{self.name.lower().replace(' ', '-')}"


@dataclass(frozen=True)
class Entity:
    """`date` in ISO form; `measures` in the asked units, whole numbers."""

    name: str
    path: str
    kind: str
    region: Region
    maker: Maker
    date: str
    measures: dict[str, int]
    features: tuple[str, ...]
    website: str
    corrected: dict[str, Any] = field(default_factory=dict)  # what its own page says wrongly, and a notice puts right


def make_entities(rng: random.Random, subject: Subject, count: int, *, corrected: float) -> list[Entity]:
    """`corrected`: the share of which one value on the own page is wrong."""
    regions = [
        Region(
            name,
            _words.person(rng),
            f"{name[:2].upper()}-{rng.randint(10, 99)}",
            rng.choice(("north", "south", "none")),
        )
        for name in rng.sample(_words.REGIONS, 12)
    ]
    makers = [Maker(name, rng.choice(_words.TOWNS), rng.randint(1790, 1960)) for name in _words.companies(rng, 14)]
    names: dict[str, None] = {}
    while len(names) < count:
        # Few places and several words after them: most things have a neighbour with nearly the same name.
        names[f"{rng.choice(_words.TOWNS)} {rng.choice(subject.names)}"] = None
    found = []
    for name in names:
        measures = {each.name: rng.randint(each.least, each.most) for each in subject.measures}
        day = _words.date(rng, 1850, 2019)
        found.append(
            Entity(
                name=name,
                path=f"/{subject.plural}/{name.lower().replace(' ', '-')}",
                kind=rng.choice(subject.kinds),
                region=rng.choice(regions),
                maker=rng.choice(makers),
                date=day,
                measures=measures,
                features=tuple(sorted(rng.sample(subject.features, rng.randint(1, 4)))),
                website=f"https://{_words.invented(rng).lower()}{rng.randint(1, 99)}.example/{subject.name}",
                corrected=_wrong(rng, subject, day, measures) if rng.random() < corrected else {},
            )
        )
    return found


def _wrong(rng: random.Random, subject: Subject, day: str, measures: dict[str, int]) -> dict[str, Any]:
    what = rng.choice(["date", *measures])
    if what == "date":
        return {"date": f"{int(day[:4]) + rng.choice((-9, -3, 3, 9))}{day[4:]}"}
    right = measures[what]
    return {what: max(1, right + rng.choice((-1, 1)) * max(2, round(right * rng.uniform(0.1, 0.4))))}
