"""What a site can be about."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """A number with a unit. `others`: units that pages use besides, each with its size in the asked unit."""

    name: str
    unit: str
    unit_name: str
    least: int
    most: int
    others: tuple[tuple[str, float], ...]
    said: str  # in a sentence, with {value}


@dataclass(frozen=True)
class Subject:
    """`names`: what stands after a place's name.

    `date`: name of the day in each one's life, and how a sentence says it; `maker`: what the company behind it is.
    """

    name: str
    plural: str
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    measures: tuple[Measure, ...]
    date: tuple[str, str]
    maker: str
    features: tuple[str, ...]


def _metres(name: str, least: int, most: int, said: str) -> Measure:
    return Measure(name, "m", "metres", least, most, (("ft", 0.3048),), said)


SUBJECTS = (
    Subject(
        "lighthouse",
        "lighthouses",
        ("Light", "Head Light", "Point Light", "Old Light", "Rock Light"),
        ("coastal", "harbour", "island", "estuary"),
        (_metres("height", 12, 68, "rises {value} above the rock"),
         Measure("range", "km", "kilometres", 9, 55, (("nautical miles", 1.852),), "is seen from {value} away")),
        ("first lit", "was first lit on {value}"),
        "builder",
        ("fog horn", "museum", "guest room", "radio mast", "solar panels", "boat house"),
    ),
    Subject(
        "bridge",
        "bridges",
        ("Bridge", "Old Bridge", "High Bridge", "Mill Bridge", "New Bridge"),
        ("arch", "beam", "suspension", "truss"),
        (_metres("length", 35, 980, "spans {value}"),
         Measure("load limit", "t", "tonnes", 4, 90, (("kg", 0.001), ("lb", 0.00045359237)), "carries {value}")),
        ("opened", "was opened on {value}"),
        "contractor",
        ("footpath", "toll", "tram line", "cycle lane", "lift span", "lamps"),
    ),
    Subject(
        "dam",
        "dams",
        ("Dam", "Upper Dam", "Lower Dam", "Valley Dam", "Gorge Dam"),
        ("gravity", "arch", "earth", "buttress"),
        (_metres("height", 14, 210, "is {value} high"),
         Measure("power", "MW", "megawatts", 3, 700, (("kW", 0.001),), "yields {value}")),
        ("completed", "was completed on {value}"),
        "operator",
        ("fish ladder", "spillway", "road on top", "visitor centre", "boat lift", "beach"),
    ),
    Subject(
        "garden",
        "gardens",
        ("Garden", "Palace Garden", "Herb Garden", "Water Garden", "Hill Garden"),
        ("botanical", "formal", "kitchen", "rock"),
        (Measure("area", "ha", "hectares", 2, 120, (("acres", 0.40468564), ("m²", 0.0001)), "covers {value}"),
         Measure("path length", "km", "kilometres", 2, 40, (("miles", 1.609344),), "has {value} of paths")),
        ("laid out", "was laid out on {value}"),
        "trustee",
        ("palm house", "maze", "tea room", "fountain", "orchard", "rose walk"),
    ),
    Subject(
        "telescope",
        "telescopes",
        ("Telescope", "Ridge Telescope", "Summit Telescope", "Plain Telescope", "Twin Telescope"),
        ("optical", "radio", "infrared", "solar"),
        (Measure("aperture", "cm", "centimetres", 40, 980, (("in", 2.54), ("m", 100.0)), "has an aperture of {value}"),
         _metres("altitude", 240, 4200, "stands at {value} above the sea")),
        ("first light", "saw first light on {value}"),
        "owner",
        ("visitor nights", "laser guide", "remote control", "spectrograph", "dormitory", "library"),
    ),
    Subject(
        "ferry",
        "ferries",
        ("Star", "Queen", "Pearl", "Swan", "Spirit"),
        ("car", "passenger", "freight", "night"),
        (_metres("length", 28, 190, "is {value} long"),
         Measure("speed", "km/h", "kilometres per hour", 18, 75, (("knots", 1.852), ("mph", 1.609344)),
                 "makes {value}")),
        ("launched", "was launched on {value}"),
        "shipyard",
        ("restaurant", "cabins", "sun deck", "cinema", "pet room", "shop"),
    ),
)  # fmt: skip
