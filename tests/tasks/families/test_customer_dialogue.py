"""A scripted customer and a back office: who is asked what says what, and which actions a workflow comes to."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from environments import Backend
from tasks.families.customer_dialogue.flows import FLOWS
from tasks.families.customer_dialogue.policy import Case, Policy, days_before, make_policy
from tasks.families.customer_dialogue.server import SLOTS, Customer, Office, asked_in
from tasks.families.customer_dialogue.world import World, make_world

from .served import agents_sandbox, check_is_a_task, drawn, instance_of, seeded, template_of, verdict_on

# Asks for one thing after another, twice each, and then carries out actions; says what came of it all.
TALK = """\
import json, sys, urllib.error, urllib.request

def ask(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:8000" + path, data=data)) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)

given = json.load(sys.stdin)
out = {"before": ask("/conversation")[1], "early": ask("/actions/" + given["actions"][-1]["name"],
       given["actions"][-1]["arguments"])[0]}
out["replies"] = [[ask("/say", {"text": question})[1]["reply"] for _ in range(2)] for question in given["questions"]]
out["statuses"] = [ask("/actions/" + each["name"], each["arguments"])[0] for each in given["actions"]]
out["after"] = ask("/conversation")[1]
out["state"] = ask("/state/" + "0" * 32)[0]
print(json.dumps(out))
"""
QUESTIONS = {
    "full_name": "May I have your full name, please?",
    "zip": "What is your zip code?",
    "customer_number": "What's your customer number?",
    "order_id": "Could you give me the order number?",
    "phone": "Which phone number do we have for you?",
    "email": "What is your email address?",
    "birthday": "When were you born? I need your date of birth.",
    "pin": "Please tell me your PIN.",
    "code": "What code did you receive?",
    "new_street": "What is the new address?",
    "size": "Which size would fit?",
    "pickup_day": "On what day can we pick it up?",
    "charged": "How much were you charged?",
    "neighbours": "Did you ask your neighbours?",
    "months": "For how many months?",
    "method": "What payment method shall we use?",
    "preference": "Do you want a refund or a replacement?",
    "problem": "How can I help you?",
    "new_value": "What is your new phone number?",
    "else": "Is there anything else?",
}


@pytest.fixture(scope="module")
def worlds() -> dict[int, World]:
    return {level: make_world(seeded("talk", level), level) for level in (1, 2, 3)}


@pytest.fixture
def policy() -> Policy:
    """Basic 14, silver 30, gold 60 days; fees of 20, 10 and 5 percent; charges of 10, 20 and 30 are given back."""
    return replace(
        make_policy(seeded("policy")),
        today="2027-09-01",
        window_days={"basic": 14, "silver": 30, "gold": 60},
        fee_percent={"basic": 20, "silver": 10, "gold": 5},
        billing_limit={"basic": 10, "silver": 20, "gold": 30},
        quality_limit=100,
        is_reason_first=True,
        asks_neighbours=True,
    )


def case_of(policy: Policy, flow: str, level: str, age: int, said: dict[str, Any], **order: Any) -> Case:
    values = {"account": "C-1", "item": "kettle", "size": "M", "price": 80, "status": "delivered", **order}
    return Case(
        flow, "OR-1", {**values, "ordered_on": days_before(policy.today, age)}, {"level": level, "due": 0}, said
    )


def names_of(policy: Policy, case: Case) -> list[str]:
    return [each["name"] for each in FLOWS[case.flow].calls(policy, case)]


def actions_of(world: World) -> list[dict[str, Any]]:
    actions: list[dict[str, Any]] = world.reference["actions.json"]
    return actions


@pytest.mark.parametrize("level", [1, 2, 3])
async def test_its_instances_are_tasks(
    level: int, worlds: dict[int, World], bubblewrap: Backend, tmp_path: Path
) -> None:
    instance = instance_of(template_of("customer_dialogue"), worlds[level], level=level)
    assert len(instance.decoys) >= 3
    await check_is_a_task(instance, bubblewrap, tmp_path)


async def test_values_come_out_in_the_talk_and_actions_in_their_order(
    worlds: dict[int, World], bubblewrap: Backend, tmp_path: Path
) -> None:
    world = worlds[3]
    instance = instance_of(template_of("customer_dialogue"), world, level=3)
    asked = [slot for slot in world.service["customer"]["knows"] if slot in QUESTIONS and slot != "code"]
    given = {"questions": [QUESTIONS[slot] for slot in asked], "actions": actions_of(world)}
    async with agents_sandbox(instance, bubblewrap, tmp_path) as box:
        talked = await box.run(["python3", "-c", TALK], stdin=json.dumps(given).encode(), timeout_sec=60)
        found = json.loads(talked.stdout)
    assert found["early"] in (404, 409) and found["state"] == 404  # nothing before the account and its proof
    assert found["statuses"] == [200] * len(given["actions"])
    plain = {slot: answers[1] for slot, answers in world.service["customer"]["knows"].items()}
    assert [replies[1] for replies in found["replies"]] == [plain[slot] for slot in asked]
    assert len(found["before"]) == 1 and len(found["after"]) == 1 + 4 * len(asked)
    known = instance.instruction + instance.files["HANDBOOK.md"].decode() + found["before"][0]["text"]
    account = world.service["accounts"][world.grading["replay"]["state"]["session"]["account"]]
    for secret in ("full_name", "zip", "pin", "phone", "email", "birthday", "code"):
        assert account[secret] not in known


@pytest.mark.parametrize(("slot", "question"), QUESTIONS.items())
def test_a_question_is_about_one_thing(slot: str, question: str) -> None:
    assert asked_in(question) == [slot]
    assert slot in SLOTS


def test_he_answers_what_is_asked_and_little_at_once(worlds: dict[int, World]) -> None:
    customer = Customer(worlds[2].service["customer"])
    knows = worlds[2].service["customer"]["knows"]
    assert "do not follow" in customer.reply("Good morning!", has_code=False)
    three = customer.reply("I need your name, your zip code and your PIN.", has_code=False)
    assert three.startswith(f"{knows['full_name'][0]} {knows['zip'][0]}") and three.endswith(
        "one thing at a time please."
    )
    assert knows["pin"][1].split()[-1].rstrip(".") not in three
    assert customer.reply("And the zip code again?", has_code=False) == knows["zip"][1]
    assert "have not got any" in customer.reply("Which code came?", has_code=False)
    assert worlds[2].service["customer"]["knows"]["code"][0] in customer.reply("Which code came?", has_code=True)


def test_he_can_be_misread() -> None:
    """Of the first answers many hold another value beside the right one, or spell it."""
    told = [make_world(seeded("misread", index), 2).service["customer"]["knows"] for index in range(30)]
    for slot in ("pin", "phone", "order_id", "email"):
        answers = [knows[slot] for knows in told if slot in knows]
        assert any(first != plain for first, plain in answers), slot
    level_1 = make_world(seeded("plain"), 1).service["customer"]["knows"]
    assert all(first == plain for first, plain in level_1.values())


def test_workflows_follow_the_rules(policy: Policy) -> None:
    damaged = {"problem": "broken", "preference": "refund"}
    late = ["pull_up_order", "record_reason", "give_voucher", "close_case"]
    assert names_of(policy, case_of(policy, "damaged", "basic", 15, damaged)) == late
    assert names_of(policy, case_of(policy, "damaged", "basic", 14, damaged))[2] == "offer_refund"
    dear = case_of(policy, "damaged", "gold", 15, {**damaged, "preference": "replacement"}, price=101)
    assert names_of(policy, dear)[2:4] == ["send_replacement", "notify_team"]
    returned = FLOWS["returned"].calls(policy, case_of(policy, "returned", "silver", 30, {"pickup_day": "2027-10-03"}))
    assert returned[2] == {"name": "offer_refund", "arguments": {"order_id": "OR-1", "amount": 72.0}}
    billed = {extra: names_of(policy, case_of(policy, "billing", "silver", 3, {"charged": 80 + extra}))[1]
              for extra in (19.75, 20, 20.25)}  # fmt: skip
    assert billed == {19.75: "adjust_charge", 20: "adjust_charge", 20.25: "notify_team"}
    for status, action in (("packing", "change_address"), ("shipped", "notify_carrier"), ("delivered", "close_case")):
        case = case_of(policy, "address", "gold", 3, {"new_street": "1 Elm Road"}, status=status)
        assert names_of(policy, case)[1] == action
    assert names_of(policy, case_of(policy, "cancel", "gold", 3, {}, status="shipped"))[1:] == ["close_case"]


def test_two_companies_have_two_handbooks() -> None:
    books = {make_world(seeded("book", index), 1).handbook.split("\n", 1)[1] for index in range(6)}
    assert len(books) == 6


def test_the_office_refuses_what_is_out_of_order(worlds: dict[int, World]) -> None:
    service = worlds[3].service
    calls = actions_of(worlds[3])
    office = Office(service)
    assert office.act("close_case", {"outcome": "denied"})[0] == 409
    assert office.act("pull_up_account", calls[0]["arguments"])[0] == 200
    assert office.act("pull_up_order", {"order_id": next(iter(service["orders"]))})[0] == 409  # not verified
    wrong = dict.fromkeys(calls[1]["arguments"], "0")
    assert office.act("verify_identity", wrong)[0] == 422
    assert office.act("verify_identity", calls[1]["arguments"])[0] == 200
    assert office.act("confirm_code", {"code": "1"})[0] == 422  # none was sent
    assert office.act("update_contact", {"field": "phone", "value": "1"})[0] == 409
    mine = office.session["account"]
    theirs = next(key for key, order in service["orders"].items() if order["account"] != mine)
    assert office.act("pull_up_order", {"order_id": theirs})[0] == 404
    assert office.act("close_case", {"outcome": "splendid"})[0] == 400
    assert office.act("close_case", {"outcome": "denied", "more": 1})[0] == 400
    assert office.act("no_such_action", {})[0] == 404
    assert [each["action"] for each in office.done] == ["pull_up_account", "verify_identity"]
    assert office.state()["orders"] == {} and office.state()["accounts"] == {}


async def test_the_order_of_the_actions_counts(worlds: dict[int, World], bubblewrap: Backend, tmp_path: Path) -> None:
    instance, calls = instance_of(template_of("customer_dialogue"), worlds[3], level=3), actions_of(worlds[3])

    async def reward(given: list[dict[str, Any]]) -> float:
        return (await verdict_on(instance, {"actions.json": given}, bubblewrap, tmp_path)).reward

    assert await reward(calls) == 1
    assert await reward([*calls[:-2], calls[-1], calls[-2]]) < 1
    assert await reward([*calls, calls[-1]]) < 1
    assert await reward([{**calls[0], "arguments": {"full_name": "Nobody"}}, *calls[1:]]) < 1


def test_the_same_seed_gives_the_same_and_others_differ() -> None:
    template = template_of("customer_dialogue")
    first, again = drawn(template, 12), drawn(template, 3)
    assert [each.id for each in again] == [each.id for each in first[:3]] and len({each.id for each in first}) == 12


@pytest.mark.slow
def test_two_hundred_are_distinct() -> None:
    assert len({each.id for each in drawn(template_of("customer_dialogue"), 200)}) == 200
