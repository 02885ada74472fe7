"""Orders of the past: again after a move, sent back in part, replaced before they leave."""

from datetime import date
from typing import Any

from tasks.families._words import TOWNS
from tasks.families.web_shop.goals.buying import FINISH
from tasks.families.web_shop.goals.goal import (
    ADDRESSES,
    AN_ORDER,
    EARLIER_ORDERS,
    RETURNS,
    Goal,
    NoSuchGoal,
    Scene,
    in_cart,
    new_order,
    new_order_has,
    order_is_open,
    signed_in,
    sql,
    subtask,
)
from tasks.families.web_shop.people import PAYMENTS, RETURN_DAYS, make_address
from tasks.families.web_shop.trip import (
    PAYMENT_NAMES,
    YES,
    Step,
    add_to_cart,
    check_out,
    choose,
    click,
    fill,
    open_order,
    sign_in,
)

REASONS = {
    "damaged": "It arrived damaged",
    "wrong": "It is not what I ordered",
    "late": "It came too late",
    "dislike": "I do not like it",
}
REFUNDS = {"account": "Back to my account", "voucher": "As a voucher", "exchange": "Exchange for a new one"}


def reorder_after_move(scene: Scene, is_midway: bool) -> Goal:
    """An address changes, then an order that is named by what was in it is placed again, to the new place."""
    rng, me = scene.rng, scene.me

    def can_be_had(order: dict[str, Any]) -> bool:
        found = [(scene.variant(line["variant_id"]), line["quantity"]) for line in scene.lines(order["id"])]
        return all(product.variants[colour][1] >= quantity for (product, colour), quantity in found)

    def is_named(variant: int) -> bool:
        product = scene.variant(variant)[0]
        return sum(_holds(scene, order["id"], product.name) for order in scene.orders) == 1

    orders = [order for order in scene.orders if order["status"] == "delivered" and can_be_had(order)]
    pairs = [(order, line) for order in orders for line in scene.lines(order["id"]) if is_named(line["variant_id"])]
    if not pairs:
        raise NoSuchGoal
    order, line = rng.choice(pairs)
    named = scene.variant(line["variant_id"])[0]
    used = {address["city"] for customer in scene.customers for address in customer.addresses}
    place = make_address(rng, rng.choice([town for town in TOWNS if town not in used]))
    old = rng.choice(me.addresses)
    payment = rng.choice(PAYMENTS)
    wanted = [(each["variant_id"], each["quantity"]) for each in scene.lines(order["id"])]
    new_text = f"{place['street']}, {place['postcode']} {place['city']}"
    words = (
        f"{me.name} has moved from {old['city']} to {new_text}. Change that entry of the address book (do not "
        "add one). "
        f"Then order once more all that was in the earlier order with the {named.name}, in the same colours and "
        f'quantities: by express delivery to the new address, to be paid by "{PAYMENT_NAMES[payment]}". {FINISH}'
    )
    brief = (
        f"Edit the {old['city']} address to {new_text}; order again the order with the {named.name}: express, "
        "new address, "
        f"{PAYMENT_NAMES[payment]}. End on the new order's page."
    )
    addresses = f"select street, postcode, city from addresses where user_id = {me.id} order by id"
    values = [
        [each[name] for name in ("street", "postcode", "city")]
        for each in ({**known, **place} if known is old else known for known in me.addresses)
    ]
    edit: list[Step] = [
        click("My account"),
        click("Address book"),
        click("Edit", **{"in": old["street"]}),
        fill("Street and number", place["street"]),
        fill("Postcode", place["postcode"]),
        fill("City", place["city"]),
        click("Save address"),
    ]
    subtasks, go_on = [signed_in(me)], edit
    done = ""
    if is_midway:
        row = next(row for row in scene.tables["addresses"] if row["id"] == old["id"])
        row.update(place)
        done = "the address book is up to date"
        go_on = []
    else:
        subtasks.append(subtask("the address is changed, and no other", sql(addresses, values)))
    subtasks += [
        subtask("all of the earlier order is in the cart", in_cart(me, wanted)),
        subtask("it is ordered again, and nothing else", new_order(scene, wanted), end=True),
        subtask(
            "to the new address, by the right delivery and payment",
            new_order_has(scene, street=place["street"], city=place["city"], delivery="express", payment=payment),
            sql(addresses, values),
            end=True,
        ),
        order_is_open(scene),
    ]
    again = [*open_order(order["id"], scene.page_of(order["id"])), click("Order again")]
    start, pay = sign_in(me), check_out(place["city"], "express", payment)
    stays = next(each["city"] for each in me.addresses if each is not old)
    misses = [[*start, *go_on, *again, *check_out(stays, "express", payment)]]
    if not is_midway:
        misses.append([*start, *again, *check_out(old["city"], "express", payment)])
    return Goal(words, brief, subtasks, [*start, *go_on, *again, *pay], misses, {**AN_ORDER, ADDRESSES: None}, done)


def _holds(scene: Scene, order: int, name: str) -> bool:
    return any(scene.variant(line["variant_id"])[0].name == name for line in scene.lines(order))


