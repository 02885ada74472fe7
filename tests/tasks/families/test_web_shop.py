"""Errands in the shop: every kind can be done through a real browser, and what only looks done is not paid in full."""

import json
import random
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from environments import Backend, Limits, SandboxSpec, Service, running
from tasks.families.web_shop.goals import KINDS
from tasks.families.web_shop.shop import account, serving
from tasks.families.web_shop.shop.database import Database
from tasks.families.web_shop.shop.routing import NotFound, Reply, SignInFirst, Visit, answer
from tasks.families.web_shop.world import make_world
from tasks.graders import Grade, get_grader, read_data
from tasks.graders._inside.browse.engine import CannotBrowse, find_executable
from tasks.graders._inside.browse.replay import Site, replay
from tasks.templates.drawing import draw
from tasks.templates.loading import load_template
from tasks.templates.validation import Refused, validate_instance
from tasks.verifiers.graded import SandboxWork

FAMILY = Path(serving.__file__).parents[1]
STARTS = [(kind, start) for kind in KINDS for start in ("beginning", "midway") if (kind, start) != ("return", "midway")]
QUICK = [("buy", "beginning"), ("reorder", "midway")]
World = dict[str, Any]
Steps = list[dict[str, Any]]
GradeSteps = Callable[[Steps], Awaitable[Grade]]


@pytest.fixture
def chromium() -> None:
    try:
        find_executable()
    except CannotBrowse as error:
        pytest.skip(str(error))


def world(kind: str, start: str = "beginning", seed: int = 0) -> World:
    return make_world(random.Random(f"{kind} {start} {seed}"), kind, start)


def steps_of(files: dict[str, str]) -> Steps:
    steps: Steps = json.loads(files["actions.json"])
    return steps


@asynccontextmanager
async def shop_open(backend: Backend, made: World, folder: Path) -> AsyncIterator[Any]:
    """The sandbox of an agent: the shop is running, the browser lies in the workspace."""
    (folder / "data").write_text(made["service"])
    for path, content in made["files"].items():
        file = folder / "workspace" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    shop = Service(name="shop", program=FAMILY / "server.py", data=folder / "data", ready="/help")
    spec = SandboxSpec(layers=(folder / "workspace",), services=(shop,), limits=Limits(cpus=2))
    async with running(backend, spec) as sandbox:
        yield sandbox


@asynccontextmanager
async def grading(backend: Backend, made: World, folder: Path) -> AsyncIterator[GradeSteps]:
    """`await grade(steps)`, each on the shop as it was at first."""
    async with shop_open(backend, made, folder) as sandbox:

        async def grade(steps: Steps) -> Grade:
            grader, work = get_grader("page"), SandboxWork(sandbox)
            await work.put({"actions.json": json.dumps(steps).encode()})
            return await grader.grade(work, read_data(grader, made["grading"]))

        yield grade


def failing(grade: Grade) -> list[str]:
    return [part.name for part in grade.parts if not part.passed]


@pytest.mark.parametrize(
    "kind, start",
    [pytest.param(*each, marks=[] if each in QUICK else [pytest.mark.slow]) for each in STARTS],
)
async def test_every_kind_can_be_done_and_a_near_miss_is_not_enough(bubblewrap, chromium, tmp_path, kind, start):
    made = world(kind, start)
    async with grading(bubblewrap, made, tmp_path) as grade:
        right = await grade(steps_of(made["reference"]))
        assert (right.reward, failing(right)) == (1.0, []), right
        wrong = await grade(steps_of(made["decoys"][0]))
        assert 0.0 < wrong.reward < 1.0, wrong


