"""Orders that were placed: looking at them, cancelling, returning, ordering again."""

from __future__ import annotations

from datetime import date

from .checkout import DELIVERIES, PAYMENTS
from .database import Row
from .markup import address_text, button, choice, esc, field, form, money, page, table, whole_number
from .routing import NotFound, Reply, Visit, customer, route, to

RETURN_DAYS = 30
REASONS = {
    "damaged": "It arrived damaged",
    "wrong": "It is not what I ordered",
    "late": "It came too late",
    "dislike": "I do not like it",
}
REFUNDS = {"account": "Back to my account", "voucher": "As a voucher", "exchange": "Exchange for a new one"}
PAGE_SIZE = 5
_LINES = """
select l.id, l.variant_id, l.quantity, l.price_cents, v.colour, v.stock, p.id as product_id, p.name,
    (select coalesce(sum(quantity), 0) from returns where line_id = l.id) as returned
from order_lines l join variants v on v.id = l.variant_id join products p on p.id = v.product_id
where l.order_id = ? order by l.id
"""


def _own_order(visit: Visit, number: int) -> tuple[Row, list[Row]]:
    user = customer(visit)
    order = visit.database.one("select * from orders where id = ? and user_id = ?", number, user["id"])
    if order is None:
        raise NotFound
    return order, visit.database.all(_LINES, number)


