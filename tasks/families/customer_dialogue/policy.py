"""The rules of one company, drawn anew for each instance: nobody knows a workflow who has not read its handbook."""

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

LEVELS = ("basic", "silver", "gold")
REASONS = ("broken", "scratched", "stained", "missing_part")
OUTCOMES = ("refunded", "replaced", "voucher", "exchanged", "denied", "investigated", "resent", "address_changed",
            "cancelled", "adjusted", "forwarded", "extended", "updated")  # fmt: skip
SIZES = ("XS", "S", "M", "L", "XL")
_LOOK_UPS = (("full_name", "zip"), ("email",), ("customer_number",), ("full_name", "phone"))
_PROOFS = ("birthday", "pin", "zip", "phone", "email")

Call = dict[str, Any]


@dataclass(frozen=True)
class Policy:
    """Days, percents and amounts by the customer's level, or for all."""

    today: str
    look_up: tuple[str, ...]
    proofs: tuple[str, ...]
    window_days: dict[str, int]
    fee_percent: dict[str, int]
    voucher_percent: dict[str, int]
    quality_limit: int
    resend_after_days: int
    billing_limit: dict[str, int]
    months_choices: tuple[int, ...]
    is_reason_first: bool
    is_code_by_phone: bool
    asks_neighbours: bool


def make_policy(rng: random.Random) -> Policy:
    look_up = rng.choice(_LOOK_UPS)
    windows = sorted(rng.sample(range(14, 120, 7), 3))
    fees = sorted(rng.sample(range(0, 45, 5), 3), reverse=True)
    vouchers = sorted(rng.sample(range(5, 45, 5), 3))
    billing = sorted(rng.sample(range(10, 90, 10), 3))
    return Policy(
        today=f"2027-{rng.randint(6, 11):02d}-{rng.randint(1, 28):02d}",
        look_up=look_up,
        proofs=tuple(rng.sample([proof for proof in _PROOFS if proof not in look_up], 2)),
        window_days=dict(zip(LEVELS, windows, strict=True)),
        fee_percent=dict(zip(LEVELS, fees, strict=True)),
        voucher_percent=dict(zip(LEVELS, vouchers, strict=True)),
        quality_limit=rng.randrange(60, 240, 20),
        resend_after_days=rng.choice((7, 10, 14, 21)),
        billing_limit=dict(zip(LEVELS, billing, strict=True)),
        months_choices=tuple(sorted(rng.sample((1, 2, 3, 6, 9, 12, 18, 24), 4))),
        is_reason_first=rng.random() < 0.5,
        is_code_by_phone=rng.random() < 0.5,
        asks_neighbours=rng.random() < 0.5,
    )


@dataclass(frozen=True)
class Case:
    """One matter of a customer. `said`: slot -> the value that only the customer knows."""

    flow: str
    order_id: str
    order: dict[str, Any]
    account: dict[str, Any]
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def level(self) -> str:
        return str(self.account["level"])


def age_days(policy: Policy, case: Case) -> int:
    return (date.fromisoformat(policy.today) - date.fromisoformat(case.order["ordered_on"])).days


def days_before(day: str, days: int) -> str:
    return (date.fromisoformat(day) - timedelta(days=days)).isoformat()


def by_level(values: dict[str, int], unit: str) -> str:
    """As in `basic 14 days, silver 30 days, gold 60 days`."""
    return ", ".join(f"{level} {value}{unit}" for level, value in values.items())


def call(action: str, /, **arguments: Any) -> Call:
    return {"name": action, "arguments": arguments}


def actions_of(policy: Policy) -> dict[str, dict[str, Any]]:
    """Every action with its arguments: a list of what is allowed, or the type."""
    order: dict[str, Any] = {"order_id": "text"}
    forms: dict[str, dict[str, Any]] = {
        "pull_up_account": dict.fromkeys(policy.look_up, "text"),
        "verify_identity": dict.fromkeys(policy.proofs, "text"),
        "pull_up_order": order,
        "record_reason": {**order, "reason": list(REASONS)},
        "offer_refund": {**order, "amount": "number"},
        "send_replacement": order,
        "give_voucher": {**order, "percent": "number"},
        "notify_team": {"team": ["quality", "billing", "shipping"], **order},
        "book_pickup": {**order, "day": "date"},
        "exchange_size": {**order, "size": list(SIZES)},
        "open_investigation": {**order, "asked_neighbours": ["yes", "no"]},
        "reship_order": order,
        "change_address": {**order, "street": "text"},
        "notify_carrier": {**order, "street": "text"},
        "cancel_order": order,
        "adjust_charge": {**order, "amount": "number"},
        "collect_payment": {"amount": "number", "method": ["card", "bank transfer"]},
        "extend_subscription": {"months": list(policy.months_choices)},
        "send_code": {"channel": ["phone", "email"]},
        "confirm_code": {"code": "text"},
        "update_contact": {"field": ["phone", "email"], "value": "text"},
        "close_case": {"outcome": list(OUTCOMES)},
    }
    return {name: {"arguments": arguments} for name, arguments in forms.items()}