async def test_what_only_looks_done(bubblewrap, chromium, tmp_path):
    """Of one errand to buy: each of these ends on the page of an order, or close to it."""
    made = next(
        made for made in (world("buy", seed=seed) for seed in range(50)) if '"Quantity"' in str(made["reference"])
    )
    steps = steps_of(made["reference"])
    place = next(i for i, step in enumerate(steps) if step.get("on") == "Quantity")
    order = made["grading"]["subtasks"][-1]["checks"][0]["path"]
    other = next(
        user for user in json.loads(made["service"])["tables"]["users"] if user["email"] != made["customer"]["email"]
    )
    in_other = [
        {**step, "text": other["email" if step["on"] == "Email" else "password"]}
        if step.get("on") in ("Email", "Password")
        else step
        for step in steps[:10]
    ]
    address = [
        {"do": "goto", "path": "/account/addresses"},
        {"do": "click", "on": "Edit", "nth": 1},
        {"do": "fill", "on": "City", "text": "Nowhere"},
        {"do": "click", "on": "Save address"},
        {"do": "goto", "path": order},
    ]
    async with grading(bubblewrap, made, tmp_path) as grade:
        one_more = await grade([*steps[:place], {**steps[place], "text": "5"}, *steps[place + 1 :]])
        assert one_more.reward == 1 / 5
        assert "the right product is in the cart" in failing(one_more)
        half = await grade(steps[:10])
        assert half.reward == 2 / 5
        assert (await grade(in_other)).reward == 0.0
        just_there = await grade([{"do": "goto", "path": order}])
        assert just_there.reward == 0.0
        moved = await grade([*steps, *address])
        assert (moved.reward, failing(moved)) == (0.5, ["the addresses are as they were"])


@pytest.mark.slow
async def test_what_is_undone_or_done_twice(bubblewrap, chromium, tmp_path):
    made = world("buy")
    steps, yes = steps_of(made["reference"]), {"do": "click", "on": "Yes, go on"}
    pay = steps[-7:]
    async with grading(bubblewrap, made, tmp_path) as grade:
        cancelled = await grade([*steps, {"do": "click", "on": "Cancel order"}, yes])
        assert cancelled.reward < 1.0
        assert "it is ordered, and nothing else" in failing(cancelled)
        twice = await grade([*steps, {"do": "click", "on": "Order again"}, *pay])
        assert twice.reward < 1.0
        assert "it is ordered, and nothing else" in failing(twice)


async def test_what_visitors_write_is_never_run(bubblewrap, chromium, tmp_path):
    """Script in the fields of the shop comes back as the text that it is."""
    evil = "<script>document.title='x'</script><img src=/ onerror=\"document.body.innerHTML='x'\">'\";--"
    made = world("account")
    start = steps_of(made["reference"])[:4]
    made["grading"]["subtasks"] = [
        {"name": "text", "checks": [{"text": evil}, {"path": "/account/addresses"}]},
        {"name": "search", "checks": [{"field": "Words", "value": evil}, {"text": "0 products"}]},
    ]
    made["grading"]["keep"] = []
    async with grading(bubblewrap, made, tmp_path) as grade:
        done = await grade(
            [
                *start,
                {"do": "goto", "path": "/account/addresses/new"},
                {"do": "fill", "on": "Street and number", "text": evil},
                {"do": "fill", "on": "Postcode", "text": "12345"},
                {"do": "fill", "on": "City", "text": evil},
                {"do": "click", "on": "Save address"},
                {"do": "fill", "on": "Search the shop", "text": evil},
                {"do": "press", "key": "Enter"},
            ]
        )
        assert done.reward == 1.0, done


async def test_the_agents_browser_keeps_what_works(bubblewrap, chromium, tmp_path):
    made = world("buy")
    fill = '{"do": "fill", "on": "Search the shop", "text": "tent"}'
    async with shop_open(bubblewrap, made, tmp_path) as sandbox:

        async def browse(*arguments: str) -> Any:
            return await sandbox.run(["python3", "-m", "browse", *arguments], timeout_sec=60)

        first = await browse(fill, '{"do": "click", "on": "Search"}', "--screenshot", "page.png")
        assert first.exit_code == 0, first
        assert first.stdout.startswith("/search?q=tent  (Search | ")
        assert '[field "Words" = "tent"]' in first.stdout and "7 products, page 1 of 1" in first.stdout
        assert (await sandbox.read_file("page.png")).startswith(b"\x89PNG")
        wrong = await browse('{"do": "click", "on": "Buy everything"}')
        assert wrong.exit_code == 1 and "step 3 (click): nothing on the page is called" in wrong.stderr
        kept = json.loads(await sandbox.read_file("actions.json"))
        assert [step["do"] for step in kept] == ["fill", "click"]
        other = await browse("--undo", "2", '{"do": "click", "on": "Workshop"}')
        assert other.stdout.startswith("/workshop ")
        assert json.loads(await sandbox.read_file("actions.json")) == [{"do": "click", "on": "Workshop"}]
        bad = await browse("{")
        assert bad.exit_code == 2 and "new step 1 is no JSON" in bad.stderr and "Traceback" not in bad.stderr


