"""From the cart to an order: where to, how, how it is paid; then it is placed."""

from __future__ import annotations

from .cart import FREE_DELIVERY_CENTS, lines_of, total
from .database import Row
from .markup import address_text, button, esc, form, hidden, money, page, radios, table
from .routing import Reply, Visit, customer, route, to

DELIVERIES = {"standard": ("Standard delivery", 490), "express": ("Express delivery", 1290), "pickup": ("Pick up", 0)}
PAYMENTS = {"invoice": "Invoice", "card": "Card on delivery", "transfer": "Bank transfer"}


def delivery_cents(kind: str, goods: int) -> int:
    """Standard delivery is free from a sum on."""
    return 0 if kind == "standard" and goods >= FREE_DELIVERY_CENTS else DELIVERIES[kind][1]


@route("GET", "/checkout")
def checkout(visit: Visit, error: str = "") -> Reply:
    user = customer(visit)
    if not lines_of(visit):
        return to("/cart")
    addresses = visit.database.all("select * from addresses where user_id = ? order by id", user["id"])
    if not addresses:
        visit.notice("Please add an address first.")
        return to("/account/addresses")
    goods, chosen = total(visit).due, visit.form
    default = next((each["id"] for each in addresses if each["is_default"]), addresses[0]["id"])
    deliveries = [
        (key, f"{text} ({money(delivery_cents(key, goods)) if delivery_cents(key, goods) else 'free'})")
        for key, (text, _) in DELIVERIES.items()
    ]
    inside = (
        radios("Deliver to", "address", [(a["id"], address_text(a)) for a in addresses], chosen.get("address", default))
        + radios("Delivery", "delivery", deliveries, chosen.get("delivery", "standard"))
        + radios("Payment", "payment", PAYMENTS.items(), chosen.get("payment"))
        + button("Continue to review")
    )
    body = form("/checkout/review", inside) + '<p><a href="/account/addresses">Manage addresses</a></p>'
    return page(visit, "Checkout", body, error=error, status=400 if error else 200)


def _choices(visit: Visit, user: Row) -> tuple[Row, str, str] | str:
    """Address, delivery and payment; or what is missing."""
    form_ = visit.form
    address = visit.database.one(
        "select * from addresses where id = ? and user_id = ?", form_.get("address"), user["id"]
    )
    if address is None:
        return "Please choose an address."
    if form_.get("delivery") not in DELIVERIES:
        return "Please choose a delivery."
    if form_.get("payment") not in PAYMENTS:
        return "Please choose a payment."
    return address, form_["delivery"], form_["payment"]


@route("POST", "/checkout/review")
def review(visit: Visit) -> Reply:
    user = customer(visit)
    lines = lines_of(visit)
    if not lines:
        return to("/cart")
    chosen = _choices(visit, user)
    if isinstance(chosen, str):
        return checkout(visit, chosen)
    address, delivery, payment = chosen
    due = total(visit)
    fee = delivery_cents(delivery, due.due)
    rows = [
        [esc(line["name"]), esc(line["colour"]), str(line["quantity"]), money(line["price_cents"] * line["quantity"])]
        for line in lines
    ]
    discount = f"<p>Coupon {esc(visit.session['coupon'])}: -{money(due.discount)}</p>" if due.discount else ""
    body = (
        table(["Product", "Colour", "Quantity", "Sum"], rows)
        + discount
        + f"<p>{DELIVERIES[delivery][0]}: {money(fee)}</p><p>Deliver to: {esc(address_text(address))}</p>"
        f"<p>Payment: {PAYMENTS[payment]}</p><p><strong>Total: {money(due.due + fee)}</strong></p>"
        + form(
            "/checkout/place",
            hidden("address", address["id"])
            + hidden("delivery", delivery)
            + hidden("payment", payment)
            + button("Place order"),
            confirm=f"Place this order for {money(due.due + fee)}?",
        )
        + '<p><a href="/checkout">Change something</a></p>'
    )
    return page(visit, "Review your order", body)


@route("POST", "/checkout/place")
def place(visit: Visit) -> Reply:
    user = customer(visit)
    lines, due = lines_of(visit), total(visit)
    chosen = _choices(visit, user)
    if not lines:
        return to("/cart")
    if isinstance(chosen, str):
        return checkout(visit, chosen)
    if short := next((line for line in lines if line["quantity"] > line["stock"]), None):
        visit.notice(f"Only {short['stock']} of {short['name']} can be had.")
        return to("/cart")
    address, delivery, payment = chosen
    fee = delivery_cents(delivery, due.due)
    order = visit.database.insert(
        "orders",
        {
            "user_id": user["id"],
            "status": "processing",
            "placed_on": visit.today,
            **{name: address[name] for name in ("name", "street", "postcode", "city")},
            "delivery": delivery,
            "payment": payment,
            "coupon": visit.session["coupon"] if due.discount else "",
            "delivery_cents": fee,
            "total_cents": due.due + fee,
        },
    )
    for line in lines:
        visit.database.insert(
            "order_lines",
            {"order_id": order, **{name: line[name] for name in ("variant_id", "quantity", "price_cents")}},
        )
        visit.database.do("update variants set stock = stock - ? where id = ?", line["quantity"], line["variant_id"])
    visit.database.do("delete from cart_lines where owner = ?", visit.owner)
    visit.set_session(coupon="")
    visit.notice(f"Thank you! Your order {order} is placed.")
    return to(f"/orders/{order}")
