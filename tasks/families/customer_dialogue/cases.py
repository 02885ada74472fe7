"""Accounts and orders of a company, and the matter that one customer comes with."""

import random
from dataclasses import replace
from typing import Any

from tasks.families import _words
from tasks.families.customer_dialogue.policy import LEVELS, REASONS, SIZES, Case, Policy, days_before

ORDER_FLOWS = ("damaged", "size", "returned", "missing", "address", "cancel", "billing")
ACCOUNT_FLOWS = ("subscription", "contact")
_STATUSES = {
    "damaged": ("delivered",),
    "size": ("delivered",),
    "returned": ("delivered",),
    "missing": ("delivered", "shipped", "shipped", "packing"),
    "address": ("packing", "shipped", "delivered"),
    "cancel": ("packing", "shipped"),
    "billing": ("delivered", "shipped"),
}

Records = dict[str, dict[str, Any]]


def make_accounts(rng: random.Random, count: int = 40) -> Records:
    """Some people have the same name."""
    names = _words.people(rng, count - 6)
    found: Records = {}
    for name in [*names, *rng.sample(names, 6)]:
        first, last = name.lower().split(" ", 1)
        found[f"C-{rng.randint(10_000, 99_999)}"] = {
            "full_name": name,
            "email": f"{first}.{last.replace(' ', '')}{rng.randint(2, 99)}@{_words.invented(rng).lower()}.example",
            "zip": f"{rng.randint(10_000, 99_999)}",
            "phone": _words.phone(rng),
            "birthday": _words.date(rng, 1950, 2005),
            "pin": f"{rng.randint(1000, 9999)}",
            "level": rng.choice(LEVELS),
            "due": rng.choice((0, 0, rng.randrange(500, 6000, 50) / 100)),
            "subscribed_months": rng.randint(1, 30),
            "code": f"{rng.randint(100_000, 999_999)}",
        }
    for number, account in found.items():
        account["customer_number"] = number
    return found


def make_orders(rng: random.Random, accounts: Records, policy: Policy) -> Records:
    """One to three for each account."""
    found: Records = {}
    for number in accounts:
        street = _words.address(rng)
        for _ in range(rng.randint(1, 3)):
            found[f"OR-{rng.randint(100_000, 999_999)}"] = {
                "account": number,
                "item": _words.product(rng),
                "size": rng.choice(SIZES),
                "price": rng.randint(18, 320),
                "ordered_on": days_before(policy.today, rng.randint(2, 150)),
                "status": rng.choice(("packing", "shipped", "delivered")),
                "street": street,
                "refunded": 0,
            }
    return found


def make_case(rng: random.Random, flow: str, number: str, accounts: Records, orders: Records, policy: Policy) -> Case:
    """A matter of this customer; sets the order's status and age to what the flow is about."""
    account = accounts[number]
    if flow in ACCOUNT_FLOWS:
        return replace(Case(flow, "", {}, account), said=_said(rng, flow, account, {}, policy))
    order_id = rng.choice([key for key, order in orders.items() if order["account"] == number])
    order = orders[order_id]
    order["status"] = rng.choice(_STATUSES[flow])
    limit = policy.resend_after_days if flow == "missing" else policy.window_days[account["level"]]
    # Close to the limit on either side, more often within.
    is_late = rng.random() < 0.4
    age = limit + rng.randint(1, 12) if is_late else max(1, limit - rng.randint(0, min(12, limit - 1)))
    order["ordered_on"] = days_before(policy.today, age)
    return Case(flow, order_id, order, account, _said(rng, flow, account, order, policy))


def _said(
    rng: random.Random, flow: str, account: dict[str, Any], order: dict[str, Any], policy: Policy
) -> dict[str, Any]:
    """What only the customer knows."""
    said: dict[str, Any] = {"problem": flow}
    year, month, _ = policy.today.split("-")
    soon = f"{year}-{int(month) + 1:02d}-{int(rng.randint(3, 28)):02d}"
    match flow:
        case "damaged":
            said = {"problem": rng.choice(REASONS), "preference": rng.choice(("refund", "replacement"))}
        case "size":
            said |= {"size": rng.choice([size for size in SIZES if size != order["size"]]), "pickup_day": soon}
        case "returned":
            said |= {"pickup_day": soon}
        case "missing":
            said |= {"neighbours": rng.choice(("yes", "no"))}
        case "address":
            said |= {"new_street": _words.address(rng)}
        case "billing":
            limit = policy.billing_limit[account["level"]]
            extra = rng.choice((limit, limit - rng.randint(1, 36) / 4, limit + rng.randint(1, 80) / 4))
            said |= {"charged": round(order["price"] + extra, 2)}
        case "subscription":
            said |= {"months": rng.choice(policy.months_choices), "method": rng.choice(("card", "bank transfer"))}
        case "contact":
            field = rng.choice(("phone", "email"))
            name = account["full_name"].lower().replace(" ", ".")
            new = _words.phone(rng) if field == "phone" else f"{name}@{_words.invented(rng).lower()}.example"
            said = {"problem": field, "field": field, "new_value": new}
    return said
