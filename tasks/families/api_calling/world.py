"""One instance: a service of some domains, what somebody wants of it, and the calls that do it."""

import random
from dataclasses import dataclass
from typing import Any

from tasks.families import _words
from tasks.families.api_calling.domains_office import BANK, CALENDAR, INVOICES, TICKETS
from tasks.families.api_calling.domains_public import CLINIC, COURSES, INVENTORY, LIBRARY
from tasks.families.api_calling.domains_travel import FLEET, HOTEL, PARCELS, RESTAURANT
from tasks.families.api_calling.interface import openapi, operations_of
from tasks.families.api_calling.planning import Planner, Step
from tasks.families.api_calling.records import make_tables
from tasks.families.api_calling.server import Engine

DOMAINS = (BANK, CALENDAR, INVOICES, TICKETS, CLINIC, COURSES, INVENTORY, LIBRARY, FLEET, HOTEL, PARCELS, RESTAURANT)
BASE_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Level:
    """`domains`: how many of the twelve the service has; the rest as in Planner.plan."""

    domains: int
    steps: tuple[int, int]
    chained: float
    looked_up: float


LEVELS = {
    1: Level(2, (1, 2), 0.0, 0.0),
    2: Level(4, (2, 3), 0.5, 0.2),
    3: Level(8, (3, 5), 0.6, 0.4),
    4: Level(12, (5, 8), 0.7, 0.6),
}


@dataclass(frozen=True)
class World:
    points: tuple[str, ...]
    operation_count: int
    openapi: dict[str, Any]
    service: dict[str, Any]
    grading: dict[str, Any]
    reference: dict[str, Any]
    decoys: tuple[dict[str, Any], ...]


def make_world(rng: random.Random, level: int) -> World:
    """`level`: 1 to 4, of LEVELS."""
    how = LEVELS[level]
    while True:
        domains = sorted(rng.sample(DOMAINS, how.domains), key=lambda domain: domain.name)
        operations = [each for domain in domains for each in operations_of(domain)]
        rng.shuffle(operations)
        operations.sort(key=lambda each: "{" in each["path"])  # fixed paths are found before those with an id
        title = f"{_words.invented(rng)} services"
        service = {
            "token": f"{rng.getrandbits(128):032x}",
            "tables": make_tables(rng, domains),
            "operations": operations,
            "openapi": openapi(title, operations),
        }
        planner = Planner(rng, domains, Engine(service), _words.people(rng, 20))
        if planner.plan(rng.randint(*how.steps), chained=how.chained, looked_up=how.looked_up):
            return _world(rng, service, planner)


def _world(rng: random.Random, service: dict[str, Any], planner: Planner) -> World:
    steps, operations = planner.steps, {each["name"]: each for each in service["operations"]}
    calls = _written(steps)
    requests = {
        name: {"method": each["method"], "path": each["path"],
               "query": [one["name"] for one in each["parameters"] if one["in"] == "query"]}
        for name, each in sorted(operations.items())
    }  # fmt: skip
    grading = {
        "output": "calls.json",
        "order": "partial",
        "calls": [{**call, "after": list(step.after)} for call, step in zip(calls, steps, strict=True)],
        # What only looks, and what only tries, may be listed or not.
        "allowed": sorted(name for name, each in operations.items() if each["does"] in ("list", "get", "preview")),
        "replay": {
            "base_url": BASE_URL,
            "requests": requests,
            "state_path": f"/state/{service['token']}",
            "state": _end_state(service, calls),
        },
    }
    return World(
        points=tuple(step.said for step in steps),
        operation_count=len(operations),
        openapi=service["openapi"],
        service=service,
        grading=grading,
        reference={"calls.json": calls},
        decoys=tuple({"calls.json": each} for each in _decoys(rng, service, planner)),
    )


def _written(steps: list[Step]) -> list[dict[str, Any]]:
    return [{"name": step.name, "arguments": step.arguments} for step in steps]


def _end_state(service: dict[str, Any], calls: list[dict[str, Any]]) -> dict[str, Any]:
    engine = Engine(service)
    for call in calls:
        status, body = engine.call(call["name"], call["arguments"])
        assert status < 400, (call, body)
    return engine.changes()


def _decoys(rng: random.Random, service: dict[str, Any], planner: Planner) -> list[list[dict[str, Any]]]:
    """The last step left out; another operation of the same form; another record, a namesake where there is one."""
    calls = _written(planner.steps)
    found = [calls[:-1]]
    operations = {each["name"]: each for each in service["operations"]}
    place = rng.randrange(len(calls))
    chosen = calls[place]
    form = _form(operations[chosen["name"]])
    twins = [name for name, each in sorted(operations.items()) if name != chosen["name"] and _form(each) == form]
    if twins:
        found.append([*calls[:place], {**chosen, "name": rng.choice(twins)}, *calls[place + 1 :]])
    for index, call in enumerate(calls):
        resource, key = operations[call["name"]]["resource"], call["arguments"].get("id")
        if key is None or key not in service["tables"][resource]:
            continue
        others = planner.first.namesakes(resource, key) or [each for each in service["tables"][resource] if each != key]
        wrong = {**call, "arguments": {**call["arguments"], "id": rng.choice(others)}}
        found.append([*calls[:index], wrong, *calls[index + 1 :]])
        break
    return found


def _form(operation: dict[str, Any]) -> tuple[Any, ...]:
    """What operations share that can be taken for each other."""
    looks = operation["does"] in ("list", "get", "preview")
    return looks, operation["resource"], tuple(each["name"] for each in operation["parameters"])
