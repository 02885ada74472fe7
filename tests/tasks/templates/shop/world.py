"""A shop's orders, and what its clients of one city paid in one month."""

from dataclasses import dataclass
from random import Random

from names import NAMES


@dataclass(frozen=True)
class World:
    orders: str
    rows: list[dict[str, object]]
    files: dict[str, str]
    reference: dict[str, str]
    hidden: dict[str, str]
    decoys: list[dict[str, str]]


def make_world(rng: Random, *, clients: int, count: int, city: dict[str, object], month: int, discount: float) -> World:
    names = rng.sample(NAMES, clients)
    orders = [
        (rng.choice(names), rng.choice((str(city["name"]), "Jena")), rng.randint(1, 3) + month - 1, rng.randint(5, 900))
        for _ in range(count)
    ]
    paid: dict[str, float] = {}
    all_months: dict[str, float] = {}
    for client, place, when, amount in orders:
        if place == city["name"]:
            all_months[client] = all_months.get(client, 0) + amount * (1 - discount)
            if when == month:
                paid[client] = paid.get(client, 0) + amount * (1 - discount)
    rows = [{"client": client, "total": round(total, 2)} for client, total in sorted(paid.items())]
    return World(
        orders="client,city,month,amount\n" + "".join(f"{','.join(map(str, order))}\n" for order in orders),
        rows=rows,
        files={"README.md": f"{count} orders\n"},
        reference={"answer.csv": table(paid)},
        hidden={"kept/seed.txt": f"{rng.random()}\n"},
        decoys=[{"answer.csv": table(all_months)}] if all_months != paid else [],
    )


def table(paid: dict[str, float]) -> str:
    return "client,total\n" + "".join(f"{client},{total:.2f}\n" for client, total in sorted(paid.items()))
