"""A goal and the scene that it is set in; checks that several kinds of goals share."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tasks.families.web_shop.people import Customer, Row
from tasks.families.web_shop.stock import Product
from tasks.families.web_shop.trip import Step

Check = dict[str, Any]


class NoSuchGoal(Exception):
    """This scene has nothing that the goal needs; another scene may."""


@dataclass
class Scene:
    """The shop before anything is done. `tables` may be changed by a goal that starts midway."""

    rng: random.Random
    today: date
    products: list[Product]
    customers: list[Customer]
    me: Customer
    tables: dict[str, list[Row]]

    @property
    def orders(self) -> list[Row]:
        """Mine, newest first, as the shop lists them."""
        mine = [order for order in self.tables["orders"] if order["user_id"] == self.me.id]
        return sorted(mine, key=lambda order: (order["placed_on"], order["id"]), reverse=True)

    @property
    def last_order(self) -> int:
        return int(max(order["id"] for order in self.tables["orders"]))

    def lines(self, order: int) -> list[Row]:
        return [line for line in self.tables["order_lines"] if line["order_id"] == order]

    def variant(self, number: int) -> tuple[Product, str]:
        """Product and colour."""
        return next(
            (product, colour)
            for product in self.products
            for colour, (variant, _) in product.variants.items()
            if variant == number
        )

    def page_of(self, order: int) -> int:
        """On which page of the list of orders it is; five a page."""
        return [each["id"] for each in self.orders].index(order) // 5 + 1


@dataclass(frozen=True)
class Goal:
    """`words`: for the customer's helper; `brief`: the same in short; `steps`: a way to it from the start page.

    `keep`: what must stay, name -> SQL, over those of `kept` (None: this one may change). `misses`: ways that look
    right. `done`: what is done already, where the goal starts midway.
    """

    words: str
    brief: str
    subtasks: list[dict[str, Any]]
    steps: list[Step]
    misses: list[list[Step]]
    keep: dict[str, str | None] = field(default_factory=dict)
    done: str = ""


def subtask(name: str, *checks: Check, end: bool = False) -> dict[str, Any]:
    return {"name": name, "checks": list(checks), **({"when": "end"} if end else {})}


def sql(query: str, equals: Any) -> Check:
    return {"sql": query, "equals": equals}


def signed_in(customer: Customer) -> dict[str, Any]:
    return subtask("signed in", sql(f"select count(*) > 0 from sessions where user_id = {customer.id}", 1))


def in_cart(customer: Customer, wanted: Iterable[tuple[int, int]]) -> Check:
    """Exactly these (variant, quantity)."""
    query = f"select variant_id, quantity from cart_lines where owner = 'user {customer.id}' order by variant_id"
    return sql(query, [list(each) for each in sorted(wanted)])


def new_order(scene: Scene, wanted: Iterable[tuple[int, int]]) -> Check:
    """Exactly one new order, mine, of exactly these."""
    query = (
        "select o.id, o.user_id, o.status, l.variant_id, l.quantity from orders o join order_lines l on "
        "l.order_id = o.id "
        f"where o.id > {scene.last_order} order by l.variant_id"
    )
    number = scene.last_order + 1
    return sql(query, [[number, scene.me.id, "processing", *each] for each in sorted(wanted)])


def new_order_has(scene: Scene, **wanted: Any) -> Check:
    query = f"select {', '.join(wanted)} from orders where id > {scene.last_order}"
    return sql(query, [list(wanted.values())])


def order_is_open(scene: Scene) -> dict[str, Any]:
    return subtask("the page of the new order is open", {"path": f"/orders/{scene.last_order + 1}"}, end=True)


OTHERS = "no other customer is affected"
EARLIER_ORDERS = "the earlier orders are as they were"
NO_OTHER_ORDER = "no other order is placed"
PROFILE = "the profile is as it was"
ADDRESSES = "the addresses are as they were"
RETURNS = "nothing else is returned"
APPOINTMENTS = "the appointments are as they were"
CART = "the cart is as it was"
AN_ORDER: dict[str, str | None] = {NO_OTHER_ORDER: None, CART: None}


def kept(scene: Scene) -> dict[str, str]:
    """What no goal changes unless it says so."""
    me, last = scene.me.id, scene.last_order
    return {
        OTHERS: f"select id, user_id, status from orders where user_id <> {me} union all "
        f"select id, user_id, street from addresses where user_id <> {me} union all "
        f"select id, newsletter, name || phone from users where id <> {me} union all "
        f"select id, user_id, status from bookings where user_id <> {me}",
        EARLIER_ORDERS: f"select * from orders where user_id = {me} and id <= {last}",
        NO_OTHER_ORDER: f"select * from orders where id > {last}",
        PROFILE: f"select * from users where id = {me}",
        ADDRESSES: f"select * from addresses where user_id = {me} order by id",
        RETURNS: "select * from returns",
        APPOINTMENTS: "select * from bookings order by id",
        CART: f"select variant_id, quantity from cart_lines where owner = 'user {me}'",
    }
