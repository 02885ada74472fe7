"""One instance: a company with its handbook, a customer with one or two matters, and the actions that settle them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tasks.families import _words
from tasks.families.customer_dialogue.cases import ACCOUNT_FLOWS, ORDER_FLOWS, make_accounts, make_case, make_orders
from tasks.families.customer_dialogue.flows import FLOWS
from tasks.families.customer_dialogue.handbook import handbook
from tasks.families.customer_dialogue.policy import REASONS, Call, Case, Policy, actions_of, make_policy
from tasks.families.customer_dialogue.server import Office
from tasks.families.customer_dialogue.talk import OPENINGS, PROBLEMS, misread, told

BASE_URL = "http://127.0.0.1:8000"
_IDENTITY = ("full_name", "customer_number", "zip", "phone", "email", "birthday", "pin")


@dataclass(frozen=True)
class World:
    company: str
    flows: tuple[str, ...]
    handbook: str
    service: dict[str, Any]
    grading: dict[str, Any]
    reference: dict[str, Any]
    decoys: tuple[dict[str, Any], ...]


def make_world(rng: random.Random, level: int) -> World:
    """`level`: 1 one matter, told plainly; 2 told so that one must listen; 3 two matters, the second when asked."""
    policy = make_policy(rng)
    accounts = make_accounts(rng)
    orders = make_orders(rng, accounts, policy)
    company = _words.company(rng)
    # Who has a second order can take one for the other.
    owners = [order["account"] for order in orders.values()]
    number = rng.choice([each for each in accounts if owners.count(each) > 1])
    flows = _flows(rng, level)
    cases = [make_case(rng, flow, number, accounts, orders, policy) for flow in flows]
    account = accounts[number]
    service = {
        "token": f"{rng.getrandbits(128):032x}",
        "customer": _script(rng, cases, account, orders, is_tricky=level > 1),
        "accounts": accounts,
        "orders": orders,
        "actions": actions_of(policy),
    }
    calls = _calls(policy, cases, account)
    state = _end_state(service, calls)
    assert state is not None, "the workflow's own actions are refused"
    return World(
        company=company,
        flows=tuple(flows),
        handbook=handbook(company, policy),
        service=service,
        grading={
            "output": "actions.json",
            "order": "strict",
            "calls": calls,
            "replay": {
                "base_url": BASE_URL,
                "requests": {name: {"method": "POST", "path": f"/actions/{name}"} for name in service["actions"]},
                "state_path": f"/state/{service['token']}",
                "state": state,
            },
        },
        reference={"actions.json": calls},
        decoys=tuple({"actions.json": each} for each in _decoys(rng, policy, cases, calls)),
    )


def _flows(rng: random.Random, level: int) -> list[str]:
    if level < 3:
        return [rng.choice((*ORDER_FLOWS, *ACCOUNT_FLOWS))]
    pair = [rng.choice(ORDER_FLOWS), rng.choice(ACCOUNT_FLOWS)]
    rng.shuffle(pair)
    return pair


def _calls(policy: Policy, cases: list[Case], account: dict[str, Any]) -> list[Call]:
    look_up = {"name": "pull_up_account", "arguments": {name: account[name] for name in policy.look_up}}
    verify = {"name": "verify_identity", "arguments": {name: account[name] for name in policy.proofs}}
    return [look_up, verify, *(each for case in cases for each in FLOWS[case.flow].calls(policy, case))]


def _script(
    rng: random.Random, cases: list[Case], account: dict[str, Any], orders: dict[str, Any], *, is_tricky: bool
) -> dict[str, Any]:
    """What the customer says to what."""
    first = cases[0]
    with_order = next((case for case in cases if case.order_id), first)
    others = [(key, each) for key, each in orders.items()
              if each["account"] == account["customer_number"] and key != with_order.order_id]  # fmt: skip
    other = {"order_id": others[0][0], "item": others[0][1]["item"]}
    values: dict[str, Any] = {name: account[name] for name in _IDENTITY} | {"code": account["code"]}
    if with_order.order_id:
        values["order_id"] = with_order.order_id
    for case in cases:
        values |= {slot: value for slot, value in case.said.items() if slot not in ("problem", "field")}
    knows = {
        slot: told(rng, slot, value, is_tricky=is_tricky, case=with_order, other=other)
        for slot, value in values.items()
    }
    knows["problem"] = _problem(first, is_tricky=is_tricky)
    more = _problem(cases[1], is_tricky=False)[1] if len(cases) > 1 else ""
    nothing = "No, that is all. Thank you."
    knows["else"] = [f"Yes, one thing. {more}", more] if more else [nothing, nothing]
    return {
        "opening": rng.choice(OPENINGS) if is_tricky else f"Hello. {knows['problem'][1]}",
        "knows": knows,
        "unknown": {"order_id": "This is not about an order.", "preference": "That is for you to say."},
    }


def _problem(case: Case, *, is_tricky: bool) -> list[str]:
    """As people tell it, then plainly. The first never leaves open which workflow it is."""
    indirect, plain = (text.format(item=case.order.get("item", "")) for text in PROBLEMS[case.said["problem"]])
    about = f" It is about the {case.order['item']}." if case.order else ""
    return [f"{indirect}{about}" if is_tricky else plain, plain]


def _end_state(service: dict[str, Any], calls: list[Call]) -> dict[str, Any] | None:
    """None where the office refuses one of them."""
    office = Office(service)
    answers = [office.act(each["name"], each["arguments"]) for each in calls]
    return office.state() if all(status < 400 for status, _ in answers) else None


def _decoys(rng: random.Random, policy: Policy, cases: list[Case], calls: list[Call]) -> Iterator[list[Call]]:
    """The case left open; nobody verified; two actions the other way round; a value misheard; another outcome."""
    yield calls[:-1]
    yield [calls[0], *calls[2:]]
    if len(calls) > 4:
        place = rng.randrange(2, len(calls) - 1)
        yield [*calls[:place], calls[place + 1], calls[place], *calls[place + 2 :]]
    proof = next((name for name in policy.proofs if name in ("pin", "zip", "phone")), None)
    if proof:
        wrong = {**calls[1]["arguments"], proof: misread(rng, calls[1]["arguments"][proof])}
        yield [calls[0], {**calls[1], "arguments": wrong}, *calls[2:]]
    yield [*calls[:-1], {"name": "close_case", "arguments": {"outcome": "denied" if _outcome(calls) != "denied" else
                                                             "refunded"}}]  # fmt: skip
    reasons = [index for index, each in enumerate(calls) if each["name"] == "record_reason"]
    for index in reasons:
        reason = rng.choice([each for each in REASONS if each != calls[index]["arguments"]["reason"]])
        arguments = {**calls[index]["arguments"], "reason": reason}
        yield [*calls[:index], {**calls[index], "arguments": arguments}, *calls[index + 1 :]]


def _outcome(calls: list[Call]) -> str:
    return str(calls[-1]["arguments"]["outcome"])