def return_item(scene: Scene, is_midway: bool) -> Goal:
    """Of a product that was bought more than once, from the one order that may still be sent back."""
    rng, me = scene.rng, scene.me

    def age(order: dict[str, Any]) -> int:
        return (scene.today - date.fromisoformat(order["placed_on"])).days

    late = [each for each in scene.orders if each["status"] == "delivered" and age(each) <= RETURN_DAYS]
    order = rng.choice(late)
    line = rng.choice(scene.lines(order["id"]))
    product, colour = scene.variant(line["variant_id"])
    recent = [each for each in scene.orders if age(each) <= RETURN_DAYS]  # some of them still on their way
    if sum(_holds(scene, each["id"], product.name) for each in recent) > 1:
        raise NoSuchGoal
    # The same thing in an order that is too old: looking for the name alone leads there too.
    old = rng.choice([each for each in scene.orders if age(each) > RETURN_DAYS])
    if not _holds(scene, old["id"], product.name):
        number = max(each["id"] for each in scene.tables["order_lines"]) + 1
        row = {"variant_id": line["variant_id"], "quantity": 1, "price_cents": product.cents}
        scene.tables["order_lines"].append({"id": number, "order_id": old["id"], **row})
    quantity = rng.randint(1, line["quantity"])
    reason, refund = rng.choice(sorted(REASONS)), rng.choice(sorted(REFUNDS))
    words = (
        f"{me.name} bought the {product.name} more than once and wants to send back {quantity} of the latest "
        "purchase of "
        f'it. The reason: "{REASONS[reason]}". The refund: "{REFUNDS[refund]}". Request that return and no '
        "other, and stay "
        "on the page of that order when you are done."
    )
    brief = (
        f"Return {quantity} x {product.name} (latest purchase): {REASONS[reason]}; {REFUNDS[refund]}. "
        "End on that order's page."
    )
    query = "select order_id, line_id, quantity, reason, refund from returns"
    subtasks = [
        signed_in(me),
        subtask("the right order is open", {"path": f"/orders/{order['id']}(/return)?"}),
        subtask("a return of the right item is requested", sql(
            "select order_id, line_id from returns", [[order["id"], line["id"]]]), end=True),
        subtask("with the right quantity, reason and refund", sql(
            query, [[order["id"], line["id"], quantity, reason, refund]]), end=True),
        subtask("the page of that order is open", {"path": f"/orders/{order['id']}"}, end=True),
    ]  # fmt: skip
    bought = f"{product.name} ({colour}), {line['quantity']} bought"

    def way(count: int, why: str, how: str) -> list[Step]:
        return [
            *sign_in(me),
            *open_order(order["id"], scene.page_of(order["id"])),
            click("Return something"),
            choose("Item", bought),
            fill("How many", str(count)),
            choose("Reason", REASONS[why]),
            choose("Refund", REFUNDS[how]),
            click("Request return"),
            YES,
        ]

    other_refund = next(each for each in sorted(REFUNDS) if each != refund)
    other_count = quantity - 1 or quantity + 1
    misses = [way(quantity, reason, other_refund)]
    if other_count <= line["quantity"]:
        misses.append(way(other_count, reason, refund))
    return Goal(words, brief, subtasks, way(quantity, reason, refund), misses, {RETURNS: None})


def replace_order(scene: Scene, is_midway: bool) -> Goal:
    """An order that has not left is cancelled, and its product bought in another colour instead."""
    rng, me = scene.rng, scene.me
    waiting = [each for each in scene.orders if each["status"] == "processing"]
    order, other = rng.sample(waiting, 2)
    product, colour = scene.variant(scene.lines(order["id"])[0]["variant_id"])
    if _holds(scene, other["id"], product.name):
        raise NoSuchGoal
    colours = sorted(each for each, (_, stock) in product.variants.items() if stock and each != colour)
    if not colours:
        raise NoSuchGoal
    new_colour = rng.choice(colours)
    quantity = rng.randint(1, min(3, product.variants[new_colour][1]))
    payment, address = rng.choice(PAYMENTS), me.addresses[0]
    wanted = [(product.variants[new_colour][0], quantity)]
    words = (
        f"{me.name} ordered the {product.name} lately and wants another colour: cancel that order, which has "
        "not left yet, "
        f"and order {quantity} x {product.name} in {new_colour} instead, by standard delivery to the default "
        "address, to be "
        f'paid by "{PAYMENT_NAMES[payment]}". Leave all other orders alone. {FINISH}'
    )
    brief = (
        f"Cancel the open order with the {product.name}; order {quantity} x {product.name} in {new_colour}: "
        "default address, "
        f"standard delivery, {PAYMENT_NAMES[payment]}. End on the new order's page."
    )
    states = f"select id, status from orders where user_id = {me.id} and id <= {scene.last_order} order by id"
    after = [
        [each["id"], "cancelled" if each is order else each["status"]]
        for each in sorted(scene.orders, key=lambda each: int(each["id"]))
    ]
    subtasks = [signed_in(me)]
    cancel = [*open_order(order["id"], scene.page_of(order["id"])), click("Cancel order"), YES]
    wrong_cancel = [*open_order(other["id"], scene.page_of(other["id"])), click("Cancel order"), YES]
    done = ""
    if is_midway:
        order["status"] = "cancelled"
        done = "the old order is cancelled"
        cancel = []
    else:
        subtasks.append(subtask("the right order is cancelled, and no other", sql(states, after)))
    subtasks += [
        subtask("the right product is in the cart", in_cart(me, wanted)),
        subtask("it is ordered, and nothing else", new_order(scene, wanted), sql(states, after), end=True),
        subtask(
            "to the right address, by the right delivery and payment",
            new_order_has(scene, street=address["street"], delivery="standard", payment=payment),
            end=True,
        ),
        order_is_open(scene),
    ]
    buy = [*add_to_cart(product, new_colour, quantity), *check_out(address["city"], "standard", payment)]
    misses = [[*sign_in(me), *wrong_cancel, *buy]]
    if not is_midway:
        misses.append([*sign_in(me), *buy])
    keep = {**AN_ORDER, EARLIER_ORDERS: None}
    return Goal(words, brief, subtasks, [*sign_in(me), *cancel, *buy], misses, keep, done)
