"""Tools: is the right one of 1,000 found (recall@k), what a call of the persistent shell costs, are made tools any use.

    python benchmarks/tools.py [--json] [--only recall|shell|toolmaking] [--tools 1000] [--requests 100] [--seed 1]

The tools are generated, most with look-alikes (draft, preview, cancel, archive … of one thing). Requests are told in
two ways by templates: `other words` has verbs that no description uses, and in half of them another word for the thing
as well; `own words` names verb and thing as the tool does. `+examples`: example requests of each tool, told by other
templates than the measured ones, as a team's own history gives them.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from agents.agent import AgentLimits
from agents.memory.past import Past, is_verified, past_of
from agents.retrieval.demonstrations import Demonstration
from agents.retrieval.embedding import embedder, is_installed
from agents.retrieval.ranking import Ranker, ranker_of
from agents.retrieval.retriever import ToolRetriever
from agents.rollout import roll_out
from agents.toolmaking.making import is_applicable, make_toolset
from agents.tools.shell import Shell
from agents.training.clerk import Clerk
from environments import SandboxSpec, get_backend, running
from tasks import families
from tasks.folder import SharedFiles, read_task, write_folder
from tasks.task import Task
from tasks.templates.drawing import draw
from tasks.templates.folder import SCRIPTS, folder_contents
from tasks.templates.loading import load_template
from trajectories.interval import wilson
from trajectories.rollout import RolloutKey

KS = (1, 5, 10, 20)

# verb of the tool's name, its description, and how people say it (none of its words)
ACTIONS = {
    "create": (
        "Create a new {t} and save it.",
        ("set up a fresh {s}", "I need one more {s} in the system", "open a {s} for me"),
    ),
    "draft": (
        "Create a {t} as a draft that takes no effect.",
        ("prepare a {s} but do not make it real yet", "write up a {s} I can look over first"),
    ),
    "preview": (
        "Show what a new {t} would look like without saving.",
        ("what would the {s} come out as?", "let me see the {s} before anything happens"),
    ),
    "get": (
        "Return all fields of one {t} by id.",
        ("tell me everything about this {s}", "look up the details of the {s}"),
    ),
    "list": ("List {t} records, ten a page.", ("which {s} do we have?", "give me an overview of every {s}")),
    "search": (
        "Find {t} records by part of their text.",
        ("look for a {s} whose wording has this in it", "is there any {s} that mentions this?"),
    ),
    "update": (
        "Replace fields of an existing {t}.",
        ("correct a mistake in the {s}", "the {s} has wrong details, fix them"),
    ),
    "delete": ("Delete a {t} permanently.", ("get rid of the {s} for good", "erase that {s}, I never want it back")),
    "archive": (
        "Archive a {t}; it can be restored.",
        ("put the {s} away for now", "take the {s} out of sight but keep it"),
    ),
    "restore": ("Restore an archived {t}.", ("bring the {s} back", "undo putting the {s} away")),
    "cancel": (
        "Cancel a {t} and notify those involved.",
        ("call off the {s} and let people know", "the {s} is not going to happen, tell them"),
    ),
    "approve": ("Approve a pending {t}.", ("say yes to the {s} that waits", "the {s} is fine, let it through")),
    "reject": ("Reject a pending {t} with a reason.", ("turn down the {s} and say why", "we do not accept that {s}")),
    "export": ("Export {t} records as CSV.", ("I want the {s} data as a spreadsheet", "download every {s} in a table")),
    "assign": (
        "Assign a {t} to a member of staff.",
        ("make Ann responsible for the {s}", "hand the {s} over to a colleague"),
    ),
    "duplicate": ("Duplicate an existing {t}.", ("make a copy of the {s}", "same {s} once more, please")),
    "schedule": ("Schedule a {t} for a later date.", ("let the {s} happen next week", "plan the {s} ahead")),
}  # fmt: skip
# how the tool calls a thing, and what people call it
THINGS = {
    "invoice": "bill", "appointment": "meeting", "shipment": "parcel on its way", "employee": "worker",
    "reservation": "table booked", "refund": "money back", "vehicle": "car", "prescription": "medicine order",
    "ticket": "complaint case", "subscription": "monthly plan", "warehouse": "storage hall", "course": "class",
    "loan": "borrowed sum", "contract": "signed agreement", "supplier": "vendor", "customer": "client",
    "payroll": "salary run", "expense": "travel costs claim", "discount": "price cut", "product": "article for sale",
    "newsletter": "mailing", "survey": "questionnaire", "mortgage": "house credit", "donation": "gift of money",
    "passenger": "traveller", "flight": "plane trip", "hotel_room": "place to sleep", "playlist": "list of songs",
    "photo_album": "picture collection", "recipe": "cooking instructions", "workout": "training session",
    "podcast_episode": "radio show part", "firewall_rule": "network block", "server": "machine in the data centre",
    "certificate": "proof of identity", "password": "secret for logging in", "backup": "safety copy",
    "alert": "warning message", "dashboard": "screen of figures", "pipeline": "automatic build",
    "branch": "line of work", "release": "new version", "translation": "text in another language",
    "lesson_plan": "teaching outline",
    "exam": "test for students", "grade": "mark", "library_loan": "book taken home", "fine": "penalty fee",
    "permit": "official permission", "tax_return": "yearly statement to the revenue", "voucher": "coupon",
    "gift_card": "prepaid present", "menu_item": "dish", "delivery_route": "way of the driver",
    "pallet": "load of goods", "sensor": "measuring device", "thermostat": "room heating", "light": "lamp",
    "alarm": "burglar siren",
    "vaccination": "jab",
}  # fmt: skip
TRAINING = ("Could you {x}?", "Hi, {x}", "Our boss asks: {x}")
HELD_OUT = ("{x}, please. It is urgent.", "A colleague wants this done today: {x}.", "Next, {x}. Thanks a lot!", "{x}")


def made_tools(count: int, rng: random.Random) -> list[dict[str, Any]]:
    pairs = [(action, thing) for thing in THINGS for action in ACTIONS]
    rng.shuffle(pairs)
    found = []
    for action, thing in pairs[:count]:
        fields = {
            "id": {"type": "string", "description": f"of the {thing.replace('_', ' ')}"},
            "note": {"type": "string"},
        }
        description = ACTIONS[action][0].format(t=thing.replace("_", " "))
        function = {"name": f"{action}_{thing}", "description": description,
                    "parameters": {"type": "object", "properties": fields}}  # fmt: skip
        found.append({"type": "function", "function": function})
    return found


def request_for(name: str, templates: Sequence[str], rng: random.Random) -> str:
    action, _, thing = name.partition("_")
    phrases = ACTIONS[action][1]
    phrase = phrases[0] if templates is TRAINING else rng.choice(phrases[1:])
    said = phrase.format(s=rng.choice((THINGS[thing], thing.replace("_", " "))))
    return rng.choice(templates).format(x=said)


def plain_request(name: str, rng: random.Random) -> str:
    action, _, thing = name.partition("_")
    return rng.choice(HELD_OUT).format(x=f"{action} the {thing.replace('_', ' ')}")


def recall(retriever: ToolRetriever, requests: list[tuple[str, str]]) -> tuple[dict[int, float], float]:
    """By k, and milliseconds a request."""
    began = time.perf_counter()
    ranks = [retriever.select(request, max(KS)) for request, _ in requests]
    spent = (time.perf_counter() - began) * 1000 / len(requests)
    hits = {k: sum(name in found[:k] for found, (_, name) in zip(ranks, requests, strict=True)) for k in KS}
    return {k: hits[k] / len(requests) for k in KS}, spent


class Random:
    """The floor."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._count, self._rng = len(texts), random.Random(0)

    def scores(self, query: str) -> list[float]:
        return [self._rng.random() for _ in range(self._count)]


