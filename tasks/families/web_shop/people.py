"""Who shops there: customers with addresses and past orders, coupons, the workshop's appointments."""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tasks.families._words import FAMILY_NAMES, GIVEN_NAMES, TOWNS
from tasks.families.web_shop.stock import KINDS, Product

Row = dict[str, Any]
STREETS = (
    "Mill Lane",
    "Station Road",
    "Linden Street",
    "Harbour Row",
    "Church Hill",
    "Garden Walk",
    "Market Square",
    "Oak Avenue",
)
SERVICES = ("Bicycle check", "Knife sharpening", "Chair repair", "Lamp repair")
TIMES = ("09:00", "10:30", "13:00", "15:30", "17:00")
DELIVERIES = ("standard", "express", "pickup")
PAYMENTS = ("invoice", "card", "transfer")
RETURN_DAYS = 30


@dataclass(frozen=True)
class Customer:
    id: int
    name: str
    email: str
    password: str
    phone: str
    addresses: list[Row]


def make_customers(rng: random.Random) -> list[Customer]:
    """Four, with two or three addresses each, all in different towns; the first address is the default."""
    given, family = rng.sample(GIVEN_NAMES, 4), rng.sample(FAMILY_NAMES, 4)
    towns, number = rng.sample(TOWNS, 12), 0
    customers = []
    for i in range(4):
        addresses: list[Row] = []
        for _ in range(rng.randint(2, 3)):
            number += 1
            addresses.append(
                {
                    "id": number,
                    "user_id": i + 1,
                    "name": f"{given[i]} {family[i]}",
                    **make_address(rng, towns.pop()),
                    "is_default": int(not addresses),
                }
            )
        customers.append(
            Customer(
                id=i + 1,
                name=f"{given[i]} {family[i]}",
                email=f"{given[i]}.{family[i]}@mail.example".lower(),
                password="".join(rng.choices("abcdefghjkmnpqrstuvwxyz23456789", k=9)),
                phone=make_phone(rng),
                addresses=addresses,
            )
        )
    return customers


def make_address(rng: random.Random, town: str) -> Row:
    street = f"{rng.choice(STREETS)} {rng.randint(1, 98)}"
    return {"street": street, "postcode": f"{rng.randint(10000, 98999)}", "city": town}


def make_phone(rng: random.Random) -> str:
    return f"0{rng.randint(150, 799)} {rng.randint(1000000, 9999999)}"


def make_orders(
    rng: random.Random, customers: list[Customer], products: list[Product], today: date
) -> tuple[list[Row], list[Row]]:
    """Orders and their lines. Of each customer: two in processing, some delivered lately, some long ago."""
    orders: list[Row] = []
    lines: list[Row] = []
    planned = []
    for customer in customers:
        ages = rng.sample(range(2, 6), 2) + rng.sample(range(8, RETURN_DAYS - 2), 3) + rng.sample(range(50, 300), 3)
        planned += [(age, customer) for age in ages]
    for number, (age, customer) in enumerate(sorted(planned, key=lambda each: (-each[0], each[1].id)), 4101):
        address = rng.choice(customer.addresses)
        chosen = rng.sample(products, rng.randint(1, 3))
        total = 0
        for product in chosen:
            variant, _ = product.variants[rng.choice(sorted(product.variants))]
            quantity = rng.randint(1, 4)
            total += quantity * product.cents
            lines.append(
                {
                    "id": len(lines) + 501,
                    "order_id": number,
                    "variant_id": variant,
                    "quantity": quantity,
                    "price_cents": product.cents,
                }
            )
        delivery = rng.choice(DELIVERIES)
        fee = {"standard": 0 if total >= 10_000 else 490, "express": 1290, "pickup": 0}[delivery]
        orders.append(
            {
                "id": number,
                "user_id": customer.id,
                "status": "processing" if age < 6 else "delivered",
                "placed_on": (today - timedelta(days=age)).isoformat(),
                **{name: address[name] for name in ("name", "street", "postcode", "city")},
                "delivery": delivery,
                "payment": rng.choice(PAYMENTS),
                "coupon": "",
                "delivery_cents": fee,
                "total_cents": total + fee,
            }
        )
    return orders, lines


def make_coupons(rng: random.Random, today: date) -> list[Row]:
    """Six: for all or for one department, some with a minimum, one that has run out."""
    codes = rng.sample(
        [f"{word}{n}" for word in ("SPRING", "HELLO", "MERCI", "LUCKY", "BONUS") for n in (5, 7, 12, 20)], 6
    )
    categories = sorted({kind.category for kind in KINDS})
    valid = (today + timedelta(days=rng.randint(5, 90))).isoformat()
    gone = (today - timedelta(days=rng.randint(2, 60))).isoformat()
    percents = rng.sample(range(5, 16), 4)
    rows = [
        (percents[0], 0, "", valid),
        (percents[1], rng.choice((5_000, 8_000, 12_000)), "", valid),
        (percents[2], 0, rng.choice(categories), valid),
        (percents[3], 3_000, rng.choice(categories), valid),
        (25, 0, "", gone),
        (20, 90_000, "", valid),
    ]
    names = ("percent", "minimum_cents", "category", "valid_until")
    return [{"code": code, **dict(zip(names, row, strict=True))} for code, row in zip(codes, rows, strict=True)]


def make_slots(rng: random.Random, today: date) -> list[Row]:
    """Appointments of the next days, at two places; about half of them are taken."""
    places = rng.sample(TOWNS, 2)
    slots: list[Row] = []
    for ahead in range(1, 8):
        day = (today + timedelta(days=ahead)).isoformat()
        for place in places:
            for service in SERVICES:
                for time in sorted(rng.sample(TIMES, rng.randint(1, 3))):
                    row = {"service": service, "place": place, "day": day, "time": time}
                    slots.append({"id": len(slots) + 301, **row, "is_taken": int(rng.random() < 0.5)})
    return slots
