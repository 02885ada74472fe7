"""Worlds of the family: a shop with its customers, one goal in it, and all that a task needs of both."""

import json
import random
from datetime import date, timedelta
from importlib.resources import files as resources
from typing import Any

from tasks.families.web_shop.goals import KINDS, Scene
from tasks.families.web_shop.goals.goal import Goal, NoSuchGoal, kept
from tasks.families.web_shop.people import make_coupons, make_customers, make_orders, make_slots
from tasks.families.web_shop.shop import MODULES
from tasks.families.web_shop.stock import make_stock, stock_tables
from tasks.families.web_shop.trip import Step
from tasks.graders._inside.browse import MODULES as BROWSE_MODULES

ORIGIN = "http://127.0.0.1:8000"
RESTART = "/training/restart"
REFUSED = ["/training/"]
OUTPUT = "actions.json"
_SHOPS = (
    "Lindenhof",
    "Kontor 12",
    "Nordwind",
    "The Yellow Door",
    "Haus & Hof",
    "Fernweh",
    "Speicher 7",
    "Blauer Elefant",
)
_ATTEMPTS = 200


def make_world(rng: random.Random, kind: str, start: str) -> dict[str, Any]:
    """`kind`: one of goals.KINDS; `start`: `beginning`, or `midway` where what comes first is done already."""
    for _ in range(_ATTEMPTS):
        scene = make_scene(rng)
        try:
            goal = KINDS[kind](scene, start == "midway")
        except NoSuchGoal:
            continue
        return _world(scene, goal)
    raise RuntimeError(f"no scene for a goal of the kind {kind} in {_ATTEMPTS} attempts")


def make_scene(rng: random.Random) -> Scene:
    today = date(2026, 1, 5) + timedelta(days=rng.randrange(330))
    products, customers = make_stock(rng), make_customers(rng)
    orders, lines = make_orders(rng, customers, products, today)
    tables = {
        **stock_tables(rng, products),
        "users": [
            {
                **{name: getattr(each, name) for name in ("id", "name", "email", "password", "phone")},
                "newsletter": rng.randint(0, 1),
            }
            for each in customers
        ],
        "addresses": [dict(address) for each in customers for address in each.addresses],
        "orders": orders,
        "order_lines": lines,
        "coupons": make_coupons(rng, today),
        "slots": make_slots(rng, today),
    }
    return Scene(rng, today, products, customers, rng.choice(customers), tables)


def _world(scene: Scene, goal: Goal) -> dict[str, Any]:
    rng, name = scene.rng, scene.rng.choice(_SHOPS)
    token = f"{rng.getrandbits(128):032x}"
    shop = {"name": name, "today": scene.today.isoformat(), "token": token, "tables": scene.tables}
    done = f" Part of this is done already: {goal.done}." if goal.done else ""
    keep = {**kept(scene), **goal.keep}
    site = {"origin": ORIGIN, "start": "/", "restart": RESTART, "refused": REFUSED}
    return {
        "shop": name,
        "today": scene.today.isoformat(),
        "customer": {"name": scene.me.name, "email": scene.me.email, "password": scene.me.password},
        "words": goal.words + done,
        "brief": goal.brief + done,
        "steps": len(goal.steps),
        "subtasks": len(goal.subtasks),
        "service": json.dumps({"modules": shop_modules(), **shop}, separators=(",", ":")),
        "files": {**browse_files(), "browse.json": json.dumps({**site, "steps": OUTPUT}, indent=1) + "\n"},
        "grading": {
            "subtasks": goal.subtasks,
            "keep": [{"name": name, "sql": query, "unchanged": True} for name, query in keep.items() if query],
            **site,
            "state": f"/training/state/{token}",
            "output": OUTPUT,
        },
        "reference": {OUTPUT: as_actions(goal.steps)},
        "decoys": [{OUTPUT: as_actions(rng.choice(goal.misses))}],
    }


def as_actions(steps: list[Step]) -> str:
    """As `python3 -m browse` writes them."""
    return "[\n" + ",\n".join(" " + json.dumps(step, ensure_ascii=False) for step in steps) + "\n]\n"


def shop_modules() -> dict[str, str]:
    folder = resources("tasks.families.web_shop.shop")
    return {name: (folder / f"{name}.py").read_text(encoding="utf-8") for name in MODULES}


def browse_files() -> dict[str, str]:
    """The browser that the grader uses, for the workspace."""
    folder = resources("tasks.graders._inside.browse")
    return {f"browse/{name}.py": (folder / f"{name}.py").read_text(encoding="utf-8") for name in BROWSE_MODULES}