@route("GET", "/orders")
def orders(visit: Visit) -> Reply:
    user = customer(visit)
    status = visit.query.get("status", "")
    found = visit.database.all(
        "select * from orders where user_id = ? and (? = '' or status = ?) order by placed_on desc, id desc",
        user["id"],
        status,
        status,
    )
    pages = max(1, -(-len(found) // PAGE_SIZE))
    number = min(max(whole_number(visit.query.get("page", "1")) or 1, 1), pages)
    rows = [
        [
            f'<a href="/orders/{each["id"]}">Order {each["id"]}</a>',
            each["placed_on"],
            esc(each["status"]),
            money(each["total_cents"]),
        ]
        for each in found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    ]
    states: list[tuple[object, str]] = [
        ("", "All"),
        *((name, name) for name in ("processing", "delivered", "cancelled")),
    ]
    filters = f'<form action="/orders">{choice("Status", "status", states, status)}{button("Show")}</form>'
    links = "".join(
        f'<a href="/orders?status={esc(status)}&amp;page={other}">{text}</a> '
        for text, other in (("Newer orders", number - 1), ("Older orders", number + 1))
        if 1 <= other <= pages
    )
    body = f"{filters}<p>{len(found)} orders, page {number} of {pages}</p>"
    return page(visit, "My orders", body + table(["Order", "Date", "Status", "Total"], rows) + links)


@route("GET", "/orders/#")
def order_page(visit: Visit, number: int) -> Reply:
    order, lines = _own_order(visit, number)
    rows = [
        [
            f'<a href="/product/{line["product_id"]}">{esc(line["name"])}</a>',
            esc(line["colour"]),
            str(line["quantity"]),
            money(line["price_cents"] * line["quantity"]),
            f"{line['returned']} returned" if line["returned"] else "",
        ]
        for line in lines
    ]
    acts = form(f"/orders/{number}/again", button("Order again"))
    if order["status"] == "processing":
        acts += form(
            f"/orders/{number}/cancel", button("Cancel order", "danger"), confirm=f"Cancel the order {number}?"
        )
    if order["status"] == "delivered":
        acts += f'<p><a href="/orders/{number}/return">Return something</a></p>'
    coupon = f"<p>Coupon: {esc(order['coupon'])}</p>" if order["coupon"] else ""
    body = (
        f"<p>Placed on {order['placed_on']} · Status: {esc(order['status'])}</p>"
        + table(["Product", "Colour", "Quantity", "Sum", ""], rows)
        + f"{coupon}<p>{DELIVERIES[order['delivery']][0]}: {money(order['delivery_cents'])}</p>"
        f"<p>Delivered to: {esc(address_text(order))}</p><p>Payment: {PAYMENTS[order['payment']]}</p>"
        f"<p><strong>Total: {money(order['total_cents'])}</strong></p>{acts}"
    )
    return page(visit, f"Order {number}", body)


@route("POST", "/orders/#/cancel")
def cancel(visit: Visit, number: int) -> Reply:
    order, lines = _own_order(visit, number)
    if order["status"] != "processing":
        visit.notice("This order can no longer be cancelled.")
        return to(f"/orders/{number}")
    visit.database.do("update orders set status = 'cancelled' where id = ?", number)
    for line in lines:
        visit.database.do("update variants set stock = stock + ? where id = ?", line["quantity"], line["variant_id"])
    visit.notice(f"Your order {number} is cancelled.")
    return to(f"/orders/{number}")


@route("POST", "/orders/#/again")
def again(visit: Visit, number: int) -> Reply:
    """Into the cart, as far as it can be had."""
    _, lines = _own_order(visit, number)
    missing = []
    for line in lines:
        known = visit.database.one(
            "select * from cart_lines where owner = ? and variant_id = ?", visit.owner, line["variant_id"]
        )
        wanted = line["quantity"] + (known["quantity"] if known else 0)
        if wanted > line["stock"]:
            missing.append(line["name"])
        elif known:
            visit.database.do("update cart_lines set quantity = ? where id = ?", wanted, known["id"])
        else:
            row = {"owner": visit.owner, "variant_id": line["variant_id"], "quantity": line["quantity"]}
            visit.database.insert("cart_lines", row)
    left_out = f" Not in stock any more: {', '.join(missing)}." if missing else ""
    visit.notice(f"What you ordered is in your cart.{left_out}")
    return to("/cart")


def _days_since(visit: Visit, order: Row) -> int:
    return (date.fromisoformat(visit.today) - date.fromisoformat(order["placed_on"])).days


@route("GET", "/orders/#/return")
def return_page(visit: Visit, number: int, error: str = "") -> Reply:
    order, lines = _own_order(visit, number)
    if order["status"] != "delivered" or _days_since(visit, order) > RETURN_DAYS:
        text = f"<p>Only orders that were delivered, and placed in the last {RETURN_DAYS} days, can be returned.</p>"
        return page(visit, f"Return from order {number}", text, error=error, status=400 if error else 200)
    chosen = visit.form
    options: list[tuple[object, str]] = [("", "Please choose")]
    options += [(line["id"], f"{line['name']} ({line['colour']}), {line['quantity']} bought") for line in lines]
    inside = (
        choice("Item", "line", options, chosen.get("line"))
        + field("How many", "quantity", chosen.get("quantity", "1"), kind="number", extra='min="1"')
        + choice("Reason", "reason", [("", "Please choose"), *REASONS.items()], chosen.get("reason"))
        + choice("Refund", "refund", [("", "Please choose"), *REFUNDS.items()], chosen.get("refund"))
        + button("Request return")
    )
    body = form(f"/orders/{number}/return", inside, confirm="Request this return?")
    return page(visit, f"Return from order {number}", body, error=error, status=400 if error else 200)


@route("POST", "/orders/#/return")
def request_return(visit: Visit, number: int) -> Reply:
    order, lines = _own_order(visit, number)
    chosen = visit.form
    line = next((each for each in lines if str(each["id"]) == chosen.get("line")), None)
    quantity = whole_number(chosen.get("quantity", ""))
    if order["status"] != "delivered" or _days_since(visit, order) > RETURN_DAYS:
        return return_page(visit, number, "This order cannot be returned.")
    if line is None:
        return return_page(visit, number, "Please choose an item.")
    if not quantity or quantity > line["quantity"] - line["returned"]:
        return return_page(visit, number, f"{line['quantity'] - line['returned']} of these can be returned.")
    if chosen.get("reason") not in REASONS:
        return return_page(visit, number, "Please choose a reason.")
    if chosen.get("refund") not in REFUNDS:
        return return_page(visit, number, "Please choose a refund.")
    row = {"order_id": number, "line_id": line["id"], "quantity": quantity}
    visit.database.insert("returns", {**row, "reason": chosen["reason"], "refund": chosen["refund"]})
    visit.notice("Your return is registered. You will get a label by email.")
    return to(f"/orders/{number}")