def retrieval(count: int, asked: int, seed: int, shown: int) -> dict[str, dict[str, Any]]:
    """By ranking, without and with `shown` example requests a tool."""
    rng = random.Random(seed)
    tools = made_tools(count, rng)
    names = [tool["function"]["name"] for tool in tools]
    examples = [
        Demonstration(request=request_for(name, TRAINING, rng), tool=name) for name in names for _ in range(shown)
    ]
    chosen = rng.sample(names, min(asked, count))
    ways = {
        "other words": [(request_for(name, HELD_OUT, rng), name) for name in chosen],
        "own words": [(plain_request(name, rng), name) for name in chosen],
    }
    rankers: dict[str, Ranker] = {"random": Random, "bm25": ranker_of("bm25")}
    if is_installed():
        rankers |= {"embedding": ranker_of("embedding"), "fusion": ranker_of("fusion")}
    found: dict[str, dict[str, Any]] = {}
    for name, ranker in rankers.items():
        for label, demos in (("", []), ("+examples", examples)):
            if name == "random" and demos:
                continue
            embedder.cache_clear()  # it keeps what it has seen, requests too
            began = time.perf_counter()
            retriever = ToolRetriever(tools, ranker, demos)
            retriever.select("warm", 1)
            first = time.perf_counter() - began
            for way, requests in ways.items():
                recalls, ms = recall(retriever, requests)
                found[f"{name}{label}, {way}"] = {
                    **{f"recall@{k}": round(value, 4) for k, value in recalls.items()},
                    "ms": round(ms, 1),
                    "first_sec": round(first, 1),
                }
    return found


