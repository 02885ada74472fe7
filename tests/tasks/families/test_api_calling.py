"""Generated services: operations that look alike, ids that must be looked up, an end state that only calls change."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from environments import Backend
from tasks.families.api_calling.domains_travel import HOTEL
from tasks.families.api_calling.interface import operations_of
from tasks.families.api_calling.planning import Planner
from tasks.families.api_calling.records import Descriptions, make_tables
from tasks.families.api_calling.server import Engine
from tasks.families.api_calling.world import DOMAINS, LEVELS, World, make_world

from .served import agents_sandbox, check_is_a_task, drawn, instance_of, seeded, template_of, verdict_on

# Walks every list to its end and says which ids it has seen; takes one call and asks for what nobody may see.
WALK = """\
import json, sys, urllib.error, urllib.request

def ask(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request("http://127.0.0.1:8000" + path, data=data, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)

document = json.load(open("openapi.json"))
assert ask("GET", "/openapi.json")[1] == document
seen, pages = [], 0
for path, methods in document["paths"].items():
    if methods.get("get", {}).get("operationId", "").startswith("list_"):
        page, last = 1, 1
        while page <= last:
            status, body = ask("GET", f"{path}?page={page}")
            assert status == 200 and len(body["items"]) <= 10, body
            seen += [item["id"] for item in body["items"]]
            page, last, pages = page + 1, body["pages"], pages + 1
states = [ask("GET", path)[0] for path in ("/state", "/state/" + "0" * 32)]
print(json.dumps({"seen": seen, "pages": pages, "state": states}))
"""


@pytest.fixture(scope="module")
def worlds() -> dict[int, World]:
    return {level: make_world(seeded("worlds", level), level) for level in LEVELS}


def calls_of(world: World) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = world.reference["calls.json"]
    return calls


@pytest.mark.parametrize("level", LEVELS)
async def test_its_instances_are_tasks(
    level: int, worlds: dict[int, World], bubblewrap: Backend, tmp_path: Path
) -> None:
    assert worlds[level].decoys
    await check_is_a_task(instance_of(template_of("api_calling"), worlds[level], level=level), bubblewrap, tmp_path)


async def test_every_id_can_be_found_by_paging_and_the_state_by_nobody(
    worlds: dict[int, World], bubblewrap: Backend, tmp_path: Path
) -> None:
    world = worlds[4]
    instance = instance_of(template_of("api_calling"), world, level=4)
    given = instance.instruction + instance.files["openapi.json"].decode()
    existing = {key for table in world.service["tables"].values() for key in table}
    needed = {value for call in calls_of(world) for value in call["arguments"].values() if value in existing}
    assert len(needed) >= 3 and not any(key in given for key in needed)
    async with agents_sandbox(instance, bubblewrap, tmp_path) as box:
        walked = await box.run(["python3", "-c", WALK], timeout_sec=60)
        found = json.loads(walked.stdout)
    assert set(found["seen"]) == existing and found["pages"] > 80
    assert found["state"] == [404, 404] and world.service["token"] not in given


async def test_what_counts_is_what_was_done(worlds: dict[int, World], bubblewrap: Backend, tmp_path: Path) -> None:
    world = worlds[3]
    instance, calls = instance_of(template_of("api_calling"), world, level=3), calls_of(world)
    free = [index for index, call in enumerate(world.grading["calls"]) if not call["after"]]
    needed = {place for call in world.grading["calls"] for place in call["after"]}
    first, last = calls[0], calls[-1]
    assert 0 in free

    async def reward(given: list[dict[str, Any]]) -> float:
        return (await verdict_on(instance, {"calls.json": given}, bubblewrap, tmp_path)).reward

    if 0 not in needed:  # an order that nothing asks for is free
        assert await reward([*calls[1:], first]) == 1
    look_up = {"name": next(name for name in world.grading["allowed"] if name.startswith("list_")), "arguments": {}}
    assert await reward([look_up, *calls]) == 1
    assert await reward([*calls, first]) < 1  # twice
    assert await reward([*calls[:-1], {**last, "arguments": {**last["arguments"], "extra": 1}}]) < 1
    asked = {call["name"] for call in calls}
    unasked = [each for each in world.service["operations"] if each["does"] == "change" and each["name"] not in asked]
    other = next(each for each in unasked if len(each["parameters"]) == 1)
    key = next(iter(world.service["tables"][other["resource"]]))
    assert await reward([*calls, {"name": other["name"], "arguments": {"id": key}}]) < 1  # nobody asked for it


def test_levels_grow(worlds: dict[int, World]) -> None:
    counts = [worlds[level].operation_count for level in LEVELS]
    assert counts == sorted(counts) and counts[0] < 45 and counts[-1] > 180
    assert len(worlds[1].points) <= 2 and len(worlds[4].points) >= 5
    chained = [make_world(seeded("chained", index), 4) for index in range(8)]
    assert any("of point" in point for world in chained for point in world.points)
    borrowed = [call for world in chained for call in world.points if " the amount of " in call or " date of " in call]
    assert borrowed  # a value that stands in another record


def test_nearly_every_operation_has_one_that_looks_like_it(worlds: dict[int, World]) -> None:
    changing = [each for each in worlds[4].service["operations"] if each["does"] not in ("list", "get")]
    forms = Counter((each["resource"], tuple(one["name"] for one in each["parameters"])) for each in changing)
    with_twin = [each for each in changing
                 if forms[each["resource"], tuple(one["name"] for one in each["parameters"])] > 1]  # fmt: skip
    assert len(with_twin) / len(changing) > 0.6
    assert len({each["name"] for each in worlds[4].service["operations"]}) == worlds[4].operation_count
    assert (
        len({(each["method"], each["path"]) for each in worlds[4].service["operations"]}) == worlds[4].operation_count
    )


def test_the_engine_refuses_what_is_wrong(worlds: dict[int, World]) -> None:
    engine = Engine(worlds[4].service)
    stays = engine.tables["stay"]
    booked = next(key for key, stay in stays.items() if stay["status"] == "booked")
    cancelled = next(key for key, stay in stays.items() if stay["status"] == "cancelled")
    guest, room = next(iter(engine.tables["guest"])), next(iter(engine.tables["room"]))
    right = {"guest_id": guest, "room_id": room, "arrival": "2027-05-01", "nights": 2}
    refused = {
        400: [
            ("book_stay", {**right, "nights": "two"}),
            ("book_stay", {**right, "nights": True}),
            ("book_stay", {**right, "arrival": "1 May 2027"}),
            ("book_stay", {**right, "guest_id": "GST-1"}),
            ("book_stay", {**right, "colour": "red"}),
            ("book_stay", {"guest_id": guest}),
            ("set_guest_tier", {"id": guest, "tier": "diamond"}),
            ("list_guests", {"page": 99}),
        ],
        404: [("cancel_stay", {"id": "STY-1"}), ("get_stay", {"id": room})],
        409: [("cancel_stay", {"id": cancelled})],
    }
    for status, calls in refused.items():
        for name, arguments in calls:
            assert engine.call(name, arguments)[0] == status, (name, arguments)
    assert engine.call("preview_stay", right)[0] == 200
    assert engine.changes() == {}
    assert engine.call("cancel_stay", {"id": booked})[0] == 200
    assert set(engine.changes()) == {"stay"}


def test_what_is_told_means_one_record_at_any_time() -> None:
    """Before the first call and after the last: an agent looks things up between them."""
    resources = {each.name: each for domain in DOMAINS for each in domain.resources}
    clear = 0
    for index in range(10):
        world = make_world(seeded("clear", index), 3)
        engine = Engine(world.service)
        for call in calls_of(world):
            assert engine.call(call["name"], call["arguments"])[0] < 400
        known = {name: resources[name] for name in engine.tables}
        before, after = Descriptions(world.service["tables"], known), Descriptions(engine.tables, known)
        keys = {key: name for name, table in world.service["tables"].items() for key in table}
        told = " ".join(world.points)
        for key in {value for call in calls_of(world) for value in call["arguments"].values() if value in keys}:
            text = before.of(keys[key], key)
            assert text is not None and text in told
            assert before.meant_by(keys[key], text) == [key]
            assert set(after.meant_by(keys[key], text)) <= {key}
            clear += 1
    assert clear > 15


def test_a_plan_that_makes_a_text_ambiguous_is_dropped() -> None:
    rng = seeded("ambiguous")
    operations = operations_of(HOTEL)
    service = {"token": "", "tables": make_tables(rng, [HOTEL]), "operations": operations, "openapi": {}}
    engine = Engine(service)
    planner = Planner(rng, [HOTEL], engine, ["Ada Abel"])
    assert planner.plan(2, chained=0, looked_up=0) and planner._is_still_clear()
    resource, key = sorted(planner._touched | planner._read)[0]
    other = next(each for each in engine.tables[resource] if each != key)
    engine.tables[resource][other] = {**service["tables"][resource][key], "id": other}  # as another step could do
    assert not planner._is_still_clear()


def test_money_is_neither_made_nor_lost(worlds: dict[int, World]) -> None:
    engine = Engine(worlds[4].service)
    accounts = engine.tables["account"]
    before = round(sum(each["balance"] for each in accounts.values()), 2)
    source, target = list(accounts)[:2]
    move = {"from_account": source, "to_account": target, "amount": 100.25}
    assert engine.call("transfer_money", move)[0] == 200
    assert round(sum(each["balance"] for each in accounts.values()), 2) == before
    assert engine.call("transfer_money", {**move, "amount": 10**6})[0] == 409
    assert engine.call("reverse_transfer", move)[0] == 200
    assert engine.changes() == {}


def test_a_new_record_has_the_same_id_whatever_was_tried_before(worlds: dict[int, World]) -> None:
    one, other = Engine(worlds[4].service), Engine(worlds[4].service)
    guest, room = next(iter(one.tables["guest"])), next(iter(one.tables["room"]))
    right = {"guest_id": guest, "room_id": room, "arrival": "2027-05-01", "nights": 2}
    other.call("book_stay", {**right, "nights": 3})
    other.call("draft_stay", right)
    assert one.call("book_stay", right)[1]["id"] == other.call("book_stay", right)[1]["id"]
    assert one.call("book_stay", right)[1]["id"] in one.tables["stay"] and len(one.changes()["stay"]) == 2


def test_the_same_seed_gives_the_same_and_others_differ() -> None:
    template = template_of("api_calling")
    first, again = drawn(template, 10), drawn(template, 3)
    assert [each.id for each in again] == [each.id for each in first[:3]]
    assert len({each.id for each in first}) == 10
    assert drawn(template, 1, seed=1)[0].id != first[0].id


@pytest.mark.slow
def test_two_hundred_are_distinct() -> None:
    assert len({each.id for each in drawn(template_of("api_calling"), 200)}) == 200
