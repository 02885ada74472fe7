"""The cart and its coupon."""

from __future__ import annotations

from dataclasses import dataclass

from .catalogue import get_product, product_page
from .database import Row
from .markup import button, esc, field, form, hidden, money, page, stepper, table, whole_number
from .routing import Reply, Visit, route, to

FREE_DELIVERY_CENTS = 10_000
_LINES = """
select c.id, c.variant_id, c.quantity, v.colour, v.stock, p.id as product_id, p.name, p.category, p.price_cents
from cart_lines c join variants v on v.id = c.variant_id join products p on p.id = v.product_id
where c.owner = ? order by c.id
"""


@dataclass(frozen=True)
class Sum:
    """What a cart comes to, in cents."""

    goods: int
    discount: int

    @property
    def due(self) -> int:
        return self.goods - self.discount


def lines_of(visit: Visit) -> list[Row]:
    return visit.database.all(_LINES, visit.owner)


def total(visit: Visit) -> Sum:
    """With the session's coupon, as far as it still fits."""
    lines = lines_of(visit)
    goods = sum(line["price_cents"] * line["quantity"] for line in lines)
    coupon = visit.database.one("select * from coupons where code = ?", visit.session["coupon"])
    if coupon is None or refusal(visit, coupon):
        return Sum(goods, 0)
    base = sum(line["price_cents"] * line["quantity"] for line in lines if coupon["category"] in ("", line["category"]))
    return Sum(goods, base * coupon["percent"] // 100)


def refusal(visit: Visit, coupon: Row) -> str:
    """Why this coupon does not fit this cart; "" where it does."""
    lines = lines_of(visit)
    goods = sum(line["price_cents"] * line["quantity"] for line in lines)
    if coupon["valid_until"] < visit.today:
        return f"The coupon {coupon['code']} was valid until {coupon['valid_until']}."
    if goods < coupon["minimum_cents"]:
        return f"The coupon {coupon['code']} needs goods worth {money(coupon['minimum_cents'])} or more."
    if coupon["category"] and not any(line["category"] == coupon["category"] for line in lines):
        return f"The coupon {coupon['code']} is for {coupon['category']} only."
    return ""


@route("POST", "/product/#/cart")
def add_to_cart(visit: Visit, number: int) -> Reply:
    product = get_product(visit, number)
    variant = visit.database.one(
        "select * from variants where id = ? and product_id = ?", whole_number(visit.form.get("variant", "")), number
    )
    quantity = whole_number(visit.form.get("quantity", ""))
    if variant is None:
        return product_page(visit, number, "Please choose a colour.")
    if not quantity:
        return product_page(visit, number, "The quantity must be 1 or more.")
    line = visit.database.one("select * from cart_lines where owner = ? and variant_id = ?", visit.owner, variant["id"])
    wanted = quantity + (line["quantity"] if line else 0)
    if wanted > variant["stock"]:
        return product_page(visit, number, f"Only {variant['stock']} of this colour can be had.")
    if line:
        visit.database.do("update cart_lines set quantity = ? where id = ?", wanted, line["id"])
    else:
        visit.database.insert("cart_lines", {"owner": visit.owner, "variant_id": variant["id"], "quantity": quantity})
    visit.notice(f"{quantity} x {product['name']} ({variant['colour']}) added to your cart.")
    return to("/cart")


@route("GET", "/cart")
def cart(visit: Visit, error: str = "") -> Reply:
    lines, due, status = lines_of(visit), total(visit), 400 if error else 200
    if not lines:
        return page(visit, "Your cart", "<p>Your cart is empty.</p>", error=error, status=status)
    rows = [
        [
            f'<a href="/product/{line["product_id"]}">{esc(line["name"])}</a>',
            esc(line["colour"]),
            money(line["price_cents"]),
            form(
                "/cart/update",
                hidden("line", line["id"]) + stepper("Quantity", "quantity", line["quantity"], 20) + button("Update"),
            ),
            money(line["price_cents"] * line["quantity"]),
            form("/cart/remove", hidden("line", line["id"]) + button("Remove", "plain")),
        ]
        for line in lines
    ]
    code = visit.session["coupon"]
    sums = f"<p>Goods: {money(due.goods)}</p>"
    if code:
        remove = form("/cart/coupon/remove", button("Remove coupon", "plain"))
        sums += f"<p>Coupon {esc(code)}: -{money(due.discount)}</p>{remove}"
    sums += f"<p><strong>Sum: {money(due.due)}</strong></p>"
    coupon = form("/cart/coupon", field("Coupon code", "code") + button("Apply coupon"))
    body = table(["Product", "Colour", "Price", "Quantity", "Sum", ""], rows) + sums + coupon
    return page(visit, "Your cart", body + '<p><a href="/checkout">Go to checkout</a></p>', error=error, status=status)


@route("POST", "/cart/update")
def update(visit: Visit) -> Reply:
    line = next((each for each in lines_of(visit) if str(each["id"]) == visit.form.get("line")), None)
    quantity = whole_number(visit.form.get("quantity", ""))
    if line is None:
        return cart(visit, "That line is no longer in your cart.")
    if not quantity:
        return cart(visit, "The quantity must be 1 or more.")
    if quantity > line["stock"]:
        return cart(visit, f"Only {line['stock']} of {line['name']} ({line['colour']}) can be had.")
    visit.database.do("update cart_lines set quantity = ? where id = ?", quantity, line["id"])
    return to("/cart")


@route("POST", "/cart/remove")
def remove(visit: Visit) -> Reply:
    visit.database.do("delete from cart_lines where owner = ? and id = ?", visit.owner, visit.form.get("line"))
    return to("/cart")


@route("POST", "/cart/coupon")
def apply_coupon(visit: Visit) -> Reply:
    code = visit.form.get("code", "").strip().upper()
    coupon = visit.database.one("select * from coupons where code = ?", code)
    if coupon is None:
        return cart(visit, f"There is no coupon {code!r}.")
    if reason := refusal(visit, coupon):
        return cart(visit, reason)
    visit.set_session(coupon=code)
    visit.notice(f"The coupon {code} is applied.")
    return to("/cart")


@route("POST", "/cart/coupon/remove")
def remove_coupon(visit: Visit) -> Reply:
    visit.set_session(coupon="")
    return to("/cart")