async def shell_cost() -> dict[str, float]:
    async with running(get_backend("bubblewrap"), SandboxSpec()) as sandbox:
        shell = Shell(sandbox)
        began = time.perf_counter()
        await shell.run("true", timeout_sec=10)
        first = (time.perf_counter() - began) * 1000
        kept = await _median(lambda: shell.run("true", timeout_sec=10))
        alone = await _median(lambda: sandbox.run(["bash", "-c", "true"], timeout_sec=10))
        await shell.close()
    return {"shell_first_ms": round(first, 2), "shell_call_ms": round(kept, 2), "run_call_ms": round(alone, 2)}


async def _median(act: Callable[[], Awaitable[object]], times: int = 100) -> float:
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        await act()
        spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent)


async def toolmaking(seen: int, held_out: int, folder: Path) -> dict[str, Any]:
    """Tools made of `seen` solved tasks of first_steps, tried on others: how often one is applicable and solves it."""
    backend = get_backend("bubblewrap")
    solved: list[tuple[Past, Task]] = []
    others: list[Task] = []
    for kind in ("write", "copy", "field"):
        template = load_template(Path(families.__path__[0]) / "first_steps" / f"first_steps_{kind}.yaml")
        for index in range(seen + held_out):
            place = folder / f"{kind}-{index}"
            write_folder(folder_contents(draw(template, 1, index)[0], None), SCRIPTS, place, SharedFiles())
            task = read_task(place, cache=folder / "cache")
            if index >= seen:
                others.append(task)
                continue
            key = RolloutKey(suite_hash="b", task_id=task.id, agent="clerk", backend=backend.name)
            rollout = await roll_out(task, Clerk(), backend, key=key, limits=AgentLimits(), model=None)
            if is_verified(rollout):
                solved.append((past_of(rollout), task))
    toolset, manifest = await make_toolset(solved, backend)
    passed = sum([await is_applicable(toolset, task, backend) for task in others])
    low, high = wilson(passed, len(others))
    return {
        "made": len(toolset.made),
        **manifest.model_dump(exclude={"tools", "version"}),
        "held_out": len(others),
        "passed": passed,
        "pass_rate": round(passed / len(others), 3),
        "interval": [round(low, 3), round(high, 3)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=("recall", "shell", "toolmaking"))
    parser.add_argument("--tools", type=int, default=1000, help=f"at most {len(ACTIONS) * len(THINGS)}")
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--examples", type=int, default=1, help="of each tool, for the rows with examples")
    parser.add_argument("--held-out", type=int, default=20, help="tasks of each of three templates for made tools")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    wanted = (given.only,) if given.only else ("recall", "shell", "toolmaking")
    figures: dict[str, Any] = {}
    if "recall" in wanted:
        figures["retrieval"] = retrieval(given.tools, given.requests, given.seed, given.examples)
        print(f"{'':34}" + "".join(f"recall@{k:<5}" for k in KS) + "ms a request   s before the first")
        for name, row in figures["retrieval"].items():
            told = "".join(f"{row[f'recall@{k}']:<12.3f}" for k in KS)
            print(f"{name:34}{told}{row['ms']:<15}{row['first_sec']}")
    if "shell" in wanted:
        figures["shell"] = asyncio.run(shell_cost())
        print("shell: " + ", ".join(f"{name} {value}" for name, value in figures["shell"].items()))
    if "toolmaking" in wanted:
        with tempfile.TemporaryDirectory() as folder:
            figures["toolmaking"] = asyncio.run(toolmaking(4, given.held_out, Path(folder)))
        print("made tools: " + ", ".join(f"{name} {value}" for name, value in figures["toolmaking"].items()))
    figures["load"] = round(os.getloadavg()[0], 2)
    print(f"load of the machine: {figures['load']}")
    if given.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
