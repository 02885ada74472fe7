"""What the shop sells: products of a few kinds, with attributes, colours and stock."""

import random
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
COLOURS = ("black", "white", "red", "green", "blue", "grey", "sand", "orange")
BRANDS = ("Aldo", "Brevik", "Corvo", "Danner", "Elmo", "Fjell", "Gronau", "Halden", "Ikaro", "Jolu", "Kestrel", "Lumo")
SERIES = (
    "Alto",
    "Base",
    "Cala",
    "Delta",
    "Echo",
    "Focus",
    "Grove",
    "Haven",
    "Iris",
    "Joy",
    "Kite",
    "Lark",
    "Mono",
    "Nova",
)
PER_KIND = 7


@dataclass(frozen=True)
class Kind:
    """One sort of product. `attributes`: name to its values, the least first."""

    noun: str
    plural: str
    category: str
    euros: tuple[int, int]
    attributes: dict[str, tuple[str, ...]]


KINDS = (
    Kind("kettle", "kettles", "Kitchen", (19, 89), {
        "Capacity": ("1.0 l", "1.2 l", "1.5 l", "1.7 l"), "Body": ("steel", "glass", "plastic"),
        "Warranty": ("1 year", "2 years", "3 years", "5 years")}),
    Kind("frying pan", "frying pans", "Kitchen", (18, 120), {
        "Diameter": ("20 cm", "24 cm", "28 cm", "32 cm"), "Body": ("steel", "cast iron", "aluminium"),
        "Warranty": ("2 years", "5 years", "10 years", "25 years")}),
    Kind("coffee grinder", "coffee grinders", "Kitchen", (29, 240), {
        "Burrs": ("steel", "ceramic"), "Settings": ("12", "18", "30", "40"),
        "Warranty": ("1 year", "2 years", "3 years", "5 years")}),
    Kind("bicycle helmet", "bicycle helmets", "Cycling", (35, 190), {
        "Size": ("S", "M", "L", "XL"), "Weight": ("240 g", "270 g", "310 g", "350 g"), "Light": ("no", "yes")}),
    Kind("pannier", "panniers", "Cycling", (29, 149), {
        "Volume": ("12 l", "18 l", "22 l", "25 l"), "Closing": ("roll", "zip", "buckle"), "Waterproof": ("no", "yes")}),
    Kind("bicycle lock", "bicycle locks", "Cycling", (18, 130), {
        "Level": ("6", "9", "12", "15"), "Form": ("folding", "chain", "U"), "Keys": ("2", "3", "4", "5")}),
    Kind("desk lamp", "desk lamps", "Office", (22, 160), {
        "Brightness": ("400 lm", "550 lm", "700 lm", "900 lm"), "Dimmable": ("no", "yes"),
        "Warranty": ("1 year", "2 years", "3 years", "5 years")}),
    Kind("office chair", "office chairs", "Office", (89, 420), {
        "Load": ("100 kg", "110 kg", "120 kg", "150 kg"), "Armrests": ("no", "fixed", "adjustable"),
        "Warranty": ("2 years", "3 years", "5 years", "10 years")}),
    Kind("tent", "tents", "Outdoor", (79, 480), {
        "Sleeps": ("1", "2", "3", "4"), "Weight": ("1.4 kg", "1.9 kg", "2.6 kg", "3.4 kg"),
        "Poles": ("aluminium", "fibreglass")}),
    Kind("backpack", "backpacks", "Outdoor", (39, 260), {
        "Volume": ("20 l", "28 l", "35 l", "48 l"), "Rain cover": ("no", "yes"), "Back": ("mesh", "foam")}),
    Kind("camping stove", "camping stoves", "Outdoor", (24, 180), {
        "Power": ("1.8 kW", "2.2 kW", "2.6 kW", "3.0 kW"), "Fuel": ("gas", "petrol", "wood"),
        "Lighter": ("no", "yes")}),
    Kind("garden hose", "garden hoses", "Garden", (15, 95), {
        "Length": ("10 m", "15 m", "20 m", "30 m"), "Layers": ("3", "4", "5"), "Reel": ("no", "yes")}),
)  # fmt: skip


@dataclass(frozen=True)
class Product:
    """One product; `variants`: colour -> (variant id, stock)."""

    id: int
    kind: Kind
    name: str
    brand: str
    cents: int
    rating: float
    attributes: dict[str, str]
    variants: dict[str, tuple[int, int]]


def make_stock(rng: random.Random) -> list[Product]:
    """Seven products of each kind, no two of a kind at the same price or with the same rating; names are unique."""
    products: list[Product] = []
    order = [kind for kind in KINDS for _ in range(PER_KIND)]
    rng.shuffle(order)
    names = {kind.noun: rng.sample([(b, s) for b in BRANDS for s in SERIES], PER_KIND) for kind in KINDS}
    euros = {kind.noun: rng.sample(range(*kind.euros), PER_KIND) for kind in KINDS}
    ratings = {kind.noun: rng.sample(range(24, 50), PER_KIND) for kind in KINDS}
    variant = 100
    for number, kind in enumerate(order, 11):
        brand, series = names[kind.noun].pop()
        variants: dict[str, tuple[int, int]] = {}
        for colour in rng.sample(COLOURS, rng.randint(2, 4)):
            variant += 1
            variants[colour] = (variant, rng.choice((0, 1, 2, 4, 6, 9, 12, 15, 20)))
        products.append(
            Product(
                id=number,
                kind=kind,
                name=f"{brand} {series} {kind.noun}",
                brand=brand,
                cents=euros[kind.noun].pop() * 100 + rng.choice((0, 50, 90, 95, 99)),
                rating=ratings[kind.noun].pop() / 10,
                attributes={name: rng.choice(values) for name, values in kind.attributes.items()},
                variants=variants,
            )
        )
    return products


def stock_tables(rng: random.Random, products: list[Product]) -> dict[str, list[Row]]:
    """The rows of `products`, `attributes` and `variants`."""
    return {
        "products": [
            {
                "id": each.id,
                "name": each.name,
                "brand": each.brand,
                "category": each.kind.category,
                "price_cents": each.cents,
                "rating": each.rating,
                "reviews": rng.randint(3, 900),
                "delivery_days": rng.randint(1, 6),
                "description": f"A {each.kind.noun} of the {each.name.split()[1]} series by {each.brand}.",
            }
            for each in products
        ],
        "attributes": [
            {"product_id": each.id, "name": name, "value": value}
            for each in products
            for name, value in each.attributes.items()
        ],
        "variants": [
            {"id": number, "product_id": each.id, "colour": colour, "stock": stock}
            for each in products
            for colour, (number, stock) in each.variants.items()
        ],
    }
