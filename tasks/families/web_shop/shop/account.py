"""Signing in and out, the profile, the address book."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from .database import Row
from .markup import address_text, button, esc, field, form, hidden, page, table
from .routing import NotFound, Reply, Visit, customer, route, to

_POSTCODE = re.compile(r"[0-9]{5}")
_PHONE = re.compile(r"\+?[0-9][0-9 /-]{5,19}")


@route("GET", "/login")
def login_page(visit: Visit, error: str = "") -> Reply:
    goal = visit.query.get("next") or visit.form.get("next") or "/account"
    inside = (
        hidden("next", goal)
        + field("Email", "email", visit.form.get("email", ""), kind="email")
        + field("Password", "password", kind="password")
        + button("Sign in")
    )
    return page(visit, "Sign in", form("/login", inside), error=error, status=403 if error else 200)


@route("POST", "/login")
def login(visit: Visit) -> Reply:
    email, password = visit.form.get("email", "").strip().lower(), visit.form.get("password", "")
    user = visit.database.one("select * from users where email = ? and password = ?", email, password)
    if user is None:
        return login_page(visit, "Email or password is wrong.")
    guest = visit.owner
    visit.set_session(user_id=user["id"])
    for table_ in ("cart_lines", "compared"):  # what was put together before comes along
        visit.database.do(f"update {table_} set owner = ? where owner = ?", visit.owner, guest)
    _join_lines(visit)
    visit.notice(f"Welcome back, {user['name']}.")
    goal = visit.form.get("next", "")
    return to(goal if goal.startswith("/") and not goal.startswith(("//", "/\\")) else "/account")


def _join_lines(visit: Visit) -> None:
    """Two lines of one thing become one."""
    twice = visit.database.all(
        "select variant_id, min(id) as first, sum(quantity) as n from cart_lines where owner = ? "
        "group by variant_id having count(*) > 1",
        visit.owner,
    )
    for each in twice:
        visit.database.do("update cart_lines set quantity = ? where id = ?", each["n"], each["first"])
        visit.database.do(
            "delete from cart_lines where owner = ? and variant_id = ? and id <> ?",
            visit.owner,
            each["variant_id"],
            each["first"],
        )


@route("POST", "/logout")
def logout(visit: Visit) -> Reply:
    visit.set_session(user_id=None, coupon="")
    visit.notice("You are signed out.")
    return to("/")


def sign_in_first(visit: Visit) -> Reply:
    visit.notice("Please sign in first.")
    return to("/login?" + urlencode({"next": visit.path}))


@route("GET", "/account")
def account(visit: Visit, error: str = "") -> Reply:
    user = customer(visit)
    profile = form(
        "/account/profile",
        field("Name", "name", visit.form.get("name", user["name"]))
        + field("Phone", "phone", visit.form.get("phone", user["phone"]))
        + f'<label><input type="checkbox" name="newsletter" value="1"{" checked" if user["newsletter"] else ""}> '
        "Send me the newsletter</label>" + button("Save profile"),
    )
    links = '<ul><li><a href="/account/addresses">Address book</a></li><li><a href="/orders">Orders</a></li></ul>'
    body = f"<p>Email: {esc(user['email'])}</p>{profile}{links}"
    return page(visit, "My account", body, error=error, status=400 if error else 200)


@route("POST", "/account/profile")
def save_profile(visit: Visit) -> Reply:
    user = customer(visit)
    name, phone = visit.form.get("name", "").strip(), visit.form.get("phone", "").strip()
    if not name:
        return account(visit, "A name is needed.")
    if phone and not _PHONE.fullmatch(phone):
        return account(visit, "A phone number has digits, spaces, / and -, and perhaps a + before them.")
    newsletter = int("newsletter" in visit.form)
    visit.database.do(
        "update users set name = ?, phone = ?, newsletter = ? where id = ?", name, phone, newsletter, user["id"]
    )
    visit.notice("Your profile is saved.")
    return to("/account")


def _own_address(visit: Visit, number: int) -> Row:
    user = customer(visit)
    address = visit.database.one("select * from addresses where id = ? and user_id = ?", number, user["id"])
    if address is None:
        raise NotFound
    return address


@route("GET", "/account/addresses")
def addresses(visit: Visit) -> Reply:
    user = customer(visit)
    rows = []
    for each in visit.database.all("select * from addresses where user_id = ? order by id", user["id"]):
        place = f"/account/addresses/{each['id']}"
        acts = f'<a href="{place}">Edit</a>'
        if not each["is_default"]:
            acts += form(f"{place}/default", button("Make default", "plain"))
            acts += form(f"{place}/delete", button("Delete", "plain"), confirm=f"Delete {address_text(each)}?")
        rows.append([esc(address_text(each)), "Default" if each["is_default"] else "", acts])
    body = table(["Address", "", ""], rows) + '<p><a href="/account/addresses/new">Add an address</a></p>'
    return page(visit, "Address book", body)


def _address_form(visit: Visit, title: str, action: str, known: Row, error: str) -> Reply:
    names = {"name": "Recipient", "street": "Street and number", "postcode": "Postcode", "city": "City"}
    inside = "".join(field(label, name, visit.form.get(name, known.get(name, ""))) for name, label in names.items())
    body = form(action, f'<div class="lines">{inside}</div>' + button("Save address"))
    return page(visit, title, body, error=error, status=400 if error else 200)


def _read_address(visit: Visit) -> tuple[Row, str]:
    row = {name: " ".join(visit.form.get(name, "").split()) for name in ("name", "street", "postcode", "city")}
    if not all(row.values()):
        return row, "Every line of the address is needed."
    return row, "" if _POSTCODE.fullmatch(row["postcode"]) else "A postcode has five digits."


@route("GET", "/account/addresses/new")
def new_address(visit: Visit, error: str = "") -> Reply:
    user = customer(visit)
    return _address_form(visit, "New address", "/account/addresses/new", {"name": user["name"]}, error)


@route("POST", "/account/addresses/new")
def add_address(visit: Visit) -> Reply:
    user = customer(visit)
    row, error = _read_address(visit)
    if error:
        return new_address(visit, error)
    is_first = visit.database.one("select 1 from addresses where user_id = ?", user["id"]) is None
    visit.database.insert("addresses", {"user_id": user["id"], **row, "is_default": int(is_first)})
    visit.notice("The address is saved.")
    return to("/account/addresses")


@route("GET", "/account/addresses/#")
def edit_address(visit: Visit, number: int, error: str = "") -> Reply:
    return _address_form(visit, "Edit address", f"/account/addresses/{number}", _own_address(visit, number), error)


@route("POST", "/account/addresses/#")
def save_address(visit: Visit, number: int) -> Reply:
    address = _own_address(visit, number)
    row, error = _read_address(visit)
    if error:
        return edit_address(visit, number, error)
    visit.database.do(
        "update addresses set name = ?, street = ?, postcode = ?, city = ? where id = ?", *row.values(), address["id"]
    )
    visit.notice("The address is saved.")
    return to("/account/addresses")


@route("POST", "/account/addresses/#/default")
def make_default(visit: Visit, number: int) -> Reply:
    address = _own_address(visit, number)
    visit.database.do("update addresses set is_default = (id = ?) where user_id = ?", number, address["user_id"])
    return to("/account/addresses")


@route("POST", "/account/addresses/#/delete")
def delete_address(visit: Visit, number: int) -> Reply:
    address = _own_address(visit, number)
    if not address["is_default"]:
        visit.database.do("delete from addresses where id = ?", number)
        visit.notice("The address is deleted.")
    return to("/account/addresses")