async def test_the_template_makes_validated_tasks(bubblewrap, chromium, tmp_path):
    """By the real verifier: the reference passes, nothing done and the decoy fail."""
    template = load_template(FAMILY / "web_shop.yaml")
    (instance,) = draw(template, 5, 0)
    found = await validate_instance(instance, bubblewrap, cache=tmp_path / "cache", scratch=tmp_path / "scratch")
    assert not isinstance(found, Refused), found
    assert b"chromium" not in found["tests/grading.json"]
    assert "tests/grader/tasks/graders/_inside/browse/chromium.py" in found


@pytest.mark.slow
@pytest.mark.parametrize("engine, executable", [("playwright", ""), ("devtools", "/usr/lib/chromium/chromium")])
def test_other_engines_and_browsers_see_the_same(chromium, monkeypatch, engine, executable):
    """On this machine, moment by moment; skipped where Playwright, or Chromium itself, is missing."""
    if engine == "playwright":
        pytest.importorskip("playwright")
    elif not Path(executable).exists():
        pytest.skip(f"{executable} is not installed; install it: apt-get install -y chromium")
    made = world("reorder")
    server = serving.make_server(json.loads(made["service"]), 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    fields = {name: made["grading"][name] for name in ("start", "restart", "state", "refused")}
    site = Site(origin=f"http://127.0.0.1:{server.server_address[1]}", **fields)
    try:
        usual = replay(steps_of(made["reference"]), site, time_limit_sec=120)
        if executable:
            monkeypatch.setattr("tasks.graders._inside.browse.devtools.find_executable", lambda: executable)
        other = replay(steps_of(made["reference"]), site, time_limit_sec=120, engine=engine)
    finally:
        server.shutdown()
        server.server_close()
    assert (usual.broke, other.broke) == ("", "")
    assert other.moments == usual.moments


def test_two_hundred_instances_differ_and_tell_nothing():
    template = load_template(FAMILY / "web_shop.yaml")
    instances = [draw(template, 3, index)[0] for index in range(200)]
    assert len({instance.id for instance in instances}) == 200
    assert {tag for each in instances for tag in each.tags if tag.startswith("goal:")} == {
        f"goal:{kind}" for kind in KINDS
    }
    assert {"start:beginning", "start:midway"} <= {tag for each in instances for tag in each.tags}
    for instance in instances[:40]:
        token = str(instance.grading["state"]).rpartition("/")[2]
        assert len(token) == 32
        assert all(token.encode() not in content for content in instance.files.values())
        assert token not in instance.instruction
    assert [draw(template, 3, index)[0].id for index in range(5)] == [instance.id for instance in instances[:5]]


def test_the_latest_purchase_is_one_that_can_be_returned():
    """What is to go back is in no later order, and in an earlier one that is too old."""
    for seed in range(40):
        made = world("return", seed=seed)
        tables = json.loads(made["service"])["tables"]
        ((order, line),) = made["grading"]["subtasks"][2]["checks"][0]["equals"]
        product_of = {each["id"]: each["product_id"] for each in tables["variants"]}
        owner_of = {each["id"]: each["user_id"] for each in tables["orders"]}
        placed = {each["id"]: each["placed_on"] for each in tables["orders"]}
        product = next(product_of[each["variant_id"]] for each in tables["order_lines"] if each["id"] == line)
        bought = {
            each["order_id"]
            for each in tables["order_lines"]
            if product_of[each["variant_id"]] == product and owner_of[each["order_id"]] == owner_of[order]
        }
        assert max(bought, key=lambda number: placed[number]) == order and len(bought) >= 2


class Visitor:
    """The shop without a browser: what a form may send, a browser's own checks left out."""

    def __init__(self, made: World) -> None:
        data = json.loads(made["service"])
        self.database, self.today, self.tables = Database(data["tables"]), data["today"], data["tables"]

    def get(self, path: str, **query: str) -> Reply:
        return self._ask("GET", path, query, {})

    def post(self, path: str, **form: Any) -> Reply:
        return self._ask("POST", path, {}, {name: str(value) for name, value in form.items()})

    def sign_in(self, user: dict[str, Any]) -> None:
        assert self.post("/login", email=user["email"], password=user["password"]).status == 303

    def _ask(self, method: str, path: str, query: dict[str, str], form: dict[str, str]) -> Reply:
        return answer(method, Visit(self.database, self.today, "Shop", "t" * 32, path, query, form))


@pytest.fixture
def visitor() -> Visitor:
    return Visitor(world("coupon"))


def test_errors_of_the_shop_say_what_is_wrong(visitor: Visitor):
    user, stranger = visitor.tables["users"][:2]
    product = next(each for each in visitor.tables["variants"] if each["stock"] > 1)
    path = f"/product/{product['product_id']}/cart"
    for quantity, said in ((0, "1 or more"), ("-1", "1 or more"), (product["stock"] + 1, f"Only {product['stock']}")):
        refused = visitor.post(path, variant=product["id"], quantity=quantity)
        assert refused.status == 400 and said in refused.body
    assert visitor.post(path, variant=product["id"], quantity=1).location == "/cart"
    gone = next(coupon for coupon in visitor.tables["coupons"] if coupon["valid_until"] < visitor.today)
    assert "was valid until" in visitor.post("/cart/coupon", code=gone["code"]).body
    assert "There is no coupon" in visitor.post("/cart/coupon", code="<b>").body
    with pytest.raises(SignInFirst):
        visitor.get("/checkout")
    assert "Email or password is wrong" in visitor.post("/login", email=user["email"], password="x").body
    visitor.sign_in(user)
    assert visitor.database.one("select owner from cart_lines") == {"owner": f"user {user['id']}"}
    assert (
        "A postcode has five digits"
        in visitor.post("/account/addresses/new", name="A", street="B 1", postcode="123", city="C").body
    )
    assert (
        "Please choose a payment"
        in visitor.post("/checkout/review", address=_address(visitor, user), delivery="pickup").body
    )
    for table, page in (("addresses", "/account/addresses/{}"), ("orders", "/orders/{}")):
        row = next(each for each in visitor.tables[table] if each["user_id"] == stranger["id"])
        with pytest.raises(NotFound):
            visitor.get(page.format(row["id"]))
    taken = next(slot["id"] for slot in visitor.tables["slots"] if slot["is_taken"])
    assert visitor.post("/workshop/book", slot=taken).status == 409


def _address(visitor: Visitor, user: dict[str, Any]) -> int:
    return int(next(each["id"] for each in visitor.tables["addresses"] if each["user_id"] == user["id"]))


def test_orders_of_others_cannot_be_touched(visitor: Visitor):
    user, stranger = visitor.tables["users"][:2]
    visitor.sign_in(user)
    order = next(
        each
        for each in visitor.tables["orders"]
        if each["user_id"] == stranger["id"] and each["status"] == "processing"
    )
    for path in ("cancel", "again", "return"):
        with pytest.raises(NotFound):
            visitor.post(f"/orders/{order['id']}/{path}")
    foreign = visitor.post("/checkout/place", address=_address(visitor, stranger), delivery="pickup", payment="card")
    assert foreign.location == "/cart"  # it is empty
    assert visitor.database.all("select * from orders") == visitor.tables["orders"]


def test_a_way_back_after_signing_in_stays_on_the_site(visitor: Visitor):
    user = visitor.tables["users"][0]
    for goal in ("//example.org", "/\\example.org", "https://example.org", ""):
        assert visitor.post("/login", email=user["email"], password=user["password"], next=goal).location == "/account"
    assert account.sign_in_first(Visit(visitor.database, "", "", "x", "/orders")).location == "/login?next=%2Forders"


def test_the_state_tells_no_secret(visitor: Visitor):
    told = json.dumps(visitor.database.dump())
    assert all(user["password"] not in told for user in visitor.tables["users"])
    assert "t" * 32 not in told
    assert set(visitor.database.dump()) >= {"orders", "cart_lines", "sessions", "slots"}


def test_restart_gives_the_first_state_again(visitor: Visitor):
    first = visitor.database.dump()
    visitor.sign_in(visitor.tables["users"][0])
    assert visitor.database.dump() != first
    visitor.database.restart()
    assert visitor.database.dump() == first


def test_long_searches_and_odd_pages_have_answers(visitor: Visitor):
    assert "0 products" in visitor.get("/search", q="% " * 3000).body
    assert re.search("84 products, page 11 of 11", visitor.get("/search", page="99999").body)
    assert "84 products, page 1 of 11" in visitor.get("/search", page="-1", most="x", sort="nothing").body
