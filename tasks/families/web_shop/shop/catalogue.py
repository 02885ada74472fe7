"""Looking for things: the front page, search with filters and pages, a product, the comparison."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from .database import Row
from .markup import button, choice, esc, field, form, hidden, money, page, stepper, table, whole_number
from .routing import NotFound, Reply, Visit, route, to

PAGE_SIZE = 8
MOST_COMPARED = 4
MOST_WORDS = 12
_SORTS = {
    "": ("Best known first", "reviews desc, id"),
    "price": ("Price, low to high", "price_cents, id"),
    "price_down": ("Price, high to low", "price_cents desc, id"),
    "rating": ("Rating, best first", "rating desc, id"),
    "name": ("Name, A to Z", "name, id"),
}


@route("GET", "/")
def home(visit: Visit) -> Reply:
    categories = visit.database.all("select category, count(*) as n from products group by category order by category")
    items = "".join(
        f'<li><a href="/search?{urlencode({"category": each["category"]})}">{esc(each["category"])}</a> '
        f"({each['n']})</li>"
        for each in categories
    )
    known = visit.database.all("select * from products order by reviews desc, id limit 4")
    cards = "".join(card(each) for each in known)
    return page(
        visit, "Welcome", f'<h2>Departments</h2><ul>{items}</ul><h2>Well known</h2><div class="grid">{cards}</div>'
    )


@route("GET", "/search")
def search(visit: Visit) -> Reply:
    query = visit.query
    conditions, values = _conditions(query)
    where = " and ".join(conditions) or "1"
    order = _SORTS.get(query.get("sort", ""), _SORTS[""])[1]
    found = visit.database.all(f"select * from products where {where} order by {order}", *values)
    pages = max(1, -(-len(found) // PAGE_SIZE))
    number = min(max(whole_number(query.get("page", "1")) or 1, 1), pages)
    shown = found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    cards = "".join(card(each) for each in shown) or "<p>Nothing here fits. Try fewer filters.</p>"
    count = f"<p>{len(found)} products, page {number} of {pages}</p>"
    body = f'{_filters(visit)}{count}<div class="grid">{cards}</div>{_pager(query, number, pages)}'
    return page(visit, "Search", body)


def _conditions(query: dict[str, str]) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []
    for word in query.get("q", "").split()[:MOST_WORDS]:
        conditions.append("(name || ' ' || brand || ' ' || category || ' ' || description) like ? escape '\\'")
        values.append("%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%")
    for name in ("category", "brand"):
        if query.get(name):
            conditions.append(f"{name} = ?")
            values.append(query[name])
    if (most := whole_number(query.get("most", ""))) is not None:
        conditions.append("price_cents <= ?")
        values.append(most * 100)
    if query.get("rating") in ("3", "4"):
        conditions.append("rating >= ?")
        values.append(int(query["rating"]))
    if query.get("stock") == "yes":
        conditions.append("exists (select 1 from variants where product_id = products.id and stock > 0)")
    return conditions, values


def _filters(visit: Visit) -> str:
    query, database = visit.query, visit.database

    def options(column: str) -> list[tuple[object, str]]:
        rows = database.all(f"select distinct {column} as it from products order by it")
        return [("", "All"), *((row["it"], row["it"]) for row in rows)]

    stars: list[tuple[object, str]] = [("", "Any"), ("3", "3 and better"), ("4", "4 and better")]
    inside = (
        field("Words", "q", query.get("q", ""))
        + choice("Department", "category", options("category"), query.get("category"))
        + choice("Brand", "brand", options("brand"), query.get("brand"))
        + field("Price up to (€)", "most", query.get("most", ""), kind="number", extra='min="0"')
        + choice("Rating", "rating", stars, query.get("rating"))
        + choice("Sort by", "sort", [(key, text) for key, (text, _) in _SORTS.items()], query.get("sort"))
        + f'<label><input type="checkbox" name="stock" value="yes"{" checked" if query.get("stock") else ""}> '
        "In stock only</label>" + button("Apply filters")
    )
    return f'<form action="/search" class="filters">{inside}</form>'


def _pager(query: dict[str, str], number: int, pages: int) -> str:
    def link(text: str, to_page: int) -> str:
        return f'<a href="/search?{esc(urlencode({**query, "page": to_page}))}">{text}</a> '

    before = link("Previous page", number - 1) if number > 1 else ""
    return f'<nav aria-label="Pages">{before}{link("Next page", number + 1) if number < pages else ""}</nav>'


def card(product: Row) -> str:
    return (
        f'<article><h3><a href="/product/{product["id"]}">{esc(product["name"])}</a></h3>'
        f"<p>{esc(product['brand'])}<br>{money(product['price_cents'])}<br>"
        f"{product['rating']:.1f} of 5 ({product['reviews']} reviews)</p></article>"
    )


def get_product(visit: Visit, number: int) -> Row:
    """Raises NotFound."""
    product = visit.database.one("select * from products where id = ?", number)
    if product is None:
        raise NotFound
    return product


@route("GET", "/product/#")
def product_page(visit: Visit, number: int, error: str = "") -> Reply:
    product = get_product(visit, number)
    variants = visit.database.all("select * from variants where product_id = ? order by id", number)
    attributes = visit.database.all("select * from attributes where product_id = ? order by rowid", number)
    rows = [
        ("Brand", esc(product["brand"])),
        ("Department", esc(product["category"])),
        ("Rating", f"{product['rating']:.1f} of 5 ({product['reviews']} reviews)"),
        ("Delivery", f"{product['delivery_days']} working days"),
        *((esc(each["name"]), esc(each["value"])) for each in attributes),
    ]
    facts = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows)
    colours = [(each["id"], f"{each['colour']} ({stock_text(each['stock'])})") for each in variants]
    chosen = visit.form.get("variant")
    buy = form(
        f"/product/{number}/cart",
        choice("Colour", "variant", colours, chosen) + stepper("Quantity", "quantity", 1, 20) + button("Add to cart"),
    )
    compare = form("/compare/add", hidden("product", number) + button("Add to comparison", "plain"))
    body = (
        f"<p><strong>{money(product['price_cents'])}</strong></p><p>{esc(product['description'])}</p>"
        f"<table><tbody>{facts}</tbody></table>{buy}{compare}"
    )
    return page(visit, product["name"], body, error=error, status=400 if error else 200)


def stock_text(stock: int) -> str:
    return f"{stock} in stock" if stock else "sold out"


@route("POST", "/compare/add")
def add_to_comparison(visit: Visit) -> Reply:
    product = get_product(visit, whole_number(visit.form.get("product", "")) or 0)
    compared = visit.database.all("select * from compared where owner = ? order by id", visit.owner)
    if product["id"] not in [each["product_id"] for each in compared]:
        if len(compared) >= MOST_COMPARED:
            visit.notice(f"The comparison holds {MOST_COMPARED} products at most. Remove one first.")
            return to("/compare")
        visit.database.insert("compared", {"owner": visit.owner, "product_id": product["id"]})
    visit.notice(f"{product['name']} is in your comparison.")
    return to(f"/product/{product['id']}")


@route("POST", "/compare/remove")
def remove_from_comparison(visit: Visit) -> Reply:
    number = whole_number(visit.form.get("product", ""))
    visit.database.do("delete from compared where owner = ? and product_id = ?", visit.owner, number)
    return to("/compare")


@route("GET", "/compare")
def comparison(visit: Visit) -> Reply:
    products = visit.database.all(
        "select p.* from compared c join products p on p.id = c.product_id where owner = ? order by c.id", visit.owner
    )
    if not products:
        return page(visit, "Comparison", "<p>Nothing to compare yet. Add products from their pages.</p>")
    names = visit.database.all(
        "select distinct a.name from attributes a join compared c on c.product_id = a.product_id "
        "where owner = ? order by a.name",
        visit.owner,
    )

    def attribute(product: Row, name: str) -> str:
        row = visit.database.one("select value from attributes where product_id = ? and name = ?", product["id"], name)
        return esc(row["value"]) if row else "-"

    rows = [
        ["Price", *(money(each["price_cents"]) for each in products)],
        ["Rating", *(f"{each['rating']:.1f}" for each in products)],
        ["Delivery", *(f"{each['delivery_days']} working days" for each in products)],
        *([esc(name["name"]), *(attribute(each, name["name"]) for each in products)] for name in names),
        [
            "",
            *(form("/compare/remove", hidden("product", each["id"]) + button("Remove", "plain")) for each in products),
        ],
    ]
    links = "".join(f'<li><a href="/product/{each["id"]}">{esc(each["name"])}</a></li>' for each in products)
    return page(visit, "Comparison", table(["", *(each["name"] for each in products)], rows) + f"<ul>{links}</ul>")
